"""The audit log: written by triggers whatever changes a row, and by nobody else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from steelyard.domain.access import Role
from steelyard.domain.actors import Actor, ActorKind, acting_as
from steelyard.domain.cases import By, CaseSource, CaseStatus, GoldenCase
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.domain.skills import SkillContent
from steelyard.services.api_keys import ApiKeys, hash_of
from steelyard.services.members import Members
from steelyard.services.passwords import Passwords
from steelyard.storage import audit, deliveries, memberships, runs, staleness
from steelyard.storage.audit import AuditFilter, AuditRow
from steelyard.storage.cases import decide_case, put_case, sync_cases
from steelyard.storage.database import Database
from steelyard.storage.feedback import add_feedback
from steelyard.storage.removal import delete_skill
from steelyard.storage.reviews import insert_review
from steelyard.storage.server import Server
from steelyard.storage.skills import save_skill
from steelyard.storage.tenants import ensure_tenant
from steelyard.storage.unaudited import NOT_AUDITED
from tests.integration.storage.test_tenancy import tenant_tables

ANN = Actor(ActorKind.MEMBER, "Ann", uuid4())
PROMPT = "The secret recipe of the house."
PLAN = {"models": ["t:m"], "seed": 1, "judge": None, "judge_digest": None}


def content(text: str = PROMPT) -> SkillContent:
    return SkillContent(
        "weigh", "Weighs.", text, text, sha256(text.encode()).hexdigest(), files={"SKILL.md": text.encode()}
    )


async def log(database: Database, tenant_id: UUID, wanted: AuditFilter = AuditFilter()) -> list[AuditRow]:
    """The whole log, the oldest first."""
    async with database.tenant(tenant_id) as connection:
        return (await audit.page(connection, wanted, before=None, limit=1000))[::-1]


async def skill(database: Database, tenant_id: UUID, text: str = PROMPT) -> tuple[UUID, UUID]:
    async with database.tenant(tenant_id) as connection:
        return await save_skill(connection, tenant_id, content(text))


async def run(database: Database, tenant_id: UUID, skill_id: UUID, version_id: UUID) -> UUID:
    async with database.tenant(tenant_id) as connection:
        return await runs.insert_run(
            connection,
            tenant_id,
            skill_id=skill_id,
            skill_version_id=version_id,
            triggered_by="test",
            of_record=True,
            plan=PLAN,
            plan_digest="p",
            planned=1,
            fresh=False,
            budget_microcents=None,
        )


def test_every_table_of_tenants_is_audited_or_listed_with_the_reason_why_not(server: Server) -> None:
    with psycopg.connect(server.admin_dsn) as connection:
        rows = connection.execute(
            """SELECT DISTINCT r.relname FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid
                WHERE t.tgfoid = 'note_change()'::regprocedure AND t.tgenabled = 'O'"""
        ).fetchall()
    audited = {name for (name,) in rows}
    assert audited | set(NOT_AUDITED) == set(tenant_tables(server)), (
        "a table's migration calls audit_table, or storage/unaudited.py says why not"
    )
    assert not audited & set(NOT_AUDITED)
    assert {"skills", "golden_cases", "benchmark_runs"} <= audited


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_log (tenant_id, id, at, actor_kind, actor_name, action, subject_kind, subject_name, change)"
        " SELECT current_tenant(), gen_random_uuid(), now(), 'local', 'Eve', 'added', 'skill', 'x', '{}'",
        "UPDATE audit_log SET actor_name = 'Eve'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "DELETE FROM tenants",
        "SELECT audit_table('golden_cases', 'case', events => '{}')",
        "ALTER TABLE golden_cases DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_update ON golden_cases",
        "SET LOCAL session_replication_role = 'replica'",
        "CREATE TRIGGER mine AFTER INSERT ON skills FOR EACH ROW EXECUTE FUNCTION note_change('{}')",
    ],
)
async def test_the_application_can_neither_write_the_log_nor_keep_a_change_out_of_it(
    database: Database, tenant_id: UUID, statement: LiteralString
) -> None:
    await skill(database, tenant_id)
    before = await log(database, tenant_id)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.tenant(tenant_id) as connection:
            await connection.execute(statement)
    assert await log(database, tenant_id) == before


async def test_it_says_who_did_what_to_which_and_when(database: Database, tenant_id: UUID) -> None:
    began = datetime.now(UTC)
    with acting_as(ANN):
        skill_id, version_id = await skill(database, tenant_id)
    found = await log(database, tenant_id)
    assert [(row.subject_kind, row.action, row.subject_id) for row in found] == [
        ("skill", "added", skill_id),
        ("version", "added", version_id),
    ]
    for row in found:
        assert (row.actor_kind, row.actor_id, row.actor_name) == ("member", ANN.id, "Ann")
        assert (row.skill_id, row.skill_name, row.here) == (skill_id, "weigh", True)
        assert began - timedelta(seconds=5) < row.at < datetime.now(UTC) + timedelta(seconds=5)
    assert [row.id for row in found] == sorted(row.id for row in found)


async def test_a_prompt_a_case_and_a_secret_are_not_in_it(database: Database, tenant_id: UUID) -> None:
    skill_id, _ = await skill(database, tenant_id)
    case = GoldenCase("1", "Where is the spare key?", "Under the mat.")
    async with database.tenant(tenant_id) as connection:
        await sync_cases(connection, tenant_id, skill_id, [case], source=CaseSource.FILE)
        await deliveries.put_webhook(connection, tenant_id, "https://hooks.example/T0/path-token", b"one", "0123abcd")
    async with database.tenant(tenant_id) as connection:
        await deliveries.put_webhook(connection, tenant_id, "https://hooks.example/T0/path-token", b"two", "0123abcd")
    said = repr(await log(database, tenant_id))
    for kept_out in (PROMPT, "spare key", "the mat", "0123abcd", "path-token"):
        assert kept_out not in said
    *_, one, two = await log(database, tenant_id)
    assert one.change["url"] == [None, "https://hooks.example"]
    assert (two.action, two.change) == ("renewed", {"secret_at": [{"hidden": True}, {"hidden": True}]})
    (version,) = await log(database, tenant_id, AuditFilter(kind="version"))
    assert version.change["prompt"][1]["characters"] == len(PROMPT)


async def test_what_pages_and_uses_touch_on_a_row_is_no_change(database: Database, tenant_id: UUID) -> None:
    skill_id, version_id = await skill(database, tenant_id)
    run_id = await run(database, tenant_id, skill_id, version_id)
    before = await log(database, tenant_id)
    async with database.tenant(tenant_id) as connection:
        await add_feedback(connection, tenant_id, skill_id, Feedback(FeedbackType.THUMB_UP))
        await runs.start_run(connection, run_id)
        await connection.execute("UPDATE benchmark_runs SET spent_microcents = 7, planned = 9")
        await connection.execute("UPDATE skills SET noticed = '{}', quality = 3, updated_at = now()")
        await connection.execute("UPDATE tenants SET checked_at = now(), work_at = now()")
        await save_skill(connection, tenant_id, content())
        await runs.stop_run(connection, run_id, status="completed", stop_cause="budget")
    assert await log(database, tenant_id) == before


async def test_decisions_on_cases_runs_and_settings_have_words_of_their_own(
    database: Database, tenant_id: UUID
) -> None:
    skill_id, version_id = await skill(database, tenant_id)
    run_id = await run(database, tenant_id, skill_id, version_id)
    async with database.tenant(tenant_id) as connection:
        case_id = await put_case(
            connection,
            tenant_id,
            skill_id,
            GoldenCase("a", "in", "out", source=CaseSource.WRITTEN),
            status=CaseStatus.PENDING,
            author="Ann",
            by=By("Ann", ""),
        )
        await decide_case(connection, skill_id, case_id, CaseStatus.ACCEPTED, By("Ann", ""))
        await runs.stop_run(connection, run_id, status="cancelled", stop_cause="cancelled")
        await runs.reopen_run(connection, run_id, 5)
        await staleness.set_age_limit(connection, 30, skill_id)
        await save_skill(connection, tenant_id, content("Weigh it twice."))
    found = [(row.subject_kind, row.action) for row in await log(database, tenant_id)][2:]
    assert found == [
        ("run", "started"),
        ("case", "added"),
        ("case", "accepted"),
        ("run", "cancelled"),
        ("run", "resumed"),
        ("skill", "changed"),
        ("version", "added"),
        ("skill", "switched"),
    ]


async def test_deleting_a_skill_is_one_line_with_what_went_and_leaves_the_lines_before(
    database: Database, tenant_id: UUID
) -> None:
    skill_id, version_id = await skill(database, tenant_id)
    cases = [GoldenCase(str(key), f"in {key}", "out") for key in range(3)]
    async with database.tenant(tenant_id) as connection:
        await sync_cases(connection, tenant_id, skill_id, cases, source=CaseSource.FILE)
    await run(database, tenant_id, skill_id, version_id)
    before = await log(database, tenant_id)
    async with database.tenant(tenant_id) as connection:
        await delete_skill(connection, skill_id)
    *kept, last = await log(database, tenant_id)
    assert [row.id for row in kept] == [row.id for row in before]
    assert (last.subject_kind, last.action, last.subject_name, last.here) == ("skill", "deleted", "weigh", False)
    gone = {name: old for name, (old, _) in last.change.items()}
    assert (gone["skill_versions"], gone["golden_cases"], gone["benchmark_runs"]) == (1, 3, 1)
    assert "skill_feedback" not in gone


async def test_a_tenant_that_is_deleted_takes_its_log_along(database: Database, server: Server) -> None:
    gone = uuid4()
    async with database.tenant(gone) as connection:
        await ensure_tenant(connection, gone, "gone")
    await skill(database, gone)
    with psycopg.connect(server.admin_dsn) as connection:
        connection.execute("DELETE FROM tenants WHERE id = %s", (gone,))
        left = connection.execute("SELECT count(*) FROM audit_log WHERE tenant_id = %s", (gone,)).fetchone()
    assert left == (0,)


async def test_a_change_by_the_databases_own_hand_is_noted_as_that(
    database: Database, server: Server, tenant_id: UUID
) -> None:
    await skill(database, tenant_id)
    with psycopg.connect(server.admin_dsn) as connection:
        connection.execute("UPDATE skills SET name = 'heft' WHERE tenant_id = %s", (tenant_id,))
        connection.execute("UPDATE skills SET stale_after_days = 3 WHERE tenant_id = %s", (tenant_id,))
        row = connection.execute("SELECT current_setting('app.current_tenant_id', true), session_user").fetchone()
    assert row is not None
    assert not row[0], "the setting is as it was"
    *_, last = await log(database, tenant_id)
    assert (last.actor_kind, last.actor_name, last.change) == ("database", row[1], {"stale_after_days": [None, 3]})


async def test_pages_follow_each_other_and_filters_narrow_them(database: Database, tenant_id: UUID) -> None:
    with acting_as(ANN):
        skill_id, version_id = await skill(database, tenant_id)
    await run(database, tenant_id, skill_id, version_id)
    whole = [row.id for row in await log(database, tenant_id)][::-1]
    seen: list[UUID] = []
    async with database.tenant(tenant_id) as connection:
        while page := await audit.page(connection, AuditFilter(), before=seen[-1] if seen else None, limit=1):
            seen += [row.id for row in page]
        assert await audit.actors(connection, limit=10) == ["Ann", "local"]
        assert await audit.starter(connection, skill_id) is None
    assert seen == whole
    now = datetime.now(UTC)
    asked: list[tuple[AuditFilter, int]] = [
        (AuditFilter(actor="Ann"), 2),
        (AuditFilter(actor="Ann", kind="version"), 1),
        (AuditFilter(kind="run"), 1),
        (AuditFilter(skill="weigh"), 3),
        (AuditFilter(skill="other"), 0),
        (AuditFilter(since=now + timedelta(minutes=1)), 0),
        (AuditFilter(since=now - timedelta(minutes=1), until=now + timedelta(minutes=1)), 3),
        (AuditFilter(until=now - timedelta(minutes=1)), 0),
        (AuditFilter(actor="nul\x00", since=datetime(1, 1, 1, tzinfo=UTC), until=datetime.max.replace(tzinfo=UTC)), 0),
    ]
    for wanted, count in asked:
        assert len(await log(database, tenant_id, wanted)) == count, wanted


async def test_changes_at_the_same_time_are_all_kept(database: Database, tenant_id: UUID) -> None:
    async def one(place: int) -> Any:
        async with database.tenant(tenant_id) as connection:
            return await save_skill(connection, tenant_id, SkillContent(f"s{place}", "", "p", "p", "d", files={}))

    await asyncio.gather(*(one(place) for place in range(8)))
    found = await log(database, tenant_id)
    assert len(found) == 16
    assert len({row.id for row in found}) == 16


async def test_a_review_is_noted_as_it_begins(database: Database, tenant_id: UUID) -> None:
    skill_id, version_id = await skill(database, tenant_id)
    with acting_as(ANN):
        async with database.tenant(tenant_id) as connection:
            review_id = await insert_review(
                connection,
                tenant_id,
                skill_id=skill_id,
                skill_version_id=version_id,
                model="t:m",
                protocol="p",
                requested_by=None,
            )
            assert await audit.starter(connection, review_id) == ("member", ANN.id, "Ann")


async def test_who_joins_and_what_members_become_is_noted_by_name(database: Database, tenant_id: UUID) -> None:
    members = Members(database, Passwords())
    with acting_as(ANN):
        invitation = await members.invite(tenant_id, "bob@example.com", Role.EDITOR)
    invited, _ = await members.invited(invitation.token)
    bob = await members.join(invited, name="Bob", password="what a long way to go")
    with acting_as(ANN):
        async with database.tenant(tenant_id) as connection:
            await memberships.set_role(connection, bob, Role.VIEWER)
            await memberships.remove_member(connection, bob)
    found = await log(database, tenant_id)
    assert [(row.actor_name, row.actor_id, row.action, row.subject_kind, row.subject_name) for row in found] == [
        ("Ann", ANN.id, "added", "invitation", "bob@example.com"),
        ("Bob", bob, "deleted", "invitation", "bob@example.com"),
        ("Bob", bob, "added", "member", "Bob"),
        ("Ann", ANN.id, "changed", "member", "Bob"),
        ("Ann", ANN.id, "deleted", "member", "Bob"),
    ]
    assert found[3].change == {"role": ["editor", "viewer"]}
    assert found[0].change["token_hash"] == [None, {"hidden": True}]


async def test_keys_made_and_revoked_are_noted_without_their_secret_and_their_use_is_not(
    database: Database, tenant_id: UUID
) -> None:
    keys = ApiKeys(database)
    with acting_as(ANN):
        made = await keys.make(tenant_id, "checkout", ["ingest"])
        await keys.note_use(tenant_id, made.id)
        await keys.revoke(tenant_id, made.id)
    found = await log(database, tenant_id)
    assert [(row.actor_name, row.action, row.subject_kind, row.subject_name) for row in found] == [
        ("Ann", "made", "key", "checkout"),
        ("Ann", "revoked", "key", "checkout"),
    ]
    assert found[0].change["secret_hash"] == [None, {"hidden": True}]
    assert hash_of(made.text).hex() not in repr(found)
    (row,) = await keys.listed(tenant_id)
    assert row.created_by == "Ann"

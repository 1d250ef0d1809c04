"""No query returns or changes a row of another tenant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from steelyard.domain.access import Role, Scope
from steelyard.domain.actors import LOCAL
from steelyard.domain.calls import Usage
from steelyard.domain.cases import By, CaseSource, GoldenCase
from steelyard.domain.errors import NotFound
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.domain.grading import Judgement
from steelyard.domain.models import ModelRef
from steelyard.domain.once import Reservation
from steelyard.domain.skills import SkillContent
from steelyard.domain.spending import SpendKind, TenantBudget
from steelyard.domain.usage import Measurement
from steelyard.intake.otlp import Marks
from steelyard.storage import (
    api_keys,
    canaries,
    claims,
    deliveries,
    invitations,
    looks,
    marks,
    memberships,
    notices,
    once,
    pair_comparisons,
    ratings,
    results,
    runs,
    schedule,
    seen_spans,
    sessions,
    skills,
    spending,
    tie_breaks,
    unmatched,
    usage,
    users,
)
from steelyard.storage.case_drafts import insert_drafts
from steelyard.storage.case_queue import decide_output
from steelyard.storage.database import Database
from steelyard.storage.feedback import add_feedback
from steelyard.storage.folder_cases import sync_cases
from steelyard.storage.globals import GLOBAL_TABLES, INDEXES_OVER_TENANTS, SECURITY_DEFINER_FUNCTIONS
from steelyard.storage.notices import FoundRow
from steelyard.storage.provider_prices import put_price
from steelyard.storage.results import AnswerWrite, GradeWrite
from steelyard.storage.reviews import insert_review
from steelyard.storage.server import Server
from steelyard.storage.spending import Account, Asked, Payment
from steelyard.storage.suggestions import add_suggestion
from steelyard.storage.tenant_providers import KeyWrite, put_provider
from steelyard.storage.tenants import ensure_tenant, known_tenants, tenants_with_paid_jobs

CONTENT = SkillContent("weigh", "Weighs.", "Weigh it.", "Weigh it.", "digest", files={"SKILL.md": b"Weigh it."})
APPEND_ONLY = frozenset({"audit_log", "case_changes"})
PLAN = {"models": ["openai:a"], "seed": 1, "judge": None, "judge_digest": None}


def tables(server: Server) -> list[tuple[str, bool, bool]]:
    with psycopg.connect(server.admin_dsn) as connection:
        return connection.execute(
            """SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class
                WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1"""
        ).fetchall()


def partitions(server: Server) -> set[str]:
    with psycopg.connect(server.admin_dsn) as connection:
        rows = connection.execute("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'").fetchall()
    return {name for (name,) in rows}


def tenant_tables(server: Server) -> list[str]:
    unreachable = partitions(server)
    return [name for name, *_ in tables(server) if name not in GLOBAL_TABLES and name not in unreachable]


def test_every_table_but_the_listed_ones_forces_row_level_security(server: Server) -> None:
    found = tables(server)
    assert {name for name, enabled, forced in found if not (enabled and forced)} == set(GLOBAL_TABLES)
    assert len(found) > len(GLOBAL_TABLES) + 8


def test_tenant_id_leads_every_key_and_index(server: Server) -> None:
    with psycopg.connect(server.admin_dsn) as connection:
        rows = connection.execute(
            """SELECT t.relname, i.relname, a.attname FROM pg_index x
                 JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
                 JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
                WHERE t.relnamespace = 'public'::regnamespace"""
        ).fetchall()
    loose = {row[1] for row in rows if row[0] not in {*GLOBAL_TABLES, "tenants"} and row[2] != "tenant_id"}
    assert loose == set(INDEXES_OVER_TENANTS)


def test_foreign_keys_between_tenant_tables_carry_the_tenant(server: Server) -> None:
    with psycopg.connect(server.admin_dsn) as connection:
        rows = connection.execute(
            """SELECT conrelid::regclass::text, confrelid::regclass::text, cardinality(conkey) FROM pg_constraint
                WHERE contype = 'f' AND connamespace = 'public'::regnamespace"""
        ).fetchall()
    free = {*GLOBAL_TABLES, "tenants"}
    single = [row for row in rows if row[0] not in GLOBAL_TABLES and row[1] not in free and row[2] < 2]
    assert single == []
    assert len(rows) >= 8


def test_the_application_is_no_superuser_no_owner_and_bypasses_nothing(server: Server) -> None:
    with psycopg.connect(server.admin_dsn) as connection:
        assert connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = 'steelyard_app'"
        ).fetchone() == (False, False, False, False)
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE tableowner = 'steelyard_app'").fetchone() == (
            0,
        )


def test_functions_with_owners_rights_are_the_listed_ones_and_choose_their_own_search_path(server: Server) -> None:
    with psycopg.connect(server.admin_dsn) as connection:
        rows = connection.execute(
            """SELECT proname, array_to_string(proconfig, ','), has_function_privilege('public', oid, 'EXECUTE')
                 FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"""
        ).fetchall()
    assert {name for name, *_ in rows} == set(SECURITY_DEFINER_FUNCTIONS)
    assert {(path, open_to_all) for _, path, open_to_all in rows} == {("search_path=public, pg_temp", False)}


async def test_partitions_have_policies_and_are_reached_through_their_parent_alone(
    database: Database, server: Server, tenant_id: UUID
) -> None:
    found = partitions(server)
    assert len(found) >= 3
    with psycopg.connect(server.admin_dsn) as connection:
        rows = connection.execute("SELECT tablename, policyname, qual FROM pg_policies").fetchall()
    policies = {table: (name, uses) for table, name, uses in rows}
    assert all(
        policies[name] == ("tenant_only", "(tenant_id = ( SELECT current_tenant() AS current_tenant))")
        for name in found
    )
    for name in found:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with database.tenant(tenant_id) as connection:
                await connection.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(name)))


async def test_partitions_are_made_once_for_months_within_reason(database: Database, tenant_id: UUID) -> None:
    async with database.tenant(tenant_id) as connection:
        cursor = await connection.execute(
            """SELECT ensure_measurement_partitions('2024-03-31', '2024-05-01') AS made,
                      ensure_measurement_partitions('2024-03-31', '2024-05-01') AS again"""
        )
        assert await cursor.fetchone() == {"made": 3, "again": 0}
    for first, last in (("1999-01-01", "1999-02-01"), ("2024-05-01", "2024-04-01"), ("2024-05-01", "2999-01-01")):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            async with database.tenant(tenant_id) as connection:
                await connection.execute("SELECT ensure_measurement_partitions(%s, %s)", (first, last))


async def seeded(database: Database) -> tuple[UUID, UUID]:
    """A tenant with a row in every table; returns it and its run."""
    tenant_id, now = uuid4(), datetime.now(UTC)
    async with database.tenant(tenant_id) as connection:
        await ensure_tenant(connection, tenant_id, "other")
        skill_id, version_id = await skills.save_skill(connection, tenant_id, CONTENT)
        case = GoldenCase("1", "in", "out")
        case_ids = await sync_cases(connection, tenant_id, skill_id, [case], source=CaseSource.FILE)
        run_id = await runs.insert_run(
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
        result_id = uuid4()
        answer = AnswerWrite(
            result_id, "t:m", "t", "with_skill", 0, 0, case_ids[0], "cell", "grading", "answered", "in", "out", "out"
        )
        await results.write_answers(connection, tenant_id, run_id, [answer])
        judgement = Judgement("t:judge", "digest", 80.0, (), "", "yes", "")
        await results.write_grades(
            connection, tenant_id, [GradeWrite(result_id, "grading", "judged", 80.0, True, judgement=judgement)]
        )
        place = canaries.CanaryPlace(skill_id, "digest", "canary")
        call = canaries.CanaryCall({"output": "{}", "stop_reason": "stop"}, 1, 1, 1, True, None, None)
        await canaries.record_call(connection, tenant_id, place, uuid4(), call, kind="empty", judge="t:j", anew=True)
        pair = pair_comparisons.PairPlace(skill_id, "digest", "comparison")
        asked = pair_comparisons.PairCall({"output": "{}", "stop_reason": "stop"}, 1, 1, 1, True, None, None)
        await pair_comparisons.record_call(connection, tenant_id, pair, uuid4(), asked, judge="t:j", anew=True)
        await tie_breaks.insert_tie_break(
            connection,
            tenant_id,
            run_id=run_id,
            models=["t:m", "t:n"],
            judge="t:j",
            judge_digest="digest",
            budget_microcents=None,
            requested_by=None,
        )
        await ratings.put_rating(
            connection, tenant_id, run_id, result_id, "Ann", score=7, note="", drawn=True, blind=True
        )
        await claims.take_claims(connection, tenant_id, run_id, ["cell"], claims.new_worker_key())
        await marks.leave_mark(connection, tenant_id, claims.new_worker_key(), 1)
        await looks.take(connection, tenant_id, version_id, "comparison", "cases")
        summary = {"model": "t:m", "arm": "with_skill", "n": 1, "quality": 80.0}
        await runs.conclude_run(
            connection,
            run_id,
            status=None,
            verdict={"arm": "with_skill", "summaries": [summary]},
            best=None,
            cheapest=None,
            verdict_kind="single",
            headline=None,
        )
        use = Measurement(skill_id, now, ModelRef("t", "m"), Usage(1, 1))
        await usage.record_measurements(connection, tenant_id, [use])
        await unmatched.keep_unmatched(connection, tenant_id, [("nobody", use)])
        await seen_spans.claim_calls(connection, tenant_id, [Marks(uuid4(), uuid4(), ())])
        await add_feedback(connection, tenant_id, skill_id, Feedback(FeedbackType.THUMB_UP))
        await add_suggestion(connection, tenant_id, skill_id, title="t", body="", author=None)
        await insert_review(
            connection,
            tenant_id,
            skill_id=skill_id,
            skill_version_id=version_id,
            model="t:m",
            protocol="p",
            requested_by=None,
        )
        await insert_drafts(
            connection,
            tenant_id,
            skill_id=skill_id,
            skill_version_id=version_id,
            model="t:m",
            protocol="p",
            requested_by="Ann",
            wanted=8,
            budget_microcents=None,
        )
        await decide_output(connection, tenant_id, result_id, By("Ann", "No."), None)
        await api_keys.insert_key(
            connection,
            tenant_id,
            uuid4(),
            name="intake",
            scopes=[Scope.INGEST],
            secret_hash=tenant_id.bytes * 2,
            a_minute=None,
            expires_at=None,
        )
        await once.reserve(
            connection,
            tenant_id,
            Reservation("local", "first", uuid4()),
            "d",
            now=now,
            kept_for=timedelta(days=1),
            lease=timedelta(minutes=1),
        )
        await deliveries.put_webhook(connection, tenant_id, "https://hooks.example/", b"sealed", "0123abcd")
        await put_provider(
            connection,
            tenant_id,
            "theirs",
            "openai",
            "https://models.example/",
            KeyWrite(b"sealed", "0123abcd", "wxyz"),
            by="Ann",
        )
        await put_price(
            connection, tenant_id, "theirs", "theirs:a", date(2026, 1, 31), (20_000_000, 60_000_000, None, 0), by="Ann"
        )
        await deliveries.add_delivery(connection, tenant_id, "webhook", "steelyard.test", {}, now)
        user_id = await users.add_user(connection, f"{tenant_id}@example.org", "Ann", None)
        await memberships.add_membership(connection, tenant_id, user_id, Role.ADMIN)
        await invitations.put_invitation(
            connection,
            tenant_id,
            "ben@example.org",
            Role.VIEWER,
            uuid4().bytes,
            invited_by="Ann",
            now=now,
            expires_at=now,
        )
        await notices.keep_found(connection, tenant_id, [FoundRow(skill_id, "age", run_id, "Old.", now)], (), now)
        await spending.set_budget(connection, tenant_id, TenantBudget(10))
        await spending.ask(connection, tenant_id, uuid4(), [Asked(uuid4(), 1)])
        account = Account(tenant_id, skill_id, LOCAL)
        await spending.pay(connection, tenant_id, [Payment(account, SpendKind.ANSWERS, "t:m", 1)])
    return tenant_id, run_id


async def test_the_other_tenant_of_these_tests_has_a_row_in_every_table(database: Database, server: Server) -> None:
    other, _ = await seeded(database)
    async with database.tenant(other) as connection:
        for table in tenant_tables(server):
            rows = await connection.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table)))
            assert await rows.fetchone() is not None, table


async def test_another_tenants_rows_can_be_neither_seen_nor_changed_nor_deleted(
    database: Database, server: Server, tenant_id: UUID
) -> None:
    other, run_id = await seeded(database)
    async with database.tenant(tenant_id) as connection:
        with pytest.raises(NotFound):
            await runs.get_run(connection, run_id)
        assert await skills.list_skills(connection) == []
        for table in tenant_tables(server):
            name = sql.Identifier(table)
            column = sql.Identifier("id" if table == "tenants" else "tenant_id")
            rows = await connection.execute(sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(name, column), (other,))
            assert await rows.fetchone() is None, table
            if table in APPEND_ONLY:
                continue
            for change in ("DELETE FROM {} WHERE {} = %s", "UPDATE {} SET {} = %s"):
                if table == "tenants" and "DELETE" in change:
                    # With a tenant its log would go, so its own may not either.
                    continue
                done = await connection.execute(
                    sql.SQL(change).format(name, column), (other if "DELETE" in change else tenant_id,)
                )
                assert done.rowcount == (1 if table == "tenants" and "UPDATE" in change else 0), (table, change)
    async with database.tenant(other) as connection:
        assert (await runs.get_run(connection, run_id)).id == run_id


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET tenant_id = tenant_id", "TRUNCATE {}"])
async def test_what_is_kept_for_good_cannot_be_changed_even_by_its_own_tenant(
    database: Database, table: str, change: LiteralString
) -> None:
    own, _ = await seeded(database)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.tenant(own) as connection:
            await connection.execute(sql.SQL(change).format(sql.Identifier(table)))


async def test_the_schedule_hears_of_each_tenant_with_something_to_do_and_of_nothing_else(
    database: Database, tenant_id: UUID
) -> None:
    other, _ = await seeded(database)
    now = datetime.now(UTC)
    assert tenant_id not in await schedule.tenants_due(database, now - timedelta(days=1), now)
    found = await schedule.tenants_due(database, now - timedelta(days=1), now)
    assert other in found
    assert {other, tenant_id} <= set(await schedule.tenants_due(database, now + timedelta(days=1), now))
    async with database.tenant(tenant_id) as connection:
        cursor = await connection.execute("SELECT id FROM tenants")
        assert await cursor.fetchall() == [{"id": tenant_id}], "the function's own policy is not the application's"


async def test_functions_with_owners_rights_tell_what_is_asked_and_no_more(database: Database, tenant_id: UUID) -> None:
    other, _ = await seeded(database)
    user = await users.by_email(database, f"{other}@example.org")
    assert user is not None
    assert [one.tenant_id for one in await users.tenants_of(database, user.id)] == [other]
    assert await users.tenants_of(database, uuid4()) == []
    with_jobs = await tenants_with_paid_jobs(database)
    assert other in with_jobs
    assert tenant_id not in with_jobs
    known = {one.id: one.members for one in await known_tenants(database)}
    assert (known[other], known[tenant_id]) == (1, 0)
    token, now, idle = uuid4().bytes, datetime.now(UTC), timedelta(days=7)
    for tenant in (other, tenant_id):
        end = now + timedelta(days=1)
        async with database.outside() as connection:
            await sessions.add_session(
                connection, token + tenant.bytes, user.id, tenant, device="", address="", now=now, expires_at=end
            )
    found = await sessions.find_session(database, token + other.bytes, now, idle)
    assert found is not None
    assert (found.tenant_id, found.role, found.tenants) == (other, Role.ADMIN, 1)
    # A session for a tenant that the user does not belong to is nobody's.
    assert await sessions.find_session(database, token + tenant_id.bytes, now, idle) is None


async def test_use_keeps_a_session_but_not_beyond_its_longest(database: Database) -> None:
    own, _ = await seeded(database)
    user = await users.by_email(database, f"{own}@example.org")
    assert user is not None
    began, idle = datetime.now(UTC), timedelta(days=7)
    end = began + timedelta(days=30)
    used, left = uuid4().bytes, uuid4().bytes
    for token in (used, left):
        async with database.outside() as connection:
            await sessions.add_session(
                connection, token, user.id, own, device="", address="", now=began, expires_at=end
            )
    for day in (5, 10, 15, 20, 25, 29):
        assert await sessions.find_session(database, used, began + timedelta(days=day), idle) is not None
    assert await sessions.find_session(database, used, end, idle) is None
    assert await sessions.find_session(database, left, began + idle, idle) is None


async def test_a_key_is_found_by_its_hash_without_a_tenant_and_by_nothing_else(
    database: Database, tenant_id: UUID
) -> None:
    other, _ = await seeded(database)
    found = await api_keys.key_by_hash(database, other.bytes * 2)
    assert found is not None
    assert (found.tenant_id, found.state, found.scopes) == (other, "usable", ["ingest"])
    assert await api_keys.key_by_hash(database, tenant_id.bytes * 2) is None
    async with database.tenant(tenant_id) as connection:
        assert await api_keys.list_keys(connection, 10) == [], "the function's own policy is not the application's"
        assert not await api_keys.revoke_key(connection, found.id)


async def test_a_row_cannot_be_written_for_another_tenant(database: Database, tenant_id: UUID) -> None:
    other, _ = await seeded(database)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.tenant(tenant_id) as connection:
            await connection.execute("INSERT INTO skills (tenant_id, name) VALUES (%s, 'stolen')", (other,))


async def test_without_a_tenant_there_are_no_rows(database: Database, server: Server) -> None:
    await seeded(database)
    async with database.session() as connection:
        for table in tenant_tables(server):
            rows = await connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table)))
            assert await rows.fetchone() is None, table


async def test_the_tenant_ends_with_its_transaction(database: Database, tenant_id: UUID) -> None:
    async with Database(database.dsn, min_size=1, max_size=1) as single:
        async with single.tenant(tenant_id) as connection:
            assert await (await connection.execute("SELECT 1 FROM tenants")).fetchone() is not None
        async with single.pool.connection() as connection:
            assert await (await connection.execute("SELECT 1 FROM tenants")).fetchone() is None


async def test_a_superusers_login_is_bound_by_the_policies_too(server: Server, tenant_id: UUID) -> None:
    async with Database(server.admin_dsn) as as_superuser:
        await seeded(as_superuser)
        async with as_superuser.tenant(tenant_id) as connection:
            assert await skills.list_skills(connection) == []


async def test_a_session_whose_role_was_reset_is_bound_all_the_same(server: Server, tenant_id: UUID) -> None:
    """As by a pooler that hands each transaction to another session of a superuser's."""
    async with Database(server.admin_dsn, min_size=1, max_size=1) as pooled:
        await seeded(pooled)
        async with pooled.pool.connection() as connection:
            await connection.execute("RESET ROLE")
        async with pooled.tenant(tenant_id) as connection:
            assert await skills.list_skills(connection) == []


async def test_deleting_a_skill_takes_what_is_its_own(database: Database, server: Server) -> None:
    tenant_id, run_id = await seeded(database)
    async with database.tenant(tenant_id) as connection:
        await connection.execute("DELETE FROM skills")
        with pytest.raises(NotFound):
            await runs.get_run(connection, run_id)
        for table in tenant_tables(server):
            rows = await connection.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table)))
            assert await rows.fetchone() is None or table in (
                "tenants",
                "worker_marks",
                "provider_prices",
                "unmatched_uses",
                "seen_spans",
                "webhooks",
                "deliveries",
                "budgets",
                "spend_months",
                "spend_holds",
                "spend",
                "api_keys",
                "idempotency_keys",
                "audit_log",
                "memberships",
                "invitations",
                "tenant_providers",
            ), table

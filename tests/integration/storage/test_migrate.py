"""A database with rows in it comes to this version's schema and loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from steelyard.domain.skills import SkillContent
from steelyard.services.catalogue import SkillCatalogue
from steelyard.storage.audit import AuditFilter, page
from steelyard.storage.database import Database
from steelyard.storage.migrate import HEAD, head_revision, migrate
from steelyard.storage.model_stats import qualities
from steelyard.storage.server import Server
from steelyard.storage.skills import save_skill
from steelyard.storage.tenants import ensure_tenant


@pytest.fixture(params=["superuser", "plain owner"])
def empty(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database, logged in as its owner."""
    name = f"m_{uuid4().hex[:12]}"
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        dsn = make_conninfo(server.admin_dsn, dbname=name)
        if request.param == "plain owner":
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'p'").format(sql.Identifier(name)))
            admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(name)))
            admin.execute(sql.SQL("GRANT steelyard_app TO {}").format(sql.Identifier(name)))
            dsn = make_conninfo(dsn, user=name, password="p")
        try:
            yield dsn
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            if request.param == "plain owner":
                admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def verdict(kind: str, best: int | None, leader: int | None) -> str:
    summaries = [
        {
            "model": f"t:m{index}",
            "arm": arm,
            "n": 4,
            "quality": quality,
            "quality_low": quality - 5,
            "quality_high": quality + 5,
            "avg_cost_microcents": 100 * (index + 1),
        }
        for index, arm, quality in ((0, "with_skill", 70.0), (1, "with_skill", 80.0), (1, "without_skill", 10.0))
    ]
    statistics = {"kind": kind, "best": best, "leader": leader}
    stored = {"arm": "with_skill", "models": ["t:m0", "t:m1"], "summaries": summaries, "statistics": statistics}
    return json.dumps(stored)


def populate(admin_dsn: str) -> tuple[UUID, UUID]:
    """Two tenants as version 0001 left them: a benchmarked skill changed since, and one never benchmarked."""
    one, two = uuid4(), uuid4()
    with psycopg.connect(admin_dsn) as connection:
        for tenant in (one, two):
            connection.execute("SELECT set_config('app.current_tenant_id', %s, true)", (str(tenant),))
            connection.execute("INSERT INTO tenants (id, name) VALUES (%s, 't')", (tenant,))
            skill, old, new = uuid4(), uuid4(), uuid4()
            connection.execute("INSERT INTO skills (tenant_id, id, name) VALUES (%s, %s, 'weigh')", (tenant, skill))
            for version, day in ((old, 1), (new, 5)):
                connection.execute(
                    """INSERT INTO skill_versions (tenant_id, id, skill_id, digest, prompt, body, created_at)
                       VALUES (%s, %s, %s, %s, '', '', make_timestamptz(2026, 1, %s, 0, 0, 0, 'UTC'))""",
                    (tenant, version, skill, str(version), day),
                )
            for status, source, retired in (
                ("accepted", "file", None),
                ("accepted", "training_example", None),
                ("accepted", "file", "2026-01-02"),
                ("accepted", "ad_hoc", None),
                ("pending", "file", None),
            ):
                connection.execute(
                    """INSERT INTO golden_cases (tenant_id, skill_id, case_key, digest, input, source, status,
                                                 created_at, retired_at)
                       VALUES (%s, %s, %s, '', '', %s, %s, '2026-01-01', %s)""",
                    (tenant, skill, uuid4().hex, source, status, retired),
                )
            if tenant == two:
                continue
            for day, kind, best, record, status in (
                (2, "best", 1, True, "completed"),
                (3, "tied", None, True, "completed"),
                (4, "best", 1, False, "completed"),
                (4, "best", 1, True, "cancelled"),
            ):
                connection.execute(
                    """INSERT INTO benchmark_runs (tenant_id, skill_id, skill_version_id, triggered_by, status,
                                                   of_record, models, plan, plan_digest, planned, seed, verdict,
                                                   best_model, created_at, completed_at)
                       VALUES (%s, %s, %s, 'cli', %s, %s, '{t:m0,t:m1}', '{}', 'p', 1, 1, %s, 't:m1',
                               make_timestamptz(2026, 1, %s, 0, 0, 0, 'UTC'),
                               make_timestamptz(2026, 1, %s, 1, 0, 0, 'UTC'))""",
                    (tenant, skill, old, status, record, verdict(kind, best, 0), day, day),
                )
    return one, two


async def test_rows_of_every_tenant_get_their_standing(empty: str) -> None:
    migrate(empty, revision="0001")
    one, two = populate(empty)
    assert migrate(empty).is_current
    async with Database(empty) as database:
        catalogue = SkillCatalogue(database)
        row = await catalogue.find(one, "weigh")
        assert (row.verdict_kind, row.best_model, row.quality) == ("tied", "t:m0", 70.0)
        assert (row.quality_low, row.quality_high, row.avg_cost_microcents, row.cases) == (65.0, 75.0, 100, 2)
        assert row.benchmarked_at is not None
        assert row.benchmarked_at.day == 3
        assert row.version_since.day == 5
        assert {"skill"} <= {cause.kind for cause in row.stale}
        assert "cases" not in {cause.kind for cause in row.stale}
        never = await catalogue.find(two, "weigh")
        assert (never.staleness.state, never.cases, never.best_model) == ("never", 2, None)


async def test_the_runs_there_are_already_say_what_they_say_of_each_model(empty: str) -> None:
    migrate(empty, revision="0001")
    one, two = populate(empty)
    migrate(empty)
    async with Database(empty) as database:
        async with database.tenant(one) as connection:
            found = [(row.model, row.skills, row.n, row.quality) for row in await qualities(connection)]
            cursor = await connection.execute("SELECT count(*)::int AS count FROM run_models")
            count = await cursor.fetchone()
        assert found == [("t:m0", 1, 4, 70.0), ("t:m1", 1, 4, 80.0)]
        assert count == {"count": 12}
        async with database.tenant(two) as connection:
            assert await qualities(connection) == []


def test_the_revision_looked_for_is_the_newest_there_is() -> None:
    assert head_revision() == HEAD


async def test_the_log_is_written_where_its_owner_is_bound_by_policies_too(empty: str) -> None:
    migrate(empty)
    tenant = uuid4()
    async with Database(empty) as database, database.tenant(tenant) as connection:
        await ensure_tenant(connection, tenant, "t")
        await save_skill(connection, tenant, SkillContent("weigh", "", "p", "p", "d", files={}))
        assert {row.subject_kind for row in await page(connection, AuditFilter(), before=None, limit=9)} == {
            "skill",
            "version",
        }
    with psycopg.connect(empty) as connection:
        connection.execute("SELECT set_config('app.current_tenant_id', %s, true)", (str(tenant),))
        connection.execute("DELETE FROM skills")
        found = connection.execute("SELECT actor_kind FROM audit_log ORDER BY id DESC LIMIT 1").fetchone()
        assert found == ("database",)
        connection.execute("DELETE FROM tenants")
        assert connection.execute("SELECT count(*) FROM audit_log").fetchone() == (0,)


_DAILY = """INSERT INTO measurement_daily VALUES (%s, %s, %s, 't:m', %s, 10, 5, 15, 0, 0, 0, %s, %s, %s, %s)"""


async def test_sums_of_use_are_told_by_version_and_those_of_uses_that_are_gone_are_kept(empty: str) -> None:
    migrate(empty, revision="0008")
    tenant, skill, version = uuid4(), uuid4(), uuid4()
    with psycopg.connect(empty) as connection:
        connection.execute("SELECT set_config('app.current_tenant_id', %s, true)", (str(tenant),))
        connection.execute("INSERT INTO tenants (id, name) VALUES (%s, 't')", (tenant,))
        connection.execute("INSERT INTO skills (tenant_id, id, name) VALUES (%s, %s, 'weigh')", (tenant, skill))
        connection.execute(
            """INSERT INTO skill_versions (tenant_id, id, skill_id, digest, prompt, body)
               VALUES (%s, %s, %s, 'd', '', '')""",
            (tenant, version, skill),
        )
        connection.execute("SELECT ensure_measurement_partitions('2026-10-01', '2026-10-02')")
        for of, latency, cost in ((version, 0.1, 3), (version, 0.2, None), (None, None, 4)):
            connection.execute(
                """INSERT INTO token_measurements (tenant_id, skill_id, skill_version_id, measured_at, model_name,
                                                   model_provider, input_tokens, output_tokens, total_tokens,
                                                   cost_microcents, latency_ms, source)
                   VALUES (%s, %s, %s, '2026-10-01 23:59Z', 't:m', 't', 1, 1, 2, %s, %s, 'api')""",
                (tenant, skill, of, cost, latency),
            )
        # One use more than there are rows of the first day, and a day of which there are none.
        connection.execute(_DAILY, (tenant, skill, "2026-10-01", 4, 12, 1, 0.5, 3))
        connection.execute(_DAILY, (tenant, skill, "2026-09-30", 2, 9, 0, 7.25, 2))
    migrate(empty)
    async with Database(empty) as database, database.tenant(tenant) as connection:
        cursor = await connection.execute(
            """SELECT day::text, skill_version_id, uses, input_tokens, cost_microcents, cost_unknown, latency_us_sum,
                      latency_uses FROM measurement_daily ORDER BY 1, 2"""
        )
        found = {(row["day"], row["skill_version_id"]): list(row.values())[2:] for row in await cursor.fetchall()}
    unknown = UUID(int=0)
    assert found[("2026-09-30", unknown)] == [2, 10, 9, 0, 7250, 2]
    assert found[("2026-10-01", version)] == [2, 2, 3, 1, 300, 2]
    # Of no version: the one use there is, and what was summed beyond the rows.
    assert found[("2026-10-01", unknown)] == [2, 8, 9, 0, 200, 1]
    assert len(found) == 3

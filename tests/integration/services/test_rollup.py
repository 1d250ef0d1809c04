"""The daily sums of use: by version, compared with a recount as of one moment, and kept when the uses are let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from steelyard.domain.calls import Usage
from steelyard.domain.errors import Conflict, InputError
from steelyard.domain.models import ModelRef
from steelyard.domain.usage import Measurement
from steelyard.pricing import Cost
from steelyard.services.intake import IntakeService
from steelyard.services.later_prices import LaterPrices
from steelyard.services.rollup import RollupService
from steelyard.services.skills import SkillService
from steelyard.services.usage import UsageService
from steelyard.storage.database import Database
from steelyard.storage.migrate import migrate
from steelyard.storage.server import Server
from tests.integration.services.made_skills import content, other_tenant, skill

NOW = datetime.now(UTC).replace(day=15, hour=12)


def no_price(usage: Usage, model: ModelRef, when: object) -> Cost | None:
    return None


def use(skill_id: UUID, at: datetime = NOW, **more: Any) -> Measurement:
    return Measurement(skill_id, at, ModelRef("t", "m"), Usage(100, 50, 10), latency_ms=0.1, **more)


async def query(database: Database, tenant_id: UUID, text: str) -> list[dict[str, Any]]:
    async with database.tenant(tenant_id) as connection:
        return await (await connection.execute(text.encode())).fetchall()


@pytest.fixture
async def own_database(server: Server) -> AsyncIterator[Database]:
    """A database of its own: letting uses go is for all tenants."""
    name = f"r_{uuid4().hex[:12]}"
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        dsn = make_conninfo(server.admin_dsn, dbname=name)
        await asyncio.to_thread(migrate, dsn)
        try:
            async with Database(dsn) as database:
                yield database
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def version_of(database: Database, tenant_id: UUID, skill_id: UUID) -> UUID:
    rows = await query(database, tenant_id, f"SELECT current_version_id AS id FROM skills WHERE id = '{skill_id}'")
    return rows[0]["id"]


async def recorded(database: Database, tenant_id: UUID, batch: Sequence[Measurement]) -> int:
    return (await UsageService(database, no_price, now=lambda: NOW).record(tenant_id, batch)).kept


async def test_a_difference_is_named_and_mended_and_nothing_else_is_touched(
    database: Database, tenant_id: UUID
) -> None:
    skill_id, rollup = await skill(database, tenant_id), RollupService(database, now=lambda: NOW)
    version = await version_of(database, tenant_id, skill_id)
    await recorded(
        database,
        tenant_id,
        [
            *(use(skill_id) for _ in range(3)),
            use(skill_id, skill_version_id=version),
            use(skill_id, NOW - timedelta(days=70), cost_microcents=7),
        ],
    )
    found = await rollup.verify(tenant_id)
    assert (found.differences, len(found.months) >= 3) == ((), True)
    before = await query(database, tenant_id, "SELECT * FROM measurement_daily ORDER BY day, skill_version_id")
    assert [(row["uses"], row["skill_version_id"]) for row in before[1:]] == [(3, UUID(int=0)), (1, version)]
    assert before[1]["latency_us_sum"] == 300

    async with database.tenant(tenant_id) as connection:
        await connection.execute("UPDATE measurement_daily SET cost_microcents = 8 WHERE cost_microcents = 7")
        await connection.execute("DELETE FROM measurement_daily WHERE skill_version_id = %s", (version,))
        await connection.execute(
            """INSERT INTO measurement_daily
               SELECT tenant_id, skill_id, day - 3, model_name, skill_version_id, 1, 1, 1, 2, 0, 0, 0, 0, 1, 0, 0
                 FROM measurement_daily WHERE uses = 3"""
        )
    wrong = (await rollup.verify(tenant_id)).differences
    assert [(one.differing, one.kept is None, one.recounted is None) for one in wrong][:1] == [
        (("cost_microcents",), False, False)
    ]
    assert {(one.kept is None, one.recounted is None) for one in wrong[1:]} == {(True, False), (False, True)}
    assert (await rollup.verify(tenant_id, repair=True)).repaired == 2
    assert (await rollup.verify(tenant_id)).differences == ()
    assert await query(database, tenant_id, "SELECT * FROM measurement_daily ORDER BY day, skill_version_id") == before


async def test_it_is_exact_while_uses_come_in_and_months_are_written_anew(database: Database, tenant_id: UUID) -> None:
    skills = [await skill(database, tenant_id, f"s{number}") for number in range(4)]
    usage, rollup = UsageService(database, no_price, now=lambda: NOW), RollupService(database, now=lambda: NOW)
    ended = False

    async def send(which: int) -> int:
        kept = 0
        for number in range(25):
            days = timedelta(days=number % 3 * 20)
            kept += (await usage.record(tenant_id, [use(skills[(which + n) % 4], NOW - days) for n in range(40)])).kept
        return kept

    async def check() -> int:
        checks = 0
        while not ended:
            async with database.tenant(tenant_id) as connection:
                await connection.execute(
                    "UPDATE measurement_daily SET uses = uses + 1 WHERE skill_id = %s", (skills[0],)
                )
            assert (await rollup.verify(tenant_id, repair=True)).repaired
            assert (await rollup.verify(tenant_id)).differences == ()
            checks += 1
        return checks

    await usage.record(tenant_id, [use(skills[0])])
    checking = asyncio.create_task(check())
    kept = sum(await asyncio.gather(*(send(which) for which in range(4))))
    ended = True
    assert await checking > 1
    assert (await rollup.verify(tenant_id)).differences == ()
    assert await query(database, tenant_id, "SELECT sum(uses)::int AS n FROM measurement_daily") == [{"n": kept + 1}]


async def test_a_version_that_goes_leaves_its_uses_to_the_skill(database: Database, tenant_id: UUID) -> None:
    skill_id = await skill(database, tenant_id)
    version = uuid4()
    async with database.tenant(tenant_id) as connection:
        await connection.execute(
            """INSERT INTO skill_versions (tenant_id, id, skill_id, digest, prompt, body)
               VALUES (%s, %s, %s, 'another', '', '')""",
            (tenant_id, version, skill_id),
        )
    await recorded(database, tenant_id, [use(skill_id), *(use(skill_id, skill_version_id=version) for _ in range(2))])
    async with database.tenant(tenant_id) as connection:
        await connection.execute("DELETE FROM skill_versions WHERE id = %s", (version,))
    rows = await query(database, tenant_id, "SELECT uses, skill_version_id AS version FROM measurement_daily")
    assert rows == [{"uses": 3, "version": UUID(int=0)}]
    assert (await RollupService(database).verify(tenant_id)).differences == ()
    await SkillService(database).delete(tenant_id, skill_id)
    assert await query(database, tenant_id, "SELECT 1 FROM measurement_daily") == []


async def test_uses_let_go_leave_their_sums_and_are_refused_when_sent_again(own_database: Database) -> None:
    database = own_database
    tenant_id, other = await other_tenant(database), await other_tenant(database)
    skill_id, theirs = await skill(database, tenant_id), await skill(database, other)
    old, new = NOW - timedelta(days=400), NOW - timedelta(days=40)
    usage, rollup = UsageService(database, no_price, now=lambda: NOW), RollupService(database, now=lambda: NOW)
    intake = IntakeService(database, usage)
    item = {"key": "k", "model": "t:m", "input_tokens": 5, "output_tokens": 1}
    sent = [item | {"skill": "weigh", "measured_at": at.isoformat()} for at in (old, new)]
    waiting = [one | {"skill": "later"} for one in sent]
    assert (await intake.take(tenant_id, sent)).kept == 2
    assert (await intake.take(tenant_id, waiting)).unmatched == 2
    await recorded(database, other, [use(theirs, old)])

    with pytest.raises(InputError, match="at least 2"):
        await rollup.retain(tenant_id, 1)
    async with database.tenant(tenant_id) as connection:
        await connection.execute("UPDATE measurement_daily SET uses = 9 WHERE day < %s", (new.date(),))
    with pytest.raises(Conflict, match="1 days"):
        await rollup.retain(tenant_id, 6)
    await rollup.verify(tenant_id, repair=True)

    # An analysed catalogue has other plans: names of every table may be looked at before those of the partitions are.
    async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as connection:
        await connection.execute("ANALYZE pg_class; ANALYZE pg_inherits")
    gone = await rollup.retain(tenant_id, 6)
    assert (gone.months > 0, gone.unmatched, gone.kept_from.day) == (True, 1, 1)
    assert (await rollup.retain(tenant_id, 6)) == replace(gone, months=0, unmatched=0)
    for tenant in (tenant_id, other):
        assert (
            await query(
                database, tenant, "SELECT 1 FROM token_measurements WHERE measured_at < now() - interval '9 months'"
            )
            == []
        )
    assert [row["uses"] for row in await query(database, other, "SELECT uses FROM measurement_daily")] == [1]
    assert (await usage.skill(tenant_id, skill_id)).total.uses == 2

    again = await intake.take(tenant_id, sent)
    assert (again.kept, again.duplicates) == (0, 1)
    assert [(item.index, item.field) for item in again.refused] == [(0, "measured_at")]
    assert "too old" in again.refused[0].message
    with pytest.raises(InputError, match="too old"):
        await recorded(database, tenant_id, [use(skill_id), use(skill_id, old)])
    assert (await usage.skill(tenant_id, skill_id)).total.uses == 2
    found = await rollup.verify(tenant_id)
    assert (found.differences, found.kept_from, found.months[0]) == ((), gone.kept_from, gone.kept_from)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        async with database.tenant(tenant_id) as connection:
            await connection.execute("SELECT drop_measurement_partitions(date_trunc('month', now())::date)")


async def test_uses_are_priced_once_their_price_is_known_and_never_twice(database: Database, tenant_id: UUID) -> None:
    skill_id = await skill(database, tenant_id)
    version = await version_of(database, tenant_id, skill_id)
    days = [NOW, NOW - timedelta(days=1), NOW - timedelta(days=50)]
    other = ModelRef("t", "other")
    batch = [use(skill_id, at) for at in days for _ in range(3)]
    batch += [use(skill_id, skill_version_id=version), use(skill_id, cost_microcents=7)]
    await recorded(database, tenant_id, [*batch, replace(use(skill_id), model=other)])
    usage = UsageService(database, no_price, now=lambda: NOW)
    item = {"key": "w", "model": "t:m", "measured_at": days[0].isoformat(), "input_tokens": 5, "output_tokens": 1}
    assert (await IntakeService(database, usage).take(tenant_id, [item | {"skill": "later"}])).unmatched == 1

    def price(usage: Usage, model: ModelRef, when: date) -> Cost | None:
        known = model.name == "m" and when > days[2].date()
        return Cost(usage.input_tokens * 2, "own", when) if known else None

    later = LaterPrices(database, price)
    found, again = await asyncio.gather(later.price(tenant_id), later.price(tenant_id))
    assert (found.priced + again.priced, found.unmatched + again.unmatched) == (7, 1)
    for one in (found, again):
        unknown = {model.model: model.unknown for model in one.models}
        assert unknown == {"t:m": 3, "t:other": 1}, "what the other priced is not unknown"
    assert sum(model.microcents for one in (found, again) for model in one.models) == 7 * 200
    third = await later.price(tenant_id)
    assert {model.model: (model.priced, model.unknown) for model in third.models} == {"t:m": (0, 3), "t:other": (0, 1)}
    total = (await usage.skill(tenant_id, skill_id)).total
    assert (total.cost_microcents, total.cost_unknown) == (7 * 200 + 7, 4)
    assert (await RollupService(database).verify(tenant_id)).differences == ()
    adopted = await SkillService(database).add(tenant_id, content("later"), None)
    assert (await usage.skill(tenant_id, adopted.id)).total.cost_microcents == 10
    rows = await query(database, tenant_id, "SELECT DISTINCT price_version, price_date FROM token_measurements")
    assert {row["price_date"] for row in rows if row["price_version"]} == {at.date() for at in days[:2]}

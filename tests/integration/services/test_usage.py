"""Measurements: each counted once, in the rollup as in the rows, and days without use not left out."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.domain.calls import Usage
from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.models import ModelRef
from steelyard.domain.usage import Measurement
from steelyard.pricing import Cost
from steelyard.services.usage import UsageService
from steelyard.storage.database import Database
from tests.integration.services.made_skills import other_tenant, skill

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
_RECOUNT = """
    SELECT skill_id, (measured_at AT TIME ZONE 'UTC')::date AS day, model_name,
           coalesce(skill_version_id, '00000000-0000-0000-0000-000000000000') AS version, count(*) AS uses,
           sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens,
           sum(total_tokens)::bigint AS total_tokens, sum(cache_read_tokens)::bigint AS cache_read_tokens,
           sum(cache_write_tokens)::bigint AS cache_write_tokens, sum(reasoning_tokens)::bigint AS reasoning_tokens,
           coalesce(sum(cost_microcents), 0)::bigint AS cost_microcents,
           count(*) FILTER (WHERE cost_microcents IS NULL) AS cost_unknown,
           coalesce(sum(round(latency_ms * 1000)::bigint), 0)::bigint AS latency_us_sum, count(latency_ms)
           AS latency_uses
      FROM token_measurements GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""
_ROLLUP = """
    SELECT skill_id, day, model_name, skill_version_id AS version, uses, input_tokens, output_tokens, total_tokens,
           cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_microcents, cost_unknown,
           latency_us_sum, latency_uses
      FROM measurement_daily ORDER BY 1, 2, 3, 4"""


def price(usage: Usage, model: ModelRef, when: date) -> Cost | None:
    return None if model.name == "unpriced" else Cost(usage.total_tokens * 10, "test", when)


def service(database: Database) -> UsageService:
    return UsageService(database, price, now=lambda: NOW)


def use(skill_id: UUID, at: datetime = NOW, name: str = "a", tokens: int = 100, **more: object) -> Measurement:
    return Measurement(skill_id, at, ModelRef("t", name), Usage(tokens, tokens // 2), **more)  # type: ignore[arg-type]


async def rows(database: Database, tenant_id: UUID, query: str) -> list[dict[str, object]]:
    async with database.tenant(tenant_id) as connection:
        return await (await connection.execute(query.encode())).fetchall()


MEASURED = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 100 * 24),
        st.sampled_from(["a", "b", "unpriced"]),
        st.integers(0, 10**6),
        st.none() | st.floats(0, 1e6),
        st.integers(0, 9),
    ),
    max_size=40,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(MEASURED, min_size=1, max_size=4))
async def test_the_rollup_is_what_the_rows_add_up_to(
    database: Database, batches: list[list[tuple[int, int, str, int, float | None, int]]]
) -> None:
    tenant_id = await other_tenant(database)
    skills = [await skill(database, tenant_id, f"s{index}") for index in range(3)]
    ids = [uuid4() for _ in range(10)]
    usage = service(database)
    sent: set[tuple[UUID, datetime]] = set()
    kept = 0
    for batch in batches:
        made = [
            use(skills[which], NOW - timedelta(hours=hours), name, tokens, latency_ms=latency, id=ids[number])
            for which, hours, name, tokens, latency, number in batch
        ]
        kept += (await usage.record(tenant_id, made)).kept
        sent |= {(m.id, m.measured_at) for m in made}
    assert kept == len(sent)
    assert await rows(database, tenant_id, _ROLLUP) == await rows(database, tenant_id, _RECOUNT)


async def test_the_same_batch_sent_again_counts_once(database: Database, tenant_id: UUID) -> None:
    skill_id = await skill(database, tenant_id)
    batch = [use(skill_id, NOW - timedelta(days=day)) for day in range(5)]
    first, again = [await service(database).record(tenant_id, batch) for _ in range(2)]
    assert (first.kept, first.duplicates, again.kept, again.duplicates) == (5, 0, 0, 5)
    assert (await service(database).skill(tenant_id, skill_id)).total.uses == 5


async def test_batches_at_once_do_not_lock_each_other_out(database: Database, tenant_id: UUID) -> None:
    skills = [await skill(database, tenant_id, f"s{index}") for index in range(6)]
    usage, dice = service(database), random.Random(5)
    batches = [[use(dice.choice(skills), name=dice.choice("abc")) for _ in range(200)] for _ in range(8)]
    await asyncio.gather(*(usage.record(tenant_id, batch) for batch in batches))
    total = sum([(await usage.skill(tenant_id, skill_id)).total.uses for skill_id in skills])
    assert total == 1600
    assert await rows(database, tenant_id, _ROLLUP) == await rows(database, tenant_id, _RECOUNT)


async def test_an_unknown_cost_is_never_taken_for_nothing(database: Database, tenant_id: UUID) -> None:
    skill_id, usage = await skill(database, tenant_id), service(database)
    await usage.record(tenant_id, [use(skill_id), use(skill_id, name="unpriced"), use(skill_id, cost_microcents=7)])
    found = await usage.skill(tenant_id, skill_id)
    assert (found.total.cost_microcents, found.total.cost_unknown) == (1507, 1)
    assert found.total.avg_cost_microcents == 1507 / 2
    today = (await usage.daily(tenant_id, skill_id, 30))[-1]
    assert (today.day, today.cost_microcents, today.cost_unknown) == (NOW.date(), 1507, 1)


async def test_every_day_of_a_series_is_there(database: Database, tenant_id: UUID) -> None:
    skill_id, usage = await skill(database, tenant_id), service(database)
    await usage.record(tenant_id, [use(skill_id, NOW - timedelta(days=day)) for day in (0, 3, 89, 90)])
    for days, uses in ((30, 2), (90, 3), (365, 4)):
        series = await usage.daily(tenant_id, skill_id, days)
        assert [day.day for day in series] == [NOW.date() - timedelta(days=back) for back in range(days - 1, -1, -1)]
        assert sum(day.uses for day in series) == uses


async def test_days_are_utc_days(database: Database, tenant_id: UUID) -> None:
    skill_id, usage = await skill(database, tenant_id), service(database)
    late = datetime.fromisoformat("2026-06-14T23:30:00-02:00")
    await usage.record(tenant_id, [use(skill_id, late)])
    assert [day.uses for day in await usage.daily(tenant_id, skill_id, 2)] == [0, 1]


async def test_the_last_thirty_days_are_set_against_the_thirty_before(database: Database, tenant_id: UUID) -> None:
    skill_id, usage = await skill(database, tenant_id), service(database)
    await usage.record(
        tenant_id,
        [
            *(use(skill_id, NOW - timedelta(days=day), "b", 200) for day in range(29, 44)),
            *(use(skill_id, NOW - timedelta(days=day), "a", 100) for day in range(2)),
            use(skill_id, NOW - timedelta(days=60), "c"),
        ],
    )
    found = await usage.skill(tenant_id, skill_id)
    assert (found.total.uses, found.last_30_days.uses, found.previous_30_days.uses) == (18, 3, 14)
    assert (found.predominant_model, found.predominant_share) == ("t:a", pytest.approx(2 / 3))
    assert found.change.uses_percent == pytest.approx(100 * (3 - 14) / 14)
    assert found.change.avg_tokens_percent == pytest.approx(100 * ((100 + 100 + 200) / 3 / 200 - 1))


async def test_a_skill_never_used_has_no_figures(database: Database, tenant_id: UUID) -> None:
    skill_id = await skill(database, tenant_id)
    found = await service(database).skill(tenant_id, skill_id)
    assert (found.total.uses, found.total.avg_cost_microcents, found.predominant_model) == (0, None, None)
    assert found.change.cost_percent is None


@pytest.mark.parametrize(
    "changes",
    [
        {"measured_at": NOW + timedelta(days=2)},
        {"measured_at": NOW - timedelta(days=4000)},
        {"measured_at": NOW.replace(tzinfo=None)},
        {"usage": Usage(-1, 0)},
        {"usage": Usage(10**15, 0)},
        {"cost_microcents": -5},
        {"latency_ms": float("nan")},
        {"latency_ms": -1.0},
        {"source": "a\x00b"},
    ],
)
async def test_a_measurement_out_of_range_is_refused_with_its_batch(
    database: Database, tenant_id: UUID, changes: dict[str, object]
) -> None:
    from dataclasses import replace

    skill_id = await skill(database, tenant_id)
    with pytest.raises(InputError):
        await service(database).record(tenant_id, [use(skill_id), replace(use(skill_id), **changes)])  # type: ignore[arg-type]
    assert await rows(database, tenant_id, _RECOUNT) == []


async def test_another_tenants_skill_or_anothers_version_is_not_found(database: Database, tenant_id: UUID) -> None:
    skill_id, other_id = await skill(database, tenant_id), await other_tenant(database)
    theirs = await skill(database, other_id)
    async with database.tenant(tenant_id) as connection:
        row = await (await connection.execute("SELECT current_version_id AS id FROM skills")).fetchone()
    assert row is not None
    second = await skill(database, tenant_id, "second")
    for bad in (use(theirs), use(second, skill_version_id=row["id"])):
        with pytest.raises(NotFound):
            await service(database).record(tenant_id, [use(skill_id), bad])
    assert (await service(database).skill(tenant_id, theirs)).total.uses == 0

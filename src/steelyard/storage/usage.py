"""Measurements of production use, and their daily rollup, which is what pages read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from steelyard.domain.usage import Measurement
from steelyard.storage.arrays import array, text_array
from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class UsageTotals:
    """Sums over uses. `cost_microcents` sums what is known; of `cost_unknown` uses nothing is in it."""

    uses: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost_microcents: int
    cost_unknown: int
    latency_ms_sum: float
    latency_uses: int


@dataclass(frozen=True)
class UsageDay:
    """One UTC day of one skill. `cost_microcents` is what is known; of `cost_unknown` uses nothing is in it."""

    day: date
    uses: int
    cost_microcents: int
    cost_unknown: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class ModelTotals(UsageTotals):
    """One model of one skill, in one stretch of time: recent, previous, or other."""

    model_name: str
    stretch: str


_SUMS = """sum(uses)::bigint AS uses, sum(input_tokens)::bigint AS input_tokens,
           sum(output_tokens)::bigint AS output_tokens, sum(total_tokens)::bigint AS total_tokens,
           sum(cost_microcents)::bigint AS cost_microcents, sum(cost_unknown)::bigint AS cost_unknown,
           sum(latency_us_sum)::float8 / 1000 AS latency_ms_sum, sum(latency_uses)::bigint AS latency_uses"""

# Duplicates are dropped before they are counted. The rollup's rows are taken in the order of their key, so that two
# batches at once wait for each other instead of locking each other out.
_RECORD = b"""
    WITH sent AS (
        SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::timestamptz[], %s::text[], %s::text[],
                             %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                             %s::text[], %s::date[], %s::float8[], %s::text[])
               AS sent (id, skill_id, skill_version_id, measured_at, model_name, model_provider, input_tokens,
                        output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_microcents,
                        price_version, price_date, latency_ms, source)),
    kept AS (
        INSERT INTO token_measurements (tenant_id, id, skill_id, skill_version_id, measured_at, model_name,
                                        model_provider, input_tokens, output_tokens, total_tokens, cache_read_tokens,
                                        cache_write_tokens, reasoning_tokens, cost_microcents, price_version,
                                        price_date, latency_ms, source)
        SELECT %s, id, skill_id, skill_version_id, measured_at, model_name, model_provider, input_tokens,
               output_tokens, input_tokens + output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
               cost_microcents, price_version, price_date, latency_ms, source
          FROM sent
        ON CONFLICT (tenant_id, id, measured_at) DO NOTHING
        RETURNING *),
    daily AS (
        INSERT INTO measurement_daily AS old (tenant_id, skill_id, day, model_name, skill_version_id, uses,
                                              input_tokens, output_tokens, total_tokens, cache_read_tokens,
                                              cache_write_tokens, reasoning_tokens, cost_microcents, cost_unknown,
                                              latency_us_sum, latency_uses)
        SELECT tenant_id, skill_id, (measured_at AT TIME ZONE 'UTC')::date AS day, model_name,
               coalesce(skill_version_id, '00000000-0000-0000-0000-000000000000') AS version, count(*),
               sum(input_tokens), sum(output_tokens), sum(total_tokens), sum(cache_read_tokens),
               sum(cache_write_tokens), sum(reasoning_tokens), coalesce(sum(cost_microcents), 0),
               count(*) FILTER (WHERE cost_microcents IS NULL),
               coalesce(sum(round(latency_ms * 1000)::bigint), 0), count(latency_ms)
          FROM kept GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (tenant_id, skill_id, day, model_name, skill_version_id) DO UPDATE
           SET uses = old.uses + EXCLUDED.uses,
               input_tokens = old.input_tokens + EXCLUDED.input_tokens,
               output_tokens = old.output_tokens + EXCLUDED.output_tokens,
               total_tokens = old.total_tokens + EXCLUDED.total_tokens,
               cache_read_tokens = old.cache_read_tokens + EXCLUDED.cache_read_tokens,
               cache_write_tokens = old.cache_write_tokens + EXCLUDED.cache_write_tokens,
               reasoning_tokens = old.reasoning_tokens + EXCLUDED.reasoning_tokens,
               cost_microcents = old.cost_microcents + EXCLUDED.cost_microcents,
               cost_unknown = old.cost_unknown + EXCLUDED.cost_unknown,
               latency_us_sum = old.latency_us_sum + EXCLUDED.latency_us_sum,
               latency_uses = old.latency_uses + EXCLUDED.latency_uses)
    SELECT count(*)::int AS kept FROM kept
"""


async def ensure_partitions(connection: Connection, first: date, last: date) -> None:
    """Make the monthly partitions that are missing. To be done in a transaction of its own, before the rows come."""
    await connection.execute("SELECT ensure_measurement_partitions(%s, %s)", (first, last))


async def record_measurements(connection: Connection, tenant_id: UUID, batch: Sequence[Measurement]) -> int:
    """Keep the measurements and add them to the daily rollup; returns how many were new."""
    columns = (
        array([m.id for m in batch]),
        array([m.skill_id for m in batch]),
        array([m.skill_version_id for m in batch]),
        array([m.measured_at for m in batch]),
        text_array([m.model.text for m in batch]),
        text_array([m.model.provider for m in batch]),
        array([m.usage.input_tokens for m in batch]),
        array([m.usage.output_tokens for m in batch]),
        array([m.usage.cache_read_tokens for m in batch]),
        array([m.usage.cache_write_tokens for m in batch]),
        array([m.usage.reasoning_tokens for m in batch]),
        array([m.cost_microcents for m in batch]),
        text_array([m.price_version for m in batch]),
        array([m.price_date for m in batch]),
        array([m.latency_ms for m in batch]),
        text_array([m.source for m in batch]),
    )
    row = await (await connection.execute(_RECORD, (*columns, tenant_id))).fetchone()
    assert row is not None
    return row["kept"]


async def hold_skills(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these skills there are. They stay until the transaction ends."""
    cursor = await connection.execute(
        "SELECT id FROM skills WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", (list(ids),)
    )
    return {row["id"] for row in await cursor.fetchall()}


async def hold_skills_named(connection: Connection, names: Sequence[str]) -> dict[str, UUID]:
    """The ids of the skills of these names, by name; names without a skill are left out. They stay as above."""
    cursor = await connection.execute(
        "SELECT name, id FROM skills WHERE name = ANY(%s) ORDER BY id FOR KEY SHARE",
        ([clean(name) for name in names],),
    )
    return {row["name"]: row["id"] for row in await cursor.fetchall()}


async def hold_versions(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The skill of each of these versions. They stay until the transaction ends.

    To be done before measurements are recorded: a version that is being deleted is waited for here, where no day of
    the rollup is held yet.
    """
    cursor = await connection.execute(
        "SELECT id, skill_id FROM skill_versions WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", (list(ids),)
    )
    return {row["id"]: row["skill_id"] for row in await cursor.fetchall()}


async def kept_from(connection: Connection) -> date | None:
    """The day from which on uses are kept one by one; None where none were let go yet.

    It stays so until the transaction ends: letting a month go waits for that.
    """
    await connection.execute("LOCK TABLE ONLY token_measurements IN ROW EXCLUSIVE MODE")
    row = await (await connection.execute("SELECT kept_from FROM measurement_retention")).fetchone()
    return None if row is None else row["kept_from"]


async def usage_days(connection: Connection, skill_id: UUID, first: date, last: date) -> list[UsageDay]:
    """Every UTC day from first to last, in order; one without a use is all zero."""
    async with connection.cursor(row_factory=record_row(UsageDay)) as cursor:
        await cursor.execute(
            """WITH used AS MATERIALIZED (
                   SELECT day, sum(uses)::bigint AS uses, sum(cost_microcents)::bigint AS cost_microcents,
                          sum(cost_unknown)::bigint AS cost_unknown, sum(input_tokens)::bigint AS input_tokens,
                          sum(output_tokens)::bigint AS output_tokens
                     FROM measurement_daily WHERE skill_id = %(skill)s AND day BETWEEN %(first)s AND %(last)s
                    GROUP BY day)
               SELECT every.day, coalesce(uses, 0) AS uses, coalesce(cost_microcents, 0) AS cost_microcents,
                      coalesce(cost_unknown, 0) AS cost_unknown, coalesce(input_tokens, 0) AS input_tokens,
                      coalesce(output_tokens, 0) AS output_tokens
                 FROM (SELECT %(first)s::date + n AS day
                         FROM generate_series(0, %(last)s::date - %(first)s::date) AS n) every
                 LEFT JOIN used USING (day) ORDER BY every.day""",
            {"skill": skill_id, "first": first, "last": last},
        )
        return await cursor.fetchall()


async def totals_by_model(
    connection: Connection, skill_id: UUID, *, previous: date, recent: date, last: date
) -> list[ModelTotals]:
    """Sums over all time of each model and stretch: recent is from that day to the last, previous the days before it.

    The most used come first.
    """
    async with connection.cursor(row_factory=record_row(ModelTotals)) as cursor:
        await cursor.execute(
            f"""SELECT model_name,
                       CASE WHEN day BETWEEN %(recent)s AND %(last)s THEN 'recent'
                            WHEN day >= %(previous)s AND day < %(recent)s THEN 'previous' ELSE 'other' END AS stretch,
                       {_SUMS}
                  FROM measurement_daily WHERE skill_id = %(skill)s
                 GROUP BY 1, 2 ORDER BY uses DESC, model_name""".encode(),
            {"skill": skill_id, "previous": previous, "recent": recent, "last": last},
        )
        return await cursor.fetchall()


@dataclass(frozen=True)
class BenchmarkPoint:
    """A run of record as a point in time: its headline model with quality, interval and average cost per case.

    `judge_marked`: its judge was accepted although it did not pass its examination.
    """

    run_id: UUID
    completed_at: datetime
    verdict_kind: str
    model: str
    quality: float
    quality_low: float | None
    quality_high: float | None
    avg_cost_microcents: int | None
    judge_digest: str | None
    judge_marked: bool = False


async def benchmark_points(
    connection: Connection, skill_id: UUID, *, since: datetime | None, at_least: int = 0, limit: int
) -> list[BenchmarkPoint]:
    """The newest whole runs of record, oldest first; a partial one where it is all that speaks for the skill.

    Of those before `since` there are only as many as make them `at_least`.
    """
    async with connection.cursor(row_factory=record_row(BenchmarkPoint)) as cursor:
        await cursor.execute(
            """WITH speaking AS NOT MATERIALIZED (
                   SELECT * FROM benchmark_runs
                    WHERE skill_id = %(skill)s AND of_record AND status = 'completed' AND headline_model IS NOT NULL
                      AND (NOT partial OR id = (SELECT last_run_id FROM skills WHERE skills.id = %(skill)s)))
               SELECT id AS run_id, completed_at, verdict_kind, headline_model AS model, headline_quality AS quality,
                      headline_quality_low AS quality_low, headline_quality_high AS quality_high,
                      headline_cost_microcents AS avg_cost_microcents, judge_digest,
                      accept_judge AND coalesce(examination @? '$.findings[*] ? (@.passed == false)', false)
                          AS judge_marked
                 FROM speaking
                WHERE %(since)s::timestamptz IS NULL
                   OR completed_at >= least(%(since)s, (
                          SELECT min(completed_at) FROM (SELECT completed_at FROM speaking
                                                          ORDER BY completed_at DESC LIMIT %(at_least)s) newest))
                ORDER BY completed_at DESC, id LIMIT %(limit)s""",
            {"skill": skill_id, "since": since, "at_least": at_least, "limit": limit},
        )
        return (await cursor.fetchall())[::-1]

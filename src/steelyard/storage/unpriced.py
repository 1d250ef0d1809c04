"""Uses whose price was not known when they came: found by model and day, and given their cost later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.calls import Usage
from steelyard.pricing import Cost
from steelyard.storage.arrays import array, text_array
from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row

_DAY = "(measured_at AT TIME ZONE 'UTC')::date"


@dataclass(frozen=True)
class UnpricedDay:
    """So many uses of a model on a UTC day have no known cost."""

    model_name: str
    day: date
    uses: int


@dataclass(frozen=True)
class UnpricedUse:
    """One use without a known cost; `measured_at` and `id` tell it from all others."""

    id: UUID
    measured_at: datetime
    usage: Usage


@dataclass(frozen=True)
class Pricing:
    """What a use costs, and by which prices."""

    id: UUID
    measured_at: datetime
    cost: Cost


# The sums are taken in the order of their key, as those of a batch are: see usage.py. Each is there already.
_PRICE = b"""
    WITH given AS (
        SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::bigint[], %s::text[], %s::date[])
               AS given (id, measured_at, cost_microcents, price_version, price_date)),
    priced AS (
        UPDATE token_measurements m
           SET cost_microcents = g.cost_microcents, price_version = g.price_version, price_date = g.price_date
          FROM given g
         WHERE m.id = g.id AND m.measured_at = g.measured_at AND m.cost_microcents IS NULL
        RETURNING m.tenant_id, m.skill_id, (m.measured_at AT TIME ZONE 'UTC')::date AS day, m.model_name,
                  coalesce(m.skill_version_id, '00000000-0000-0000-0000-000000000000') AS version, m.cost_microcents),
    daily AS (
        INSERT INTO measurement_daily AS old
        SELECT tenant_id, skill_id, day, model_name, version, 0, 0, 0, 0, 0, 0, 0, sum(cost_microcents), -count(*), 0, 0
          FROM priced GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (tenant_id, skill_id, day, model_name, skill_version_id) DO UPDATE
           SET cost_microcents = old.cost_microcents + EXCLUDED.cost_microcents,
               cost_unknown = old.cost_unknown + EXCLUDED.cost_unknown)
    SELECT count(*)::int AS uses, coalesce(sum(cost_microcents), 0)::bigint AS cost FROM priced
"""


async def unpriced_days(connection: Connection) -> list[UnpricedDay]:
    """The models and days with uses of unknown cost, in order."""
    async with connection.cursor(row_factory=record_row(UnpricedDay)) as cursor:
        await cursor.execute(
            f"""SELECT model_name, {_DAY} AS day, count(*)::int AS uses FROM token_measurements
                 WHERE cost_microcents IS NULL GROUP BY 1, 2 ORDER BY 1, 2""".encode()
        )
        return await cursor.fetchall()


async def unpriced_uses(
    connection: Connection, model_name: str, day: date, *, after: UnpricedUse | None, limit: int
) -> list[UnpricedUse]:
    """The uses of unknown cost of a model on a UTC day, those after `after`, by time and id."""
    cursor = await connection.execute(
        """SELECT id, measured_at, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens
             FROM token_measurements
            WHERE cost_microcents IS NULL AND model_name = %(model)s
              AND measured_at >= (%(day)s::date)::timestamp AT TIME ZONE 'UTC'
              AND measured_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
              AND (%(id)s::uuid IS NULL OR (measured_at, id) > (%(at)s::timestamptz, %(id)s::uuid))
            ORDER BY measured_at, id LIMIT %(limit)s""",
        {
            "model": model_name,
            "day": day,
            "id": None if after is None else after.id,
            "at": None if after is None else after.measured_at,
            "limit": limit,
        },
    )
    rows = [list(row.values()) for row in await cursor.fetchall()]
    return [UnpricedUse(row[0], row[1], Usage(*row[2:])) for row in rows]


async def give_costs(connection: Connection, pricings: Sequence[Pricing]) -> tuple[int, int]:
    """Write these costs to uses that still have none, and to their daily sums; returns (uses, microcents)."""
    columns = (
        array([one.id for one in pricings]),
        array([one.measured_at for one in pricings]),
        array([one.cost.microcents for one in pricings]),
        text_array([one.cost.price_version for one in pricings]),
        array([one.cost.price_date for one in pricings]),
    )
    row = await (await connection.execute(_PRICE, columns)).fetchone()
    assert row is not None
    return row["uses"], row["cost"]


async def unpriced_unmatched(
    connection: Connection, *, after: UnpricedUse | None, limit: int
) -> list[tuple[str, UnpricedUse]]:
    """(model, use) of the uses of skills that are not here whose cost is unknown, by time and id."""
    cursor = await connection.execute(
        """SELECT id, measured_at, use ->> 'model' AS model, use -> 'tokens' AS tokens FROM unmatched_uses
            WHERE use ->> 'cost_microcents' IS NULL
              AND (%(id)s::uuid IS NULL OR (measured_at, id) > (%(at)s::timestamptz, %(id)s::uuid))
            ORDER BY measured_at, id LIMIT %(limit)s""",
        {
            "id": None if after is None else after.id,
            "at": None if after is None else after.measured_at,
            "limit": limit,
        },
    )
    return [
        (row["model"], UnpricedUse(row["id"], row["measured_at"], Usage(*row["tokens"])))
        for row in await cursor.fetchall()
    ]


async def give_costs_to_unmatched(connection: Connection, pricings: Sequence[Pricing]) -> int:
    """The same for uses of skills that are not here; returns how many."""
    written = [
        Jsonb(
            {
                "cost_microcents": one.cost.microcents,
                "price_version": one.cost.price_version,
                "price_date": one.cost.price_date.isoformat(),
            }
        )
        for one in pricings
    ]
    cursor = await connection.execute(
        """UPDATE unmatched_uses u SET use = u.use || g.priced
             FROM unnest(%s::uuid[], %s::timestamptz[], %s::jsonb[]) AS g (id, measured_at, priced)
            WHERE u.id = g.id AND u.measured_at = g.measured_at AND u.use ->> 'cost_microcents' IS NULL""",
        (array([one.id for one in pricings]), array([one.measured_at for one in pricings]), written),
    )
    return cursor.rowcount

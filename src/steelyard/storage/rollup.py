"""The daily sums against a recount of the uses they are the sums of; and letting go of old uses, whose sums stay."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from uuid import UUID

import psycopg

from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class Sums:
    """What is added up of the uses of one skill, UTC day, model and version. Costs in microcents, latency in µs."""

    uses: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_microcents: int
    cost_unknown: int
    latency_us_sum: int
    latency_uses: int


@dataclass(frozen=True)
class Difference:
    """A day whose sums are not those of its uses; None where the one or the other is not there at all."""

    skill_id: UUID
    skill: str | None
    day: date
    model_name: str
    skill_version_id: UUID | None
    kept: Sums | None
    recounted: Sums | None

    @property
    def differing(self) -> tuple[str, ...]:
        """The columns that differ."""
        names = [field.name for field in fields(Sums)]
        return tuple(name for name in names if getattr(self.kept, name, 0) != getattr(self.recounted, name, 0))


class UsesHeld(Exception):
    """Uses were being read or written for longer than letting go of some may wait."""


_COLUMNS = tuple(field.name for field in fields(Sums))
_NAMES = ", ".join(_COLUMNS)
_UNKNOWN = "'00000000-0000-0000-0000-000000000000'"
# %(first)s and %(next)s are the first days of a month and of the one after it.
_RECOUNT = f"""
    SELECT tenant_id, skill_id, (measured_at AT TIME ZONE 'UTC')::date AS day, model_name,
           coalesce(skill_version_id, {_UNKNOWN}) AS skill_version_id, count(*) AS uses,
           sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens,
           sum(total_tokens)::bigint AS total_tokens, sum(cache_read_tokens)::bigint AS cache_read_tokens,
           sum(cache_write_tokens)::bigint AS cache_write_tokens, sum(reasoning_tokens)::bigint AS reasoning_tokens,
           coalesce(sum(cost_microcents), 0)::bigint AS cost_microcents,
           count(*) FILTER (WHERE cost_microcents IS NULL) AS cost_unknown,
           coalesce(sum(round(latency_ms * 1000)::bigint), 0)::bigint AS latency_us_sum,
           count(latency_ms) AS latency_uses
      FROM token_measurements
     WHERE measured_at >= (%(first)s::date)::timestamp AT TIME ZONE 'UTC'
       AND measured_at < (%(next)s::date)::timestamp AT TIME ZONE 'UTC'
     GROUP BY 1, 2, 3, 4, 5"""
# Each row has the count of the month's uses; there is one without a day where none differs.
_COMPARE = f"""
    WITH recounted AS MATERIALIZED ({_RECOUNT}),
    differing AS (
        SELECT skill_id, s.name AS skill, day, model_name, nullif(skill_version_id, {_UNKNOWN}) AS skill_version_id,
               {", ".join(f"kept.{name} AS kept_{name}, recounted.{name} AS recounted_{name}" for name in _COLUMNS)}
          FROM recounted
          FULL JOIN (SELECT * FROM measurement_daily WHERE day >= %(first)s AND day < %(next)s) kept
              USING (skill_id, day, model_name, skill_version_id)
          LEFT JOIN skills s ON s.id = skill_id
         WHERE ({", ".join(f"kept.{name}" for name in _COLUMNS)})
               IS DISTINCT FROM ({", ".join(f"recounted.{name}" for name in _COLUMNS)})
         ORDER BY day, skill, model_name, skill_version_id LIMIT %(most)s)
    SELECT counted.counted, differing.*
      FROM (SELECT coalesce(sum(uses), 0)::bigint AS counted FROM recounted) counted
      LEFT JOIN differing ON true ORDER BY day, skill, model_name, skill_version_id"""


@dataclass(frozen=True)
class Span:
    """The first and the last day that there may be sums or uses of; `kept_from` is where the uses begin to be kept."""

    first: date
    last: date
    kept_from: date | None


async def one_moment(connection: Connection) -> None:
    """Let every query of this transaction see the same moment. To be its first statement."""
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


async def span(connection: Connection) -> Span:
    """Of which days there may be something to compare: to tomorrow, as far as a use may be ahead, or further."""
    async with connection.cursor(row_factory=record_row(Span)) as cursor:
        await cursor.execute(
            """SELECT least(d.first, p.first, tomorrow) AS first, greatest(d.last, tomorrow) AS last,
                      (SELECT kept_from FROM measurement_retention) AS kept_from
                 FROM (SELECT min(day) AS first, max(day) AS last FROM measurement_daily) d,
                      (SELECT to_date(min(right(c.relname, 7)), 'YYYY_MM') AS first
                         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                        WHERE i.inhparent = 'token_measurements'::regclass) p,
                      (SELECT (now() AT TIME ZONE 'UTC')::date + 1 AS tomorrow) t"""
        )
        row = await cursor.fetchone()
    assert row is not None
    return row


async def compare_month(connection: Connection, first: date, after: date, *, most: int) -> tuple[int, list[Difference]]:
    """How many uses a month has, and the days whose sums are not what these add up to, at most so many of them."""
    cursor = await connection.execute(_COMPARE.encode(), {"first": first, "next": after, "most": most})
    rows = await cursor.fetchall()

    def sums(row: dict[str, int | None], side: str) -> Sums | None:
        values = [row[f"{side}_{name}"] for name in _COLUMNS]
        return None if values[0] is None else Sums(*(value or 0 for value in values))

    return rows[0]["counted"], [
        Difference(
            row["skill_id"],
            row["skill"],
            row["day"],
            row["model_name"],
            row["skill_version_id"],
            sums(row, "kept"),
            sums(row, "recounted"),
        )
        for row in rows
        if row["skill_id"] is not None
    ]


async def hold_rollup(connection: Connection) -> None:
    """Let nobody write sums until the transaction ends; uses on their way are waited for, others wait.

    What a transaction has not added yet when this returns, it adds afterwards: a recount made now is right with it.
    """
    await connection.execute("LOCK TABLE measurement_daily IN SHARE ROW EXCLUSIVE MODE")


async def recount_month(connection: Connection, first: date, after: date) -> None:
    """Write a month's sums anew from its uses. The rollup is held."""
    given = {"first": first, "next": after}
    await connection.execute("DELETE FROM measurement_daily WHERE day >= %(first)s AND day < %(next)s", given)
    await connection.execute(
        f"""INSERT INTO measurement_daily (tenant_id, skill_id, day, model_name, skill_version_id, {_NAMES})
            {_RECOUNT} ORDER BY 1, 2, 3, 4, 5""".encode(),
        given,
    )


async def drop_partitions(connection: Connection, before: date) -> int:
    """Let go of the uses before a month, of all tenants; returns how many months went.

    To be done in a transaction of its own. Raises UsesHeld.
    """
    try:
        cursor = await connection.execute("SELECT drop_measurement_partitions(%s) AS dropped", (before,))
    except psycopg.errors.LockNotAvailable:
        raise UsesHeld from None
    row = await cursor.fetchone()
    assert row is not None
    return row["dropped"]


async def drop_unmatched(connection: Connection, before: date) -> int:
    """Let go of this tenant's uses of skills that are not here, from before a day; returns how many."""
    cursor = await connection.execute(
        "DELETE FROM unmatched_uses WHERE measured_at < (%s::date)::timestamp AT TIME ZONE 'UTC'", (before,)
    )
    return cursor.rowcount

"""A month's money by what it was spent on and for whom, and the months there are; recounted where that can be done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row
from steelyard.storage.spending import NO_ID

By = Literal["kind", "skill", "model", "judge", "member"]


@dataclass(frozen=True)
class Slice:
    """One line of a split. `key` tells it from the others, `name` is None of a skill that is deleted. Money in
    microcents; `of_all` lines there are, whose money is `all_microcents`."""

    key: str
    name: str | None
    spent_microcents: int
    calls: int
    unknown_calls: int
    of_all: int
    all_microcents: int


@dataclass(frozen=True)
class SpendRow:
    """All that is kept apart of a month, for a file. `skill` is None where it is deleted."""

    month: date
    skill: str | None
    skill_id: UUID
    kind: str
    model: str
    started_by: str
    started_by_kind: str
    started_by_id: UUID | None
    calls: int
    unknown_calls: int
    spent_microcents: int


@dataclass(frozen=True)
class MonthRow:
    """A month in which anything was called for."""

    month: date
    spent_microcents: int
    is_lower_bound: bool


@dataclass(frozen=True)
class SpendDifference:
    """Money of a skill that is not what its rows add up to, in microcents. `model` is blank where the rows do not tell
    judges apart."""

    skill_id: UUID
    skill: str
    kind: str
    model: str
    kept_microcents: int
    recounted_microcents: int


# What makes a line of each split, its name, and which rows are in it.
_SPLITS: dict[By, tuple[str, str, str]] = {
    "kind": ("kind", "kind", "true"),
    "skill": ("skill_id::text", "NULL", "true"),
    "model": ("model", "model", "kind = 'answers'"),
    "judge": ("model", "model", "kind IN ('judging', 'examination', 'tie_breaks')"),
    "member": ("by_kind || ' ' || by_id", "max(by_name)", "true"),
}


async def split(connection: Connection, month: date, by: By, *, limit: int) -> list[Slice]:
    """The dearest lines of a month's split, at most `limit`."""
    key, name, rows = _SPLITS[by]
    async with connection.cursor(row_factory=record_row(Slice)) as cursor:
        await cursor.execute(
            f"""SELECT top.key, coalesce(s.name, top.name) AS name, top.spent_microcents, top.calls, top.unknown_calls,
                       top.of_all, top.all_microcents
                  FROM (SELECT {key} AS key, {name} AS name, sum(spent_microcents)::bigint AS spent_microcents,
                               sum(calls)::bigint AS calls, sum(unknown_calls)::bigint AS unknown_calls,
                               (count(*) OVER ())::int AS of_all,
                               (sum(sum(spent_microcents)) OVER ())::bigint AS all_microcents
                          FROM spend WHERE month = %s AND {rows} GROUP BY 1
                         ORDER BY 3 DESC, 4 DESC, 1 LIMIT %s) top
                  LEFT JOIN skills s ON {"s.id = top.key::uuid" if by == "skill" else "false"}
                 ORDER BY top.spent_microcents DESC, top.calls DESC, top.key""".encode(),
            (month, limit),
        )
        return await cursor.fetchall()


async def months(connection: Connection, *, before: date | None, limit: int) -> list[MonthRow]:
    """The newest months in which anything was called for, those before a month where one is given."""
    async with connection.cursor(row_factory=record_row(MonthRow)) as cursor:
        await cursor.execute(
            """SELECT month, spent_microcents,
                      unknown_calls > 0 OR calls_lost
                      OR EXISTS (SELECT FROM spend_holds h
                                  WHERE h.month = m.month AND h.lease_until < clock_timestamp()) AS is_lower_bound
                 FROM spend_months m
                WHERE (calls > 0 OR calls_lost) AND (%s::date IS NULL OR month < %s) ORDER BY month DESC LIMIT %s""",
            (before, before, limit),
        )
        return await cursor.fetchall()


async def rows(connection: Connection, month: date) -> AsyncIterator[SpendRow]:
    """Every row of a month, the dearest first."""
    async with connection.cursor(row_factory=record_row(SpendRow)) as cursor:
        await cursor.execute(
            """SELECT p.month, s.name AS skill, p.skill_id, p.kind, p.model, p.by_name AS started_by,
                      p.by_kind AS started_by_kind, nullif(p.by_id, %s) AS started_by_id, p.calls, p.unknown_calls,
                      p.spent_microcents
                 FROM spend p LEFT JOIN skills s ON s.id = p.skill_id
                WHERE p.month = %s ORDER BY p.spent_microcents DESC, p.skill_id, p.kind, p.model""",
            (NO_ID, month),
        )
        async for row in cursor:
            yield row


async def differences(connection: Connection, *, limit: int) -> list[SpendDifference]:
    """Where the money of skills that are here, all months together, is not what runs, reviews, tie-breaks and drafts
    add up to. Of a deleted skill nothing is left to recount."""
    async with connection.cursor(row_factory=record_row(SpendDifference)) as cursor:
        await cursor.execute(
            """WITH recounted AS (
                   SELECT r.skill_id, 'answers' AS kind, b.model_name AS model,
                          sum(CASE WHEN b.reused_from IS NULL THEN coalesce(b.estimated_cost_microcents, 0) ELSE 0 END
                              + b.wasted_cost_microcents) AS spent
                     FROM benchmark_results b
                     JOIN benchmark_runs r ON r.tenant_id = b.tenant_id AND r.id = b.benchmark_run_id GROUP BY 1, 3
                   UNION ALL
                   SELECT r.skill_id, 'judging', '', sum(b.judge_cost_microcents)
                     FROM benchmark_results b
                     JOIN benchmark_runs r ON r.tenant_id = b.tenant_id AND r.id = b.benchmark_run_id GROUP BY 1
                   UNION ALL
                   SELECT skill_id, 'examination', '', sum(examined_microcents) FROM benchmark_runs GROUP BY 1
                   UNION ALL
                   SELECT r.skill_id, 'tie_breaks', t.judge, sum(t.spent_microcents) FROM tie_breaks t
                     JOIN benchmark_runs r ON r.tenant_id = t.tenant_id AND r.id = t.benchmark_run_id GROUP BY 1, 3
                   UNION ALL
                   SELECT skill_id, 'reviews', model, sum(cost_microcents) FROM skill_reviews GROUP BY 1, 3
                   UNION ALL
                   SELECT skill_id, 'drafts', model, sum(cost_microcents) FROM case_drafts GROUP BY 1, 3),
               kept AS (
                   SELECT skill_id, kind, CASE WHEN kind IN ('judging', 'examination') THEN '' ELSE model END AS model,
                          sum(spent_microcents) AS spent
                     FROM spend GROUP BY 1, 2, 3)
               SELECT skill_id, s.name AS skill, kind, model, coalesce(kept.spent, 0)::bigint AS kept_microcents,
                      coalesce(recounted.spent, 0)::bigint AS recounted_microcents
                 FROM recounted FULL JOIN kept USING (skill_id, kind, model)
                 JOIN skills s ON s.id = skill_id
                WHERE coalesce(kept.spent, 0) <> coalesce(recounted.spent, 0)
                ORDER BY skill, kind, model LIMIT %s""",
            (limit,),
        )
        return await cursor.fetchall()


async def unbalanced_months(connection: Connection) -> list[date]:
    """Months whose total is not what their rows add up to."""
    cursor = await connection.execute(
        """SELECT m.month FROM spend_months m
             LEFT JOIN (SELECT month, sum(spent_microcents) AS spent, sum(calls) AS calls,
                               sum(unknown_calls) AS unknown FROM spend GROUP BY 1) s USING (month)
            WHERE (m.spent_microcents, m.calls, m.unknown_calls)
                  IS DISTINCT FROM (coalesce(s.spent, 0), coalesce(s.calls, 0), coalesce(s.unknown, 0))
            ORDER BY month"""
    )
    return [row["month"] for row in await cursor.fetchall()]

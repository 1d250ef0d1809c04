"""What is spent by runs that were begun without anybody asking, against the budget of a month."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row

SCHEDULE = "schedule"


@dataclass(frozen=True)
class Allowance:
    """What may be run again of itself: dollars of a UTC month in microcents, None for nothing, and for which causes."""

    budget_microcents: int | None
    causes: list[str]


@dataclass(frozen=True)
class Spending:
    """This month's scheduled runs, in microcents: `spent` by those that ended, `held` for those under way."""

    spent_microcents: int
    held_microcents: int
    under_way: int


@dataclass(frozen=True)
class LatestRuns:
    """Of one skill: whether a run is under way, and when its last scheduled run ended other than whole, and how."""

    busy: bool
    failed_at: datetime | None
    failed_how: str | None


async def allowance(connection: Connection) -> Allowance:
    """What is set."""
    cursor = await connection.execute("SELECT rebenchmark_budget_microcents, rebenchmark_causes FROM tenants")
    row = await cursor.fetchone()
    if row is None:
        return Allowance(None, [])
    return Allowance(row["rebenchmark_budget_microcents"], cast("list[str]", row["rebenchmark_causes"]))


async def set_allowance(connection: Connection, budget_microcents: int | None, causes: Collection[str]) -> None:
    """Set it; None runs nothing again of itself."""
    await connection.execute(
        "UPDATE tenants SET rebenchmark_budget_microcents = %s, rebenchmark_causes = %s",
        (budget_microcents, list(causes)),
    )


async def lock_spending(connection: Connection, tenant_id: UUID) -> None:
    """Let no other process begin a scheduled run until this transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"scheduled runs:{tenant_id}",))


async def spending(connection: Connection, month: datetime) -> Spending:
    """What counts against the month that begins then. A run may yet spend all of its budget while it is under way; one
    that ran over the turn of a month counts in both."""
    async with connection.cursor(row_factory=record_row(Spending)) as cursor:
        await cursor.execute(
            """SELECT coalesce(sum(spent_microcents) FILTER (WHERE ended), 0)::bigint AS spent_microcents,
                      coalesce(sum(greatest(spent_microcents, budget_microcents)) FILTER (WHERE NOT ended), 0)::bigint
                          AS held_microcents,
                      (count(*) FILTER (WHERE NOT ended))::int AS under_way
                 FROM (SELECT spent_microcents, budget_microcents, status NOT IN ('pending', 'running') AS ended
                         FROM benchmark_runs
                        WHERE triggered_by = %(schedule)s
                          AND (created_at >= %(month)s OR completed_at >= %(month)s
                               OR status IN ('pending', 'running'))) r""",
            {"schedule": SCHEDULE, "month": month},
        )
        row = await cursor.fetchone()
    assert row is not None
    return row


async def latest_runs(connection: Connection, skill_id: UUID) -> LatestRuns:
    """What stands against beginning another run of the skill."""
    async with connection.cursor(row_factory=record_row(LatestRuns)) as cursor:
        await cursor.execute(
            """SELECT EXISTS (SELECT 1 FROM benchmark_runs
                               WHERE skill_id = %(skill)s AND status IN ('pending', 'running')) AS busy,
                      r.at AS failed_at, r.how AS failed_how
                 FROM (SELECT 1) one
                 LEFT JOIN LATERAL (SELECT coalesce(completed_at, created_at) AS at,
                                           coalesce(stop_cause, status) AS how,
                                           status = 'completed' AND NOT partial AS whole
                                      FROM benchmark_runs
                                     WHERE skill_id = %(skill)s AND triggered_by = %(schedule)s
                                       AND status NOT IN ('pending', 'running')
                                     ORDER BY created_at DESC, id LIMIT 1) r ON NOT r.whole""",
            {"skill": skill_id, "schedule": SCHEDULE},
        )
        row = await cursor.fetchone()
    assert row is not None
    return row

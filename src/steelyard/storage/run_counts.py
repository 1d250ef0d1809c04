"""A run's cells in numbers: planned, answered, judged, failed, missing; and how many answers wait for a grade."""

from __future__ import annotations

from uuid import UUID

from steelyard.domain.calls import FailureKind
from steelyard.domain.errors import NotFound
from steelyard.domain.runs import RunCounts
from steelyard.storage.database import Connection
from steelyard.storage.results import ENDED

ZERO_SCORING = [kind.value for kind in FailureKind if kind.scores_zero]


async def count(connection: Connection, run_id: UUID) -> tuple[RunCounts, int]:
    """The counts, and how many cells have come to an end (graded or failed)."""
    cursor = await connection.execute(
        f"""SELECT r.planned,
                  count(b.id) FILTER (WHERE b.state IN ('answered', 'judged'))::int AS answered,
                  count(b.id) FILTER (WHERE b.state = 'judged')::int AS judged,
                  count(b.id) FILTER (WHERE b.state = 'failed' AND b.failure_kind = ANY(%s))::int AS failed,
                  count(b.id) FILTER (WHERE b.reused_from IS NOT NULL)::int AS reused,
                  count(b.id) FILTER (WHERE {ENDED})::int AS ended
             FROM benchmark_runs r
             LEFT JOIN benchmark_results b ON b.tenant_id = r.tenant_id AND b.benchmark_run_id = r.id
            WHERE r.id = %s GROUP BY r.planned""".encode(),
        (ZERO_SCORING, run_id),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"No run {run_id}.")
    missing = max(0, row["planned"] - row["answered"] - row["failed"])
    counts = RunCounts(row["planned"], row["answered"], row["judged"], row["failed"], missing, row["reused"])
    return counts, row["ended"]


async def ungraded(connection: Connection, run_id: UUID) -> int:
    """How many answers are not graded because the judge failed or was not reached."""
    cursor = await connection.execute(
        """SELECT count(*)::int AS count FROM benchmark_results
            WHERE benchmark_run_id = %s AND state = 'answered' AND (graded_at IS NULL OR failure_kind IS NOT NULL)""",
        (run_id,),
    )
    row = await cursor.fetchone()
    return row["count"] if row else 0

"""How far a run is: its own row, its cells by model and arm, and when the last of them came to their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from steelyard.domain.errors import NotFound
from steelyard.storage.database import Connection
from steelyard.storage.runs import ZERO_SCORING

PACE_WINDOW_S = 180
PACE_CELLS = 200


@dataclass(frozen=True)
class RunHead:
    """The run's row without its verdict, and the database's clock. Money in microcents.

    `cells_per_lane` are the cells planned for each model in each arm.
    """

    id: UUID
    status: str
    stop_cause: str | None
    partial: bool
    planned: int
    spent_microcents: int
    judge_spent_microcents: int
    spent_is_lower_bound: bool
    budget_microcents: int | None
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    models: Sequence[str]
    arms: Sequence[str]
    cells_per_lane: int
    now: datetime
    signature: str


@dataclass(frozen=True)
class LaneCounts:
    """The stored cells of one model in one arm; `ungraded` are answers whose judge failed or was not reached."""

    model_name: str
    arm: str
    ended: int
    answered: int
    judged: int
    failed: int
    outages: int
    ungraded: int
    reused: int


async def signature(connection: Connection, run_id: UUID) -> str:
    """A text that differs once anything of the run was committed. Raises NotFound.

    Every commit of a cell also updates the run's row (its money), so the transaction that last wrote that row
    stands for all of them, and one look-up by primary key tells.
    """
    row = await (
        await connection.execute("SELECT xmin::text AS signature FROM benchmark_runs WHERE id = %s", (run_id,))
    ).fetchone()
    if row is None:
        raise NotFound(f"No run {run_id}.")
    return row["signature"]


async def run_head(connection: Connection, run_id: UUID) -> RunHead:
    """The run's row. Raises NotFound."""
    async with connection.cursor(row_factory=class_row(RunHead)) as cursor:
        await cursor.execute(
            """SELECT id, status, stop_cause, partial, planned, spent_microcents, judge_spent_microcents,
                      spent_is_lower_bound, budget_microcents, error_message, started_at, completed_at, created_at,
                      models, plan -> 'arms' AS arms,
                      jsonb_array_length(plan -> 'case_ids') * (plan ->> 'trials')::int AS cells_per_lane,
                      clock_timestamp() AS now, xmin::text AS signature
                 FROM benchmark_runs WHERE id = %s""",
            (run_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"No run {run_id}.", next_step="`steelyard runs list` shows those there are.")
    return row


async def lane_counts(connection: Connection, run_id: UUID) -> dict[tuple[str, str], LaneCounts]:
    """Stored cells by (model, arm); a lane without a row yet is left out."""
    async with connection.cursor(row_factory=class_row(LaneCounts)) as cursor:
        await cursor.execute(
            """SELECT model_name, arm,
                      count(*) FILTER (WHERE state = 'failed' OR graded_at IS NOT NULL)::int AS ended,
                      count(*) FILTER (WHERE state <> 'failed')::int AS answered,
                      count(*) FILTER (WHERE state = 'judged')::int AS judged,
                      count(*) FILTER (WHERE state = 'failed' AND failure_kind = ANY(%(zero)s))::int AS failed,
                      count(*) FILTER (WHERE state = 'failed' AND failure_kind <> ALL(%(zero)s))::int AS outages,
                      count(*) FILTER (WHERE state = 'answered'
                                         AND (graded_at IS NULL OR failure_kind IS NOT NULL))::int AS ungraded,
                      count(*) FILTER (WHERE reused_from IS NOT NULL)::int AS reused
                 FROM benchmark_results WHERE benchmark_run_id = %(run)s GROUP BY 1, 2""",
            {"run": run_id, "zero": ZERO_SCORING},
        )
        return {(row.model_name, row.arm): row for row in await cursor.fetchall()}


async def last_ends(connection: Connection, run_id: UUID) -> list[float]:
    """How many seconds ago the last cells came to their end, newest first, within the window of the pace."""
    cursor = await connection.execute(
        """SELECT extract(epoch FROM clock_timestamp() - ended_at)::float8 AS age_s
             FROM (SELECT greatest(created_at, graded_at) AS ended_at FROM benchmark_results
                    WHERE benchmark_run_id = %s AND (state = 'failed' OR graded_at IS NOT NULL)) ends
            WHERE ended_at > clock_timestamp() - make_interval(secs => %s)
            ORDER BY ended_at DESC LIMIT %s""",
        (run_id, PACE_WINDOW_S, PACE_CELLS),
    )
    return [row["age_s"] for row in await cursor.fetchall()]


async def dropped_settings(connection: Connection, run_id: UUID) -> dict[str, tuple[list[str], list[str]]]:
    """By model: settings that were asked for and not taken, and what was warned of; models without are left out."""
    cursor = await connection.execute(
        """SELECT DISTINCT ON (model_name) model_name, effective_settings -> 'dropped' AS dropped,
                  effective_settings -> 'warnings' AS warnings
             FROM benchmark_results
            WHERE benchmark_run_id = %s AND effective_settings ?| array['dropped', 'warnings']
            ORDER BY model_name""",
        (run_id,),
    )
    return {row["model_name"]: (row["dropped"] or [], row["warnings"] or []) for row in await cursor.fetchall()}

"""How far a run is: its own row, its cells by model and arm, and when the last of them came to their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from steelyard.domain.errors import NotFound
from steelyard.storage.database import Connection
from steelyard.storage.results import ENDED
from steelyard.storage.rows import record_row

PACE_WINDOW_S = 180
PACE_CELLS = 200


@dataclass(frozen=True)
class RunHead:
    """The run's row without its verdict, and the database's clock. Money in microcents.

    `cells_per_lane` are the cells planned for each model in each arm; a race may call for fewer. `left`: a worker left
    it, and none has taken it up since.
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
    judge: str | None
    arms: Sequence[str]
    cells_per_lane: int
    now: datetime
    signature: str
    race: Mapping[str, Any] | None = None
    examining: Mapping[str, Any] | None = None
    examination: Mapping[str, Any] | None = None
    accept_judge: bool = False
    jury: Sequence[Mapping[str, Any]] | None = None
    left: bool = False


@dataclass(frozen=True)
class CellGroup:
    """The stored cells of one model, arm, state and kind of failure (None without).

    `message` is one of their errors, `settings` the effective ones of one that names dropped settings or warnings; both
    are None where details were not asked for.
    """

    model_name: str
    arm: str
    state: str
    failure_kind: str | None
    cells: int
    ended: int
    reused: int
    message: str | None
    settings: Mapping[str, Any] | None


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
    async with connection.cursor(row_factory=record_row(RunHead)) as cursor:
        await cursor.execute(
            """SELECT id, status, stop_cause, partial, planned, spent_microcents, judge_spent_microcents,
                      spent_is_lower_bound, budget_microcents, error_message, started_at, completed_at, created_at,
                      models, plan ->> 'judge' AS judge, plan -> 'arms' AS arms,
                      jsonb_array_length(plan -> 'case_ids') * (plan ->> 'trials')::int AS cells_per_lane,
                      clock_timestamp() AS now, xmin::text AS signature, race,
                      examining, examination, accept_judge, plan -> 'jury' AS jury,
                      left_why IS NOT NULL AS left
                 FROM benchmark_runs WHERE id = %s""",
            (run_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"No run {run_id}.", next_step="`steelyard runs list` shows those there are.")
    return row


async def cell_groups(connection: Connection, run_id: UUID, *, details: bool) -> list[CellGroup]:
    """All of a run's stored cells in one pass, ordered by model, arm, state and kind."""
    about = (
        """min(error_message) AS message, (max(effective_settings::text)
               FILTER (WHERE effective_settings ?| array['dropped', 'warnings']))::jsonb AS settings"""
        if details
        else "NULL AS message, NULL AS settings"
    )
    async with connection.cursor(row_factory=record_row(CellGroup)) as cursor:
        await cursor.execute(
            f"""SELECT model_name, arm, state, failure_kind, count(*)::int AS cells,
                       count(*) FILTER (WHERE {ENDED})::int AS ended, count(reused_from)::int AS reused, {about}
                  FROM benchmark_results WHERE benchmark_run_id = %s
                 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""".encode(),
            (run_id,),
        )
        return await cursor.fetchall()


async def last_ends(connection: Connection, run_id: UUID) -> list[float]:
    """How many seconds ago the last cells came to their end, newest first, within the window of the pace."""
    cursor = await connection.execute(
        f"""SELECT extract(epoch FROM clock_timestamp() - ended_at)::float8 AS age_s
              FROM (SELECT greatest(created_at, graded_at) AS ended_at FROM benchmark_results
                     WHERE benchmark_run_id = %s AND {ENDED}) ends
             WHERE ended_at > clock_timestamp() - make_interval(secs => %s)
             ORDER BY ended_at DESC LIMIT %s""".encode(),
        (run_id, PACE_WINDOW_S, PACE_CELLS),
    )
    return [row["age_s"] for row in await cursor.fetchall()]

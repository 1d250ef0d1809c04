"""A race's turns: once the cells of a round have ended it looks, keeps how it stands and queues the next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from steelyard.domain.races import RaceStanding
from steelyard.domain.runs import RunStatus
from steelyard.execution.outcome import cases_digest, comparison_digest
from steelyard.execution.plan import BATCH, Plan
from steelyard.execution.rounds import jobs_of_round, standing_of
from steelyard.execution.scores import came_to_a_count, clusters_of, race_by_cells
from steelyard.statistics import Race, alpha_for_look
from steelyard.storage import looks, run_counts, runs
from steelyard.storage.cases import cases_by_id
from steelyard.storage.database import Connection
from steelyard.storage.figures import CellFigures, run_figures
from steelyard.storage.queue import defer_within


async def take_turn(connection: Connection, tenant_id: UUID, run: runs.RunRow) -> None:
    """Look once the round is over, drop who is shown not to be the best, and queue the round that follows.

    The caller has the run locked by `lock_run`, so that of several workers one looks, and what it found, the jobs that
    follow and the end of the run are committed together or not at all.
    """
    plan = Plan.from_json(run.plan)
    _, ended = await run_counts.count(connection, run.id)
    known = None if run.race is None else RaceStanding.from_json(run.race)
    if known is not None and (ended < known.due or (known.done and run.status == RunStatus.COMPLETED)):
        return
    race = await _stand(connection, tenant_id, run, plan, take_look=True)
    if not race.done and run.status in (RunStatus.PENDING, RunStatus.RUNNING):
        await defer_within(connection, tenant_id, run.id, _jobs(plan, race))


async def open_race(connection: Connection, tenant_id: UUID, run_id: UUID) -> None:
    """Queue the round a race stands at, new or taken up again; of one at its end the last, for somebody to conclude it.

    The caller has the run locked, or has just made it.
    """
    run = await runs.get_run(connection, run_id)
    plan = Plan.from_json(run.plan)
    race = await _stand(connection, tenant_id, run, plan, take_look=False)
    await defer_within(connection, tenant_id, run.id, _jobs(plan, race))


async def _stand(connection: Connection, tenant_id: UUID, run: runs.RunRow, plan: Plan, *, take_look: bool) -> Race:
    """The race by the stored cells; how it stands is kept on the run's row, for pages to show."""
    figures = await run_figures(connection, run.id)
    cases = await cases_by_id(connection, plan.case_ids)
    look = 1
    if run.of_record:
        seen = run.skill_version_id, comparison_digest(plan), cases_digest(plan, figures)
        look = await (looks.take(connection, tenant_id, *seen) if take_look else looks.next_look(connection, *seen))
    clusters = clusters_of([cases[case_id].family for case_id in plan.case_ids])
    # Of 200,000 cells that is seconds, in which others are answered.
    race = await asyncio.to_thread(race_by_cells, plan, figures, clusters, alpha_for_look(look))
    standing = standing_of(plan, race)
    beside = _beside(race, standing, figures)
    await runs.keep_race(
        connection,
        run.id,
        replace(standing, due=standing.due + beside).to_json(),
        planned=plan.planned - standing.cells_not_called + beside,
    )
    return race


def _jobs(plan: Plan, race: Race) -> list[tuple[int, int]]:
    over = race.ends.index(race.n) + 1 if race.n else 0
    number = max(0, over - 1) if race.done else over
    return jobs_of_round(plan, number, race.survivors or range(race.n_models), BATCH)


def _beside(race: Race, standing: RaceStanding, figures: Sequence[CellFigures]) -> int:
    """How many cells have ended with an answer although the race, as it stands now, did not call for them.

    An outage that was made good may drop a model earlier than it was dropped at first; what it has run stays.
    """
    place = {case: number for number, case in enumerate(race.order)}
    return sum(
        cell.ended and came_to_a_count(cell) and place[cell.test_case_index] >= standing.cases_of(cell.model_name)
        for cell in figures
    )

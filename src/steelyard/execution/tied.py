"""The tied set of a run's verdict, and what its models answered, as a tie-break compares it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from steelyard.domain.runs import RunStatus
from steelyard.execution.plan import Plan
from steelyard.execution.scores import compared_arm
from steelyard.execution.ties import TieMeetings, meetings_of
from steelyard.storage.cases import cases_by_id
from steelyard.storage.database import Connection
from steelyard.storage.pair_comparisons import tied_answers
from steelyard.storage.runs import RunRow


def tied_models(run: RunRow) -> tuple[str, ...]:
    """The models the run's verdict says are tied, in its order; empty where it has no verdict or another one."""
    if run.verdict is None or run.status in (RunStatus.PENDING, RunStatus.RUNNING):
        return ()
    statistics = run.verdict["statistics"]
    if statistics["kind"] != "tied":
        return ()
    return tuple(run.verdict["models"][index] for index in statistics["tied"])


async def read_meetings(connection: Connection, run: RunRow, models: Sequence[str]) -> TieMeetings:
    """All that is compared of these models: their answers in the verdict's arm, on cases both of a pair answered."""
    plan = Plan.from_json(run.plan)
    answers = await tied_answers(connection, run.id, compared_arm(plan).value, models)
    cases = await cases_by_id(connection, plan.case_ids)
    golden = [cases[case_id] for case_id in plan.case_ids]
    # What says who wrote an output is looked for in each of them, which takes its time.
    return await asyncio.to_thread(meetings_of, models, golden, plan.rubric, answers)

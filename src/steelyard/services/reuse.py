"""Which cells of a request are paid for already, and which of them a judge has yet to be asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.execution.context import grading_digest
from steelyard.execution.plan import CellGrid, Plan
from steelyard.storage import results
from steelyard.storage.database import Connection

if TYPE_CHECKING:
    from steelyard.services.benchmarks import RunRequest


@dataclass(frozen=True)
class Reuse:
    """By model, how many of its cells have an answer that is used again; and how many cells a judge is to grade: those
    that are called for, and those answered but not yet graded as they are to be now.
    """

    paid: Sequence[int]
    to_judge: int


async def count_reuse(connection: Connection, request: RunRequest, plan: Plan) -> Reuse:
    """As a run of this plan would find it."""
    cells = CellGrid(plan, request.cases, request.content.prompt).all()
    gradings = [grading_digest(case, plan) for case in request.cases]
    settled: dict[str, bool] = {}
    if not request.fresh:
        wanted = [(cell.digest, gradings[cell.case_index]) for cell in cells]
        settled = await results.settled_cells(connection, wanted)
    paid = [0] * len(plan.models)
    to_judge = 0
    for cell in cells:
        paid[cell.model_index] += cell.digest in settled
        judged = plan.judge is not None and request.cases[cell.case_index].needs_judge
        to_judge += judged and not settled.get(cell.digest, False)
    return Reuse(paid, to_judge)

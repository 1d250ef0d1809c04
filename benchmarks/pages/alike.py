"""Runs like the real ones of the small tenant: some of their models and cases, the qualities moved a little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from steelyard.domain.runs import Arm
from steelyard.execution.outcome import Outcome, work_out
from steelyard.execution.plan import Plan
from steelyard.storage import runs
from steelyard.storage.cases import cases_by_id
from steelyard.storage.database import Connection
from steelyard.storage.figures import CellFigures, run_figures

CASES, MODELS = 20, 5


@dataclass(frozen=True)
class Base:
    """A run of the small tenant that others are made like: its cells in the compared arm, by row id."""

    run: runs.RunRow
    plan: Plan
    families: Sequence[str | None]
    cells: Sequence[tuple[UUID, CellFigures]]


async def bases_of(connection: Connection, skill_id: UUID) -> list[Base]:
    """The runs of record with enough cases and models, their cells with the skill alone."""
    found: list[Base] = []
    for run in await runs.list_runs(connection, skill_id=skill_id, limit=100):
        plan = Plan.from_json(run.plan)
        if not run.of_record or len(plan.case_ids) < CASES or len(plan.models) < MODELS:
            continue
        figures = await run_figures(connection, run.id)
        cursor = await connection.execute(
            """SELECT id FROM benchmark_results WHERE benchmark_run_id = %s
                ORDER BY model_name, arm, test_case_index, trial""",
            (run.id,),
        )
        ids = [row["id"] for row in await cursor.fetchall()]
        kept = [pair for pair in zip(ids, figures, strict=True) if pair[1].arm == Arm.WITH_SKILL]
        cases = await cases_by_id(connection, plan.case_ids)
        found.append(Base(run, plan, [cases[case_id].family for case_id in plan.case_ids], kept))
    return found


def vary(
    base: Base, models: Sequence[str], dice: np.random.Generator
) -> tuple[Plan, Outcome, list[tuple[UUID, CellFigures]]]:
    """A run like this one: some of its models and cases, its qualities moved a little, its outcome worked out."""
    places = [base.plan.models.index(model) for model in models]
    plan = replace(
        base.plan,
        models=tuple(models),
        identities=tuple(base.plan.identities[place] for place in places),
        case_ids=base.plan.case_ids[:CASES],
        arms=(Arm.WITH_SKILL,),
    )
    cells = [
        (row_id, _moved(cell, dice))
        for row_id, cell in base.cells
        if cell.model_name in models and cell.test_case_index < CASES
    ]
    look = int(dice.integers(1, 3))
    return plan, work_out(plan, base.families[:CASES], [cell for _, cell in cells], look=look), cells


def _moved(cell: CellFigures, dice: np.random.Generator) -> CellFigures:
    if cell.quality_score is None:
        return cell
    quality = float(np.clip(cell.quality_score + dice.choice([0, 0, 0, -20, -4, 4]), 0, 100))
    latency = None if cell.latency_ms is None else cell.latency_ms * float(dice.uniform(0.7, 1.4))
    return replace(cell, quality_score=quality, passed=quality >= 80, latency_ms=latency)

"""From stored cells to scores: a cell's, a case's over its trials, the table of cases by models. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from steelyard.domain.calls import FailureKind
from steelyard.domain.runs import Arm, CellState
from steelyard.execution.plan import Plan
from steelyard.execution.rounds import replayed
from steelyard.storage.figures import CellFigures

if TYPE_CHECKING:
    from steelyard.statistics import Race


def compared_arm(plan: Plan) -> Arm:
    """The arm the models are compared in: with the skill wherever it was run."""
    return Arm.WITH_SKILL if Arm.WITH_SKILL in plan.arms else plan.arms[0]


def score(cell: CellFigures) -> float | None:
    """A cell's quality: a failure of the model's own is 0, anything else without a grade is missing."""
    if cell.state == CellState.FAILED:
        own = cell.failure_kind is not None and FailureKind(cell.failure_kind).scores_zero
        return 0.0 if own else None
    return cell.quality_score


def came_to_a_count(cell: CellFigures) -> bool:
    """Whether the cell has an answer, or a failure of the model's own in place of one: it is not missing."""
    return cell.state != CellState.FAILED or score(cell) is not None


def case_means(cells: Sequence[CellFigures], n_cases: int) -> list[float]:
    """Each case's mean quality over its trials; NaN where no trial has one."""
    by_case: dict[int, list[float]] = defaultdict(list)
    for cell in cells:
        quality = score(cell)
        if quality is not None:
            by_case[cell.test_case_index].append(quality)
    return [math.fsum(by_case[i]) / len(by_case[i]) if by_case.get(i) else math.nan for i in range(n_cases)]


def by_lane(figures: Sequence[CellFigures]) -> dict[tuple[str, str], list[CellFigures]]:
    """The cells of each (model, arm)."""
    cells: dict[tuple[str, str], list[CellFigures]] = defaultdict(list)
    for cell in figures:
        cells[cell.model_name, cell.arm].append(cell)
    return cells


def score_table(plan: Plan, cells: Mapping[tuple[str, str], Sequence[CellFigures]]) -> list[list[float]]:
    """(n_cases, n_models) means over trials in the compared arm; NaN where there is none."""
    arm, n_cases = compared_arm(plan).value, len(plan.case_ids)
    columns = [case_means(cells.get((model, arm), ()), n_cases) for model in plan.models]
    return [[column[case] for column in columns] for case in range(n_cases)]


def race_by_cells(plan: Plan, figures: Sequence[CellFigures], clusters: Sequence[str] | None, alpha: float) -> Race:
    """The plan's race as the stored cells leave it, at this share of the error."""
    over = Counter((cell.test_case_index, cell.model_name) for cell in figures if cell.ended)
    each = len(plan.arms) * plan.trials
    places = {model: index for index, model in enumerate(plan.models)}
    ended = {(case, places[model]) for (case, model), count in over.items() if count == each}
    return replayed(plan, score_table(plan, by_lane(figures)), ended, alpha=alpha, clusters=clusters)


def clusters_of(families: Sequence[str | None]) -> list[str] | None:
    """One label per case; None when no two cases share a family."""
    named = [family for family in families if family is not None]
    if len(set(named)) == len(named):
        return None
    return [f"case {index}" if family is None else f"family {family}" for index, family in enumerate(families)]

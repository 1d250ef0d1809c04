"""What is said of a verdict beyond it, worked out once as the run ends: gaps at once, length, the next claim."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from steelyard.domain.runs import Arm
from steelyard.execution.outcome import Outcome, cost_of_cases
from steelyard.execution.plan import Plan
from steelyard.execution.scores import by_lane, clusters_of, score_table
from steelyard.execution.sitting import sit
from steelyard.statistics import AdjustedGap, LengthEffect, SimultaneousGap, gaps_to_leader, length_effect, next_claim
from steelyard.storage.cases import cases_by_id
from steelyard.storage.database import Connection
from steelyard.storage.figures import (
    AnswerLength,
    CellFigures,
    JurorGrade,
    answer_lengths,
    juror_grades,
    run_figures,
)
from steelyard.storage.runs import RunRow

DETAIL_VERSION = "detail/1"
# A race compares models of different numbers of cases, so that these figures would not be of its verdict.
_METHODS = ("decide/",)


@dataclass(frozen=True)
class NextStep:
    """What the next claim takes: `claim` as in `NextClaim`, and what a person would pay for the cases in microcents."""

    claim: str
    more_cases: int | None
    more_cost_microcents: int | None


@dataclass(frozen=True)
class Detail:
    """Figures behind a verdict; indices are those of the verdict's models.

    `gaps`: the leader's, with intervals that hold all at once. `length` is None where no judge graded. `characters`:
    mean length of each model's answers in the compared arm, None without any.
    """

    gaps: tuple[SimultaneousGap, ...]
    length: LengthEffect | None
    characters: tuple[float | None, ...]
    next: NextStep

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `detail_from_json` gives an equal value back."""
        return {"version": DETAIL_VERSION} | asdict(self)


def detail_from_json(data: Mapping[str, Any] | None) -> Detail | None:
    """A stored detail; None for a run that ended before there was any, or with figures worked out in another way."""
    if data is None or data.get("version") != DETAIL_VERSION:
        return None
    length = data["length"]
    return Detail(
        gaps=tuple(SimultaneousGap(**gap) for gap in data["gaps"]),
        length=None if length is None else _length_from_json(length),
        characters=tuple(data["characters"]),
        next=NextStep(**data["next"]),
    )


async def detail_of(connection: Connection, run: RunRow, outcome: Outcome) -> Detail | None:
    """The detail of an outcome of these very cells; None of a verdict that it could not be told for."""
    if not outcome.verdict.method.startswith(_METHODS):
        return None
    plan = Plan.from_json(run.plan)
    cases = await cases_by_id(connection, plan.case_ids)
    families = [cases[case_id].family for case_id in plan.case_ids]
    figures = await run_figures(connection, run.id)
    grades = await juror_grades(connection, run.id) if plan.jury else ()
    lengths = await answer_lengths(connection, run.id, Arm(outcome.arm))
    # Of 200,000 cells that is seconds, in which others are answered.
    return await asyncio.to_thread(work_out_detail, plan, families, figures, lengths, outcome, grades)


def work_out_detail(
    plan: Plan,
    families: Sequence[str | None],
    figures: Sequence[CellFigures],
    lengths: Sequence[AnswerLength],
    outcome: Outcome,
    grades: Sequence[JurorGrade] = (),
) -> Detail:
    """Pure: the same rows give the same detail. `families` has one entry per case; `lengths`: of the compared arm."""
    if plan.jury:
        sitting = sit(plan, figures, grades, clusters_of(families))
        figures = sitting.counted or sitting.everyone
    cells = by_lane(figures)
    n_cases, clusters, verdict = len(plan.case_ids), clusters_of(families), outcome.verdict
    scores = score_table(plan, cells)
    texts = [_mean_lengths(model, lengths, n_cases) for model in plan.models]
    length = None
    if plan.judge is not None:
        length = length_effect(scores, [[text[case] for text in texts] for case in range(n_cases)], verdict, clusters)
    step = next_claim(verdict)
    if verdict.kind == "not_enough":
        cost = verdict.more_cost_microcents
    else:
        cost = cost_of_cases(step.more_cases, plan, outcome.summaries, cells)
    return Detail(
        gaps=gaps_to_leader(scores, verdict, clusters),
        length=length,
        characters=tuple(_mean([value for value in text if not math.isnan(value)]) for text in texts),
        next=NextStep(step.claim, step.more_cases, cost),
    )


def _mean_lengths(model: str, lengths: Sequence[AnswerLength], n_cases: int) -> list[float]:
    """Each case's mean length over the trials that have a text; NaN where none has."""
    by_case: dict[int, list[int]] = defaultdict(list)
    for one in lengths:
        if one.model_name == model:
            by_case[one.test_case_index].append(one.characters)
    return [sum(by_case[case]) / len(by_case[case]) if by_case.get(case) else math.nan for case in range(n_cases)]


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _length_from_json(data: Mapping[str, Any]) -> LengthEffect:
    values = dict(data)
    values["adjusted"] = tuple(data["adjusted"])
    values["gaps"] = tuple(AdjustedGap(**gap) for gap in data["gaps"])
    values["dead"] = tuple(data["dead"])
    return LengthEffect(**values)

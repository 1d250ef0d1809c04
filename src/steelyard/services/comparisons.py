"""Two runs of one skill side by side: what changed, by how much the quality did, which cases flipped, and the cost."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.domain.cases import GoldenCase
from steelyard.domain.errors import InputError
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm, CellState
from steelyard.execution.plan import Plan
from steelyard.execution.scores import case_means, score
from steelyard.pricing import Cost
from steelyard.services.case_pairs import CasePairs, PlannedCase, pair_cases
from steelyard.services.comparison_notes import gradings_of, notes_on, why_not
from steelyard.services.cost_change import CostChange, PricedCall, cost_change, sum_of
from steelyard.services.run_changes import CaseName, Side, WhatChanged, case_name, what_changed
from steelyard.statistics import lift
from steelyard.storage import comparison, runs
from steelyard.storage.cases import cases_by_id
from steelyard.storage.comparison import ComparedCell
from steelyard.storage.database import Database
from steelyard.storage.runs import RunRow

Pricer = Callable[[Usage, ModelRef, date], Cost | None]

_MOST_KEPT = 32


@dataclass(frozen=True)
class Difference:
    """Second run minus first on `n` cases, in points of quality, with its two-sided 95% interval and p.

    `test` names the test, that of the verdicts: paired t, cluster-robust where cases share a family, exact where few
    differ. `same_answers` of `answers` pairs of cells are one and the same answer, taken over from run to run: they
    cannot differ. Figures are None without a case.
    """

    n: int
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    test: str | None
    answers: int
    same_answers: int


@dataclass(frozen=True)
class Flip:
    """A case a model passes in one of the two runs only; it was graded the same way in both."""

    model: str
    case: CaseName
    now_passes: bool
    quality_before: float | None
    quality_after: float | None


@dataclass(frozen=True)
class ModelChange:
    """One model in both runs. `quality` is None where scores cannot be compared; `cost` is of the same cases."""

    model: str
    quality: Difference | None
    cost: CostChange


@dataclass(frozen=True)
class RunComparison:
    """`refusal` says why the qualities are not compared at all, `notes` what to bear in mind otherwise.

    `comparable` of the cases in both runs were graded the same way in both (what is asked, who judges, by which rubric
    and threshold). `cost` adds up the models' changes.
    """

    first: RunRow
    second: RunRow
    arm: str | None
    changes: WhatChanged
    comparable: int
    refusal: str | None
    notes: tuple[str, ...]
    overall: Difference | None
    cost: CostChange
    models: tuple[ModelChange, ...]
    flips: tuple[Flip, ...]


class Comparisons:
    """Compares runs, for one tenant at a time, and keeps the comparisons of ended runs asked for last."""

    def __init__(self, database: Database, price: Pricer) -> None:
        self._database = database
        self._price = price
        self._kept: OrderedDict[tuple[object, ...], RunComparison] = OrderedDict()

    async def compare(self, tenant_id: UUID, first_id: UUID, second_id: UUID) -> RunComparison:
        """The second run against the first. Raises NotFound, and InputError for runs of two skills or one and the same.

        Costs are priced anew for the days they were stored with, which takes some 60 µs a call where prices differ: it
        is done in a thread.
        """
        async with self._database.tenant(tenant_id) as connection:
            first, second = await runs.get_run(connection, first_id), await runs.get_run(connection, second_id)
            if first.id == second.id:
                raise InputError("These are one and the same run.", next_step="Choose another run to compare with.")
            if first.skill_id != second.skill_id:
                raise InputError(
                    f"These are runs of two skills, {first.skill_name} and {second.skill_name}.",
                    next_step="Choose two runs of one skill.",
                )
            # A run that is taken up again has no end until it has another one.
            key = (tenant_id, first.id, first.completed_at, second.id, second.completed_at)
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            plans = Plan.from_json(first.plan), Plan.from_json(second.plan)
            arm = _common_arm(*plans)
            ids = {*plans[0].case_ids, *plans[1].case_ids}
            cases = await cases_by_id(connection, list(ids))
            cells = [
                [] if arm is None else await comparison.compared_cells(connection, run_id, arm)
                for run_id in (first_id, second_id)
            ]
        sides = [
            Side(run, plan, _planned(plan, cases), _by_model(found))
            for run, plan, found in zip((first, second), plans, cells, strict=True)
        ]
        found = await asyncio.to_thread(compare_sides, sides[0], sides[1], arm, self._price)
        if first.completed_at is not None and second.completed_at is not None:
            self._kept[key] = found
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found


def compare_sides(first: Side, second: Side, arm: str | None, price: Pricer) -> RunComparison:
    """The comparison from what is stored. Pure."""
    pairs = pair_cases(first.cases, second.cases)
    changes = what_changed(first, second, pairs)
    graded_alike = _graded_alike(first, second, pairs)
    refusal = why_not(changes, arm, pairs, graded_alike)
    families = _families(graded_alike)
    models: list[ModelChange] = []
    flips: list[Flip] = []
    columns: list[tuple[list[float], list[float]]] = []
    answers = same_answers = 0
    for model in changes.models_common:
        before, after = first.cells.get(model, ()), second.cells.get(model, ())
        difference: Difference | None = None
        if refusal is None:
            means = _means(before, after, graded_alike, first, second)
            alike = _alike(before, after, graded_alike)
            columns.append(means)
            answers, same_answers = answers + alike[0], same_answers + alike[1]
            difference = _difference(*means, families, alike)
            flips += _flips(model, before, after, graded_alike, means)
        models.append(ModelChange(model, difference, _cost(model, before, after, pairs, price)))
    overall = None
    if columns:
        overall = _difference(*_overall(columns), families, (answers, same_answers))
    return RunComparison(
        first=first.run,
        second=second.run,
        arm=arm,
        changes=changes,
        comparable=len(graded_alike),
        refusal=refusal,
        notes=() if refusal else notes_on(changes, pairs, graded_alike, first, second),
        overall=overall,
        cost=sum_of([model.cost for model in models]),
        models=tuple(models),
        flips=tuple(flips),
    )


def _common_arm(first: Plan, second: Plan) -> str | None:
    """The arm to compare in: with the skill where both runs have it."""
    if Arm.WITH_SKILL in first.arms and Arm.WITH_SKILL in second.arms:
        return Arm.WITH_SKILL.value
    common = [arm for arm in first.arms if arm in second.arms]
    return common[0].value if common else None


def _planned(plan: Plan, cases: Mapping[UUID, GoldenCase]) -> list[PlannedCase]:
    return [PlannedCase(index, case_id, cases[case_id]) for index, case_id in enumerate(plan.case_ids)]


def _by_model(cells: Sequence[ComparedCell]) -> dict[str, list[ComparedCell]]:
    grouped: dict[str, list[ComparedCell]] = defaultdict(list)
    for cell in cells:
        grouped[cell.model_name].append(cell)
    return grouped


def _graded_alike(first: Side, second: Side, pairs: CasePairs) -> list[tuple[PlannedCase, PlannedCase]]:
    """The cases in both runs all of whose cells were graded the same way."""
    before, after = gradings_of(first), gradings_of(second)
    return [
        (one, other)
        for one, other in pairs.same
        if len(before[one.index]) == 1 and before[one.index] == after[other.index]
    ]


def _families(pairs: Sequence[tuple[PlannedCase, PlannedCase]]) -> list[str | None]:
    """One label per pair of cases, the second run's; None is a family of its own."""
    return [other.case.family for _, other in pairs]


def _means(
    before: Sequence[ComparedCell],
    after: Sequence[ComparedCell],
    pairs: Sequence[tuple[PlannedCase, PlannedCase]],
    first: Side,
    second: Side,
) -> tuple[list[float], list[float]]:
    """Mean qualities of each pair of cases over its trials, NaN in both where either has none."""
    old, new = case_means(before, len(first.cases)), case_means(after, len(second.cases))
    means = [(old[one.index], new[other.index]) for one, other in pairs]
    kept = [(math.nan, math.nan) if math.isnan(a + b) else (a, b) for a, b in means]
    return [a for a, _ in kept], [b for _, b in kept]


def _overall(columns: Sequence[tuple[list[float], list[float]]]) -> tuple[list[float], list[float]]:
    """Each case's mean over the models that have it in both runs."""

    def mean(values: Sequence[float]) -> float:
        known = [value for value in values if not math.isnan(value)]
        return math.fsum(known) / len(known) if known else math.nan

    before = [mean(values) for values in zip(*(old for old, _ in columns), strict=True)]
    after = [mean(values) for values in zip(*(new for _, new in columns), strict=True)]
    return before, after


def _difference(
    before: Sequence[float], after: Sequence[float], families: Sequence[str | None], alike: tuple[int, int]
) -> Difference:
    found = lift(after, before, families)
    old, new = ([value for value in side if not math.isnan(value)] for side in (before, after))
    return Difference(
        n=found.n,
        before=math.fsum(old) / len(old) if old else None,
        after=math.fsum(new) / len(new) if new else None,
        difference=found.mean,
        low=found.low,
        high=found.high,
        p=found.p,
        test=found.test,
        answers=alike[0],
        same_answers=alike[1],
    )


def _alike(
    before: Sequence[ComparedCell],
    after: Sequence[ComparedCell],
    pairs: Sequence[tuple[PlannedCase, PlannedCase]],
) -> tuple[int, int]:
    """(pairs of answers, those that are one and the same answer)."""
    matched = [(a, b) for a, b in _cell_pairs(before, after, pairs) if score(a) is not None and score(b) is not None]
    # A taken-over answer has its latency to the last digit.
    same = sum(
        a.cell_digest == b.cell_digest and (a.reused or b.reused) and a.latency_ms == b.latency_ms for a, b in matched
    )
    return len(matched), same


def _cell_pairs(
    before: Sequence[ComparedCell],
    after: Sequence[ComparedCell],
    pairs: Sequence[tuple[PlannedCase, PlannedCase]],
) -> list[tuple[ComparedCell, ComparedCell]]:
    """The cells of the same case and trial in both runs."""
    old = {(cell.test_case_index, cell.trial): cell for cell in before}
    place = {other.index: one.index for one, other in pairs}
    found: list[tuple[ComparedCell, ComparedCell]] = []
    for cell in after:
        index = place.get(cell.test_case_index)
        match = None if index is None else old.get((index, cell.trial))
        if match is not None:
            found.append((match, cell))
    return found


def _flips(
    model: str,
    before: Sequence[ComparedCell],
    after: Sequence[ComparedCell],
    pairs: Sequence[tuple[PlannedCase, PlannedCase]],
    means: tuple[Sequence[float], Sequence[float]],
) -> list[Flip]:
    old, new = _passes(before), _passes(after)
    flips: list[Flip] = []
    for (one, other), a, b in zip(pairs, *means, strict=True):
        was, now = old.get(one.index), new.get(other.index)
        if was is None or now is None or was == now:
            continue
        known = not math.isnan(a)
        flips.append(Flip(model, case_name(one, other), now, a if known else None, b if known else None))
    return flips


def _passes(cells: Sequence[ComparedCell]) -> dict[int, bool]:
    """Whether each case passes: more than half of its trials that can be told do."""
    trials: dict[int, list[bool]] = defaultdict(list)
    for cell in cells:
        passed = False if cell.state == CellState.FAILED and score(cell) is not None else cell.passed
        if passed is not None:
            trials[cell.test_case_index].append(passed)
    return {index: 2 * sum(told) > len(told) for index, told in trials.items()}


def _cost(
    model: str, before: Sequence[ComparedCell], after: Sequence[ComparedCell], pairs: CasePairs, price: Pricer
) -> CostChange:
    ref = ModelRef.parse(model)

    def price_on(usage: Usage, day: date) -> int | None:
        found = price(usage, ref, day)
        return None if found is None else found.microcents

    paid = [
        (_priced(one), _priced(other))
        for one, other in _cell_pairs(before, after, pairs.same)
        if one.came_back and other.came_back
    ]
    return cost_change(paid, price_on)


def _priced(cell: ComparedCell) -> PricedCall:
    usage = Usage(
        cell.input_tokens or 0,
        cell.output_tokens or 0,
        cell.cache_read_tokens or 0,
        cell.cache_write_tokens or 0,
        cell.reasoning_tokens or 0,
    )
    return PricedCall(usage, cell.estimated_cost_microcents, cell.price_version, cell.price_date)

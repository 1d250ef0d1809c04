"""How the agreements of two runs of one skill differ: version, models, cases, judge, settings and prices. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from steelyard.execution.plan import Plan
from steelyard.services.case_pairs import CasePairs, PlannedCase
from steelyard.services.run_matrix import first_line
from steelyard.storage.comparison import ComparedCell
from steelyard.storage.runs import RunRow

T = TypeVar("T")


@dataclass(frozen=True)
class Change(Generic[T]):
    """One thing in the first run and in the second."""

    before: T
    after: T

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class CaseName:
    """A case by its key; an index is None in the run that does not have it."""

    key: str
    title: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class PricesSeen:
    """The prices a model's calls were stored with: versions of the source, and the days they were of."""

    versions: tuple[str, ...]
    dates: tuple[date, ...]


@dataclass(frozen=True)
class WhatChanged:
    """How the two runs' agreements differ. `identities` are what really answers under a model's name (the address of
    one's own server, a local model's weights), of models in both runs; `prices` likewise.
    """

    skill_version: Change[str]
    models_added: tuple[str, ...]
    models_removed: tuple[str, ...]
    models_common: tuple[str, ...]
    identities: Mapping[str, Change[str]]
    cases_same: int
    cases_added: tuple[CaseName, ...]
    cases_removed: tuple[CaseName, ...]
    cases_changed: tuple[CaseName, ...]
    judge: Change[str | None]
    judge_digest: Change[str | None]
    rubric: Change[tuple[str, ...]]
    arms: Change[tuple[str, ...]]
    trials: Change[int]
    race: Change[str | None]
    max_tokens: Change[int]
    threshold: Change[float]
    margin: Change[float]
    prices: Mapping[str, Change[PricesSeen]]


@dataclass(frozen=True)
class Side:
    """One run with its cases in order and its cells by model."""

    run: RunRow
    plan: Plan
    cases: Sequence[PlannedCase]
    cells: Mapping[str, Sequence[ComparedCell]]


def what_changed(first: Side, second: Side, pairs: CasePairs) -> WhatChanged:
    """The first run's agreement against the second's."""
    one, other = first.plan, second.plan
    common = tuple(model for model in other.models if model in one.models)
    named = dict(zip(one.models, one.identities, strict=True)), dict(zip(other.models, other.identities, strict=True))
    return WhatChanged(
        skill_version=Change(one.skill_digest, other.skill_digest),
        models_added=tuple(model for model in other.models if model not in one.models),
        models_removed=tuple(model for model in one.models if model not in other.models),
        models_common=common,
        identities={model: Change(named[0][model], named[1][model]) for model in common},
        cases_same=len(pairs.same),
        cases_added=tuple(case_name(None, case) for case in pairs.added),
        cases_removed=tuple(case_name(case, None) for case in pairs.removed),
        cases_changed=tuple(case_name(*pair) for pair in pairs.changed),
        judge=Change(one.judge, other.judge),
        judge_digest=Change(one.judge_digest, other.judge_digest),
        rubric=Change(one.rubric, other.rubric),
        arms=Change(_arms(one), _arms(other)),
        trials=Change(one.trials, other.trials),
        race=Change(one.race, other.race),
        max_tokens=Change(one.max_tokens, other.max_tokens),
        threshold=Change(one.threshold, other.threshold),
        margin=Change(one.margin, other.margin),
        prices={
            model: Change(_prices(first.cells.get(model, ())), _prices(second.cells.get(model, ()))) for model in common
        },
    )


def _arms(plan: Plan) -> tuple[str, ...]:
    return tuple(sorted(arm.value for arm in plan.arms))


def _prices(cells: Sequence[ComparedCell]) -> PricesSeen:
    versions = {cell.price_version for cell in cells if cell.price_version is not None}
    return PricesSeen(tuple(sorted(versions)), tuple(sorted({c.price_date for c in cells if c.price_date is not None})))


def case_name(before: PlannedCase | None, after: PlannedCase | None) -> CaseName:
    """The case as the second run has it, else as the first has. ValueError without both."""
    known = after or before
    if known is None:
        raise ValueError("A case is in one of the runs at least.")
    return CaseName(
        known.case.case_id,
        first_line(known.case.input),
        None if before is None else before.index,
        None if after is None else after.index,
    )

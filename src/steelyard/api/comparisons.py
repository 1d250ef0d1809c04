"""GET /v1/runs/{run}/comparison: a run against an earlier one of the same skill."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from steelyard.api.deps import Bench, Tenant
from steelyard.api.fields import Arm, Count, Id, Microcents, Model, Points, Quality, Shown, SignedMicrocents
from steelyard.api.operation import Operations
from steelyard.api.runs import RunId
from steelyard.services.comparisons import RunComparison

operation = Operations("runs")


class Difference(Shown):
    """Second run less first on `n` cases, points of quality, with its 95% interval and p."""

    n: Count
    before: Quality | None
    after: Quality | None
    difference: Points | None
    low: Points | None
    high: Points | None
    p: Annotated[float | None, Field(examples=[0.2])]
    test: Annotated[str | None, Field(examples=["paired t"])]
    answers: Annotated[Count, Field(description="Pairs of answers.")]
    same_answers: Annotated[Count, Field(description="Pairs that are one and the same answer.")]


class CostSum(Shown):
    """A change of cost, in microcents: tokens + price + unexplained = after - before."""

    before: Microcents
    after: Microcents
    tokens: SignedMicrocents
    price: SignedMicrocents
    unexplained: SignedMicrocents


class CostChange(Shown):
    """Over `calls` pairs of calls that ask the same; `unpriced` pairs are left out."""

    calls: Count
    unpriced: Count
    total: CostSum


class ModelChange(Shown):
    """One model in both runs; `quality` is null where scores cannot be compared."""

    model: Model
    quality: Difference | None
    cost: CostChange


class CaseName(Shown):
    """A case by its key; an index, from 0, is null in the run that does not have it."""

    key: str
    title: str
    before: int | None
    after: int | None


class Flip(Shown):
    """A case that a model passes in one of the two runs only."""

    model: Model
    case: CaseName
    now_passes: bool
    quality_before: Quality | None
    quality_after: Quality | None


class CaseChanges(Shown):
    """Which cases the two runs share: the same in both, and what came, went or changed."""

    same: Count
    added: list[CaseName]
    removed: list[CaseName]
    changed: list[CaseName]


class Comparison(Shown):
    """The second run against the first. `refusal` says why qualities are not compared at all, `notes` what to bear in
    mind otherwise."""

    first: Id
    second: Id
    arm: Arm | None
    models_added: list[Model]
    models_removed: list[Model]
    cases: CaseChanges
    comparable: Annotated[Count, Field(description="Cases that were graded the same way in both.")]
    refusal: Annotated[str | None, Field(examples=[None])]
    notes: list[str]
    overall: Difference | None
    cost: CostChange
    models: list[ModelChange]
    flips: list[Flip]


@operation("GET", "/v1/runs/{run_id}/comparison", answers=Comparison)
async def compare_runs(
    bench: Bench,
    tenant: Tenant,
    run_id: RunId,
    since: Annotated[UUID, Query(description="The run to compare it with, of the same skill.")],
) -> Comparison:
    """What changed from another run of the skill to this one: quality, cases that flipped, cost."""
    return _comparison(await bench.comparisons.compare(tenant, since, run_id))


def _comparison(found: RunComparison) -> Comparison:
    changes = found.changes
    return Comparison(
        first=found.first.id,
        second=found.second.id,
        arm=found.arm,
        models_added=list(changes.models_added),
        models_removed=list(changes.models_removed),
        cases=CaseChanges(
            same=changes.cases_same,
            added=[CaseName.of(one) for one in changes.cases_added],
            removed=[CaseName.of(one) for one in changes.cases_removed],
            changed=[CaseName.of(one) for one in changes.cases_changed],
        ),
        comparable=found.comparable,
        refusal=found.refusal,
        notes=list(found.notes),
        overall=None if found.overall is None else Difference.of(found.overall),
        cost=CostChange.of(found.cost),
        models=[ModelChange.of(one) for one in found.models],
        flips=[Flip.of(one) for one in found.flips],
    )

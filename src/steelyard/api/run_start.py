"""POST /v1/skills/{skill}/runs and what goes before it: what a run would take, starting it, the last one once more."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import Field

from steelyard.api.deps import Bench, SkillRef, Tenant
from steelyard.api.fields import Count, Given, GivenModel, Id, Microcents, Model, Points, Quality, Shown, Tokens
from steelyard.api.operation import Operations, json_of
from steelyard.api.runs import Progress, progress_of
from steelyard.domain.models import MAX_REFERENCE
from steelyard.domain.stale_causes import CauseKind
from steelyard.judging.panel import MOST_JUDGES
from steelyard.services.again import once_more
from steelyard.services.benchmarks import Started
from steelyard.services.estimates import Estimate as Expected
from steelyard.services.run_form import GOLDEN, MOST_AD_HOC, MOST_MODELS, OF_SET, RunFormValues
from steelyard.services.run_request import (
    DEFAULT_MARGIN,
    DEFAULT_MAX_TOKENS,
    DEFAULT_THRESHOLD,
    MAX_TRIALS,
    RunRequest,
)
from steelyard.services.selection import Selected
from steelyard.skills.cases.model import MAX_CASE_CHARACTERS
from steelyard.workbench import Workbench

operation = Operations("runs")

_MOST_TOKENS = 1_000_000


class AdHocCase(Given):
    """A case of this run alone."""

    input: Annotated[str, Field(max_length=MAX_CASE_CHARACTERS, examples=["How heavy is a litre of water?"])]
    expected: Annotated[str, Field(max_length=MAX_CASE_CHARACTERS, examples=["1 kg"])]


class NewRun(Given):
    """A benchmark run: models on a skill's golden cases, or on a set of them, or on cases typed in for it alone."""

    models: Annotated[
        list[GivenModel], Field(min_length=1, max_length=MOST_MODELS, examples=[["openai:gpt-5-mini", "openai:gpt-5"]])
    ]
    case_set: Annotated[str | None, Field(max_length=200, description="Only the cases of this set.")] = None
    ad_hoc: Annotated[
        list[AdHocCase] | None,
        Field(
            max_length=MOST_AD_HOC, description="In place of the golden cases: such a run is no benchmark of record."
        ),
    ] = None
    arm: Annotated[
        Literal["both", "with_skill", "without_skill"], Field(description="both shows what the skill brings.")
    ] = "both"
    trials: Annotated[int, Field(ge=1, le=MAX_TRIALS, description="Of each case.")] = 1
    judge: Annotated[
        str, Field(min_length=1, max_length=MAX_REFERENCE, description="default, none, or a model as provider:name.")
    ] = "default"
    further_judges: Annotated[
        tuple[GivenModel, ...], Field(max_length=MOST_JUDGES, description="They make a jury with the judge.")
    ] = ()
    budget_microcents: Annotated[
        Microcents | None, Field(gt=0, description="At most, in microcents; null sets no limit.")
    ] = None
    max_tokens: Annotated[int, Field(ge=1, le=_MOST_TOKENS, description="Tokens of an answer, at most.")] = (
        DEFAULT_MAX_TOKENS
    )
    margin: Annotated[
        Points, Field(ge=0, le=100, description="Points of quality that make no difference.", examples=[DEFAULT_MARGIN])
    ] = DEFAULT_MARGIN
    threshold: Annotated[
        Quality, Field(description="The quality a case passes with, points.", examples=[DEFAULT_THRESHOLD])
    ] = DEFAULT_THRESHOLD
    seed: Annotated[int | None, Field(ge=0, le=2**31 - 1, examples=[None])] = None
    fresh: Annotated[bool, Field(description="Call for every answer anew, also for what was paid before.")] = False
    race: Annotated[
        Literal["set", "future"] | None,
        Field(description="Drop models once shown not to be best: on this case set, or for future cases."),
    ] = None
    accept_judge: Annotated[
        bool, Field(description="Count the judge's scores even where it fails its examination.")
    ] = False
    version: Annotated[
        str, Field(max_length=64, description="The start of a version's digest; empty: that in use.")
    ] = ""

    def values(self) -> RunFormValues:
        """The same as the form has it."""
        pairs = tuple((one.input, one.expected) for one in self.ad_hoc or ())
        return RunFormValues(
            models=tuple(self.models),
            cases="ad_hoc" if self.ad_hoc is not None else OF_SET + self.case_set if self.case_set else GOLDEN,
            ad_hoc=pairs,
            arm=self.arm,
            trials=str(self.trials),
            judge=self.judge,
            further_judges="\n".join(self.further_judges),
            max_tokens=str(self.max_tokens),
            margin=repr(self.margin),
            threshold=repr(self.threshold),
            seed="" if self.seed is None else str(self.seed),
            fresh=self.fresh,
            race=self.race or "",
            accept_judge=self.accept_judge,
            version=self.version,
        )


class ModelEstimate(Shown):
    """One model's share; the cost is null where its price is unknown."""

    model: Model
    calls: Count
    tokens: Tokens
    cost_microcents: Microcents | None


class Estimate(Shown):
    """What a run is expected to take: nothing was kept or called. A lower bound where some price is unknown."""

    planned: Annotated[Count, Field(description="Cells.")]
    reused: Annotated[Count, Field(description="Cells that were paid before, and cost nothing again.")]
    calls: Count
    judge_calls: Count
    canary_calls: Annotated[Count, Field(description="Calls of the judge's examination.")]
    input_tokens: Tokens
    output_tokens: Tokens
    cost_microcents: Microcents
    judge_cost_microcents: Annotated[Microcents, Field(description="Of the whole, in microcents.")]
    canary_cost_microcents: Annotated[Microcents, Field(description="Of the judge's, in microcents.")]
    cost_is_lower_bound: bool
    unpriced: list[Model]
    minutes: Annotated[float, Field(description="Minutes.", examples=[4.5])]
    n_cases: Count
    detectable_lead: Annotated[
        Points | None, Field(description="The true lead found with 80% power, points of quality.")
    ]
    no_verdict: Annotated[str | None, Field(description="Why no verdict can come of it.", examples=[None])]
    race: str | None
    per_model: list[ModelEstimate]
    assumptions: list[str]
    judge: Annotated[str | None, Field(description="Who judges.", examples=["anthropic:claude-sonnet-5"])]
    judge_sentence: Annotated[str | None, Field(description="Which judge, and why.")]
    judge_of_own_family: Annotated[bool, Field(description="It is of the family of one of the models.")]
    judge_fails: Annotated[
        str | None, Field(description="The judge is known to fail its examination.", examples=[None])
    ]
    judge_unpriced: bool
    unscored: Annotated[Count, Field(description="Cases that need a judge and have none.")]


class StartedRun(Shown):
    """A run that was queued. `continued`: an unfinished one of the same plan, whose budget stays if none is given."""

    id: Id
    continued: bool
    kept_budget_microcents: Microcents | None
    progress: Progress


class Again(Given):
    """Why the last benchmark is to be run once more; null: for all that the skill's own row knows of."""

    cause: CauseKind | None = None
    budget_microcents: Annotated[
        Microcents | None, Field(gt=0, description="In microcents; null keeps that of the last run.")
    ] = None


async def started_again(bench: Workbench, tenant_id: UUID, run_id: UUID) -> StartedRun:
    """The document of a run whose starter was cut off: it is queued if it was not. Raises NotFound."""
    await bench.benchmarks.queue_again(tenant_id, run_id)
    return await _started(bench, tenant_id, Started(run_id, continued=False))


@operation("POST", "/v1/skills/{skill}/estimate", answers=Estimate)
async def estimate_run(
    bench: Bench, tenant: Tenant, skill: SkillRef, body: Annotated[NewRun, Depends(json_of(NewRun))]
) -> Estimate:
    """What a run would take: calls, tokens, money, minutes, and the smallest lead it can show. Calls no model."""
    selected = await _selected(bench, tenant, skill, body)
    return _estimate(await bench.estimate(tenant, selected.request), selected.request, selected)


@operation(
    "POST",
    "/v1/skills/{skill}/runs",
    answers=StartedRun,
    status=201,
    again=started_again,
    at="/v1/runs/{id}",
    errors=(409,),
)
async def start_run(
    bench: Bench, tenant: Tenant, skill: SkillRef, body: Annotated[NewRun, Depends(json_of(NewRun))]
) -> StartedRun:
    """Start a benchmark run. It is paid; answers paid before are used again.

    The same run asked for again continues one that was not finished. Follow it by its events.
    """
    selected = await _selected(bench, tenant, skill, body)
    return await _started(bench, tenant, await bench.benchmarks.start(tenant, selected.request))


@operation("GET", "/v1/skills/{skill}/rebenchmark", answers=Estimate)
async def estimate_rebenchmark(
    bench: Bench,
    tenant: Tenant,
    skill: SkillRef,
    cause: Annotated[CauseKind | None, Query(description="The one kind of cause it is for.")] = None,
) -> Estimate:
    """What the last benchmark would take once more, on today's skill and cases."""
    row = await bench.catalogue.find(tenant, skill)
    asked = await once_more(bench.stale_checks, tenant, row, cause, triggered_by="api")
    return _estimate(await bench.estimate(tenant, asked), asked, None)


@operation(
    "POST",
    "/v1/skills/{skill}/rebenchmark",
    answers=StartedRun,
    status=201,
    again=started_again,
    at="/v1/runs/{id}",
    errors=(409,),
)
async def rebenchmark(
    bench: Bench, tenant: Tenant, skill: SkillRef, body: Annotated[Again, Depends(json_of(Again))]
) -> StartedRun:
    """Run the last benchmark once more, on today's skill and cases. It is paid.

    Only for age and drift every answer is called for anew; the rest was paid before.
    """
    row = await bench.catalogue.find(tenant, skill)
    asked = await once_more(bench.stale_checks, tenant, row, body.cause, triggered_by="api")
    if body.budget_microcents is not None:
        asked = replace(asked, budget_microcents=body.budget_microcents)
    return await _started(bench, tenant, await bench.benchmarks.start(tenant, asked))


async def _selected(bench: Workbench, tenant_id: UUID, skill: str, body: NewRun) -> Selected:
    row = await bench.catalogue.find(tenant_id, skill)
    found = await bench.run_forms.request(tenant_id, row.id, body.values(), triggered_by="api")
    return replace(found, request=replace(found.request, budget_microcents=body.budget_microcents))


async def _started(bench: Workbench, tenant_id: UUID, started: Started) -> StartedRun:
    progress = await bench.run_views.progress(tenant_id, started.run_id)
    return StartedRun(
        id=started.run_id,
        continued=started.continued,
        kept_budget_microcents=started.kept_budget_microcents,
        progress=progress_of(progress),
    )


def _estimate(found: Expected, request: RunRequest, selected: Selected | None) -> Estimate:
    own = ("judge", "judge_sentence", "judge_of_own_family", "unscored")
    told = {name: getattr(found, name) for name in Estimate.model_fields if name not in own}
    return Estimate.model_validate(
        told
        | {
            "judge": ", ".join(judge.text for judge in request.judges) or None,
            "judge_sentence": None if selected is None else selected.judge_sentence,
            "judge_of_own_family": selected is not None and selected.same_family,
            "unscored": 0 if selected is None else selected.unscored,
        }
    )

"""The documents of runs: the report `steelyard.run/1`, as the command line and the pages' downloads have it too."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from steelyard.api.fields import (
    Arm,
    Count,
    Digest,
    Id,
    MeanMicrocents,
    MeanTokens,
    Microcents,
    Milliseconds,
    Model,
    Moment,
    Percent,
    Points,
    Quality,
    Share,
    Shown,
    SkillName,
)
from steelyard.workbench import Workbench

Json = dict[str, Any]
Status = Annotated[str, Field(description="pending, running, completed, failed or cancelled.", examples=["completed"])]


class Document(Shown):
    """A document in a form with a name of its own; it may grow fields."""

    model_config = ConfigDict(extra="allow", from_attributes=True)


class RunHead(Document):
    """The run itself: what was planned, how far it came, and what it took. answered + failed + missing = planned."""

    id: Id
    skill: SkillName
    skill_version: Digest
    status: Status
    stop_cause: Annotated[str | None, Field(description="Why it stopped early, as budget.", examples=[None])]
    partial: Annotated[bool, Field(description="It ended before all that was planned.")]
    of_record: Annotated[bool, Field(description="It counts as the skill's benchmark.")]
    judge: Annotated[str | None, Field(description="Of a jury, with commas between.", examples=["openai:gpt-5"])]
    judge_digest: str | None
    judgements: Count
    judgements_quote_not_found: Count
    started_at: Moment | None
    completed_at: Moment | None
    planned: Annotated[Count, Field(description="Cells: one model in one arm on one case in one trial.")]
    answered: Count
    judged: Count
    failed: Count
    missing: Count
    reused: Count
    spent_microcents: Microcents
    spent_is_lower_bound: bool
    judge_spent_microcents: Microcents
    judge_spent_is_lower_bound: bool
    unserved: Annotated[bool, Field(description="It is running by its status, and no worker serves it.")]
    waits: Annotated[
        str | None,
        Field(description="What it waits for while no worker has it in hand, and what to do.", examples=[None]),
    ]
    budget_microcents: Microcents | None
    best_model: Annotated[Model | None, Field(description="Of the highest observed mean, proven or not.")]
    cheapest_model: Annotated[Model | None, Field(description="Of the lowest known average cost.")]


class ModelFigures(Document):
    """One model in one arm. Intervals are of 95%; `n` counts cases."""

    model: Model
    arm: Arm
    n: Count
    quality: Quality | None
    quality_low: Points | None
    quality_high: Points | None
    pass_rate: Annotated[Share | None, Field(description="Share of the cases that pass, 0 to 1.")]
    pass_low: Share | None
    pass_high: Share | None
    avg_cost_microcents: Annotated[MeanMicrocents | None, Field(description="A case, in microcents.")]
    cost_per_accepted_microcents: MeanMicrocents | None
    avg_tokens: MeanTokens | None
    latency_ms_p50: Milliseconds | None
    latency_ms_p95: Milliseconds | None
    ttft_ms_p50: Annotated[Milliseconds | None, Field(description="To the first token, in milliseconds.")]
    failures: Count
    missing: Count
    lift: Annotated[Points | None, Field(description="With the skill less without it, points of quality.")]
    lift_low: Points | None
    lift_high: Points | None
    lift_p: Annotated[float | None, Field(examples=[0.004])]
    normalised_gain: Annotated[float | None, Field(examples=[0.31])]
    token_tax: Annotated[MeanTokens | None, Field(description="Input tokens that the skill adds to a case.")]


class Gap(Document):
    """How far the leader is above a rival, in points of quality, with the 95% interval."""

    rival: Model
    lead: Points | None
    lead_low: Points | None
    lead_high: Points | None
    p: Annotated[float | None, Field(examples=[0.012])]
    test: Annotated[str | None, Field(examples=["paired t"])]
    n: Count


class VerdictDocument(Document):
    """The decision, with the evidence it rests on."""

    kind: Annotated[str, Field(description="best, tied, not_enough or single.", examples=["best"])]
    best: Model | None
    tied: list[Model]
    cheapest_good_enough: Annotated[
        Model | None, Field(description="The cheapest model shown to be within the margin of every other.")
    ]
    more_cases: Annotated[int | None, Field(description="About how many more cases it takes.", examples=[12])]
    more_cost_microcents: Microcents | None
    sentence: Annotated[str, Field(examples=["Best: openai:gpt-5-mini."])]
    method: str
    arm: Arm
    n: Count
    look: Annotated[int, Field(description="The how manieth look at these cases it is.", examples=[1])]
    alpha: Annotated[float, Field(examples=[0.03])]
    margin: Points
    test: str | None
    reason: str | None
    leader: Model | None
    gaps: list[Gap]


class Run(Document):
    """How a run stands or ended: the form `steelyard.run/1`. Before it has ended the verdict is a preview.

    `people` is what people's ratings say (`steelyard.people/1`); `prices` its costs at another day's prices, where
    that was asked for.
    """

    form: Annotated[str, Field(alias="schema", examples=["steelyard.run/1"])]
    run: RunHead
    models: list[ModelFigures]
    verdict: VerdictDocument
    detail: Annotated[Json | None, Field(description="The evidence of the verdict in full.", examples=[None])]
    race: Annotated[Json | None, Field(description="How a race went.", examples=[None])]
    failures: list[Json]
    certificate: Annotated[Json | None, Field(description="What the judge was found to be.", examples=[None])]
    certificates: list[Json]
    jury: Annotated[Json | None, Field(examples=[None])]
    tie_breaks: list[Json]
    people: Annotated[Json | None, Field(examples=[None])] = None
    prices: Annotated[Json | None, Field(examples=[None])] = None


class WindowFigures(Shown):
    """Some days of use. Averages are a use; `cost_unknown` uses have no known cost and are in no cost."""

    uses: Count
    cost_microcents: Microcents
    cost_unknown: Count
    avg_cost_microcents: MeanMicrocents | None
    avg_input_tokens: MeanTokens | None
    avg_output_tokens: MeanTokens | None
    avg_total_tokens: MeanTokens | None
    avg_latency_ms: Milliseconds | None


class PercentChange(Shown):
    """The last 30 days against the 30 before."""

    uses_percent: Percent | None
    cost_percent: Percent | None
    avg_cost_percent: Percent | None
    avg_tokens_percent: Percent | None


async def run_document(bench: Workbench, tenant_id: UUID, run_id: UUID, prices: str = "") -> Json:
    """The report of a run, with what people say of it. Raises NotFound, InputError for a day that is none."""
    day = bench.run_prices.day_of(prices) if prices else None
    anew = {} if day is None else {"prices": (await bench.run_prices.at(tenant_id, run_id, day)).to_json()}
    people = await bench.people.report(tenant_id, run_id)
    report = (await bench.benchmarks.report(tenant_id, run_id)).with_people(people.certified)
    return report.to_json() | {"people": people.to_json()} | anew

"""/v1/skills/{skill}/…: what the Benchmark tab shows of a skill: verdict, figures in use, cost, production."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from steelyard.api.deps import Bench, Days, SkillRef, Tenant
from steelyard.api.fields import (
    Count,
    Day,
    Digest,
    Id,
    Microcents,
    Model,
    Moment,
    Percent,
    Quality,
    Share,
    Shown,
    SignedMicrocents,
    SkillName,
    Tokens,
)
from steelyard.api.operation import Operations
from steelyard.api.reports import Document, Json, PercentChange, Run, WindowFigures, run_document
from steelyard.domain.errors import NotFound
from steelyard.storage.usage import UsageDay

operation = Operations("standing")

TREND_DAYS = 14


class ModelUse(Shown):
    """One model's share of the uses and what it took."""

    model: Model
    share: Share
    window: WindowFigures


class UsePoint(Shown):
    """One UTC day of use; of `cost_unknown` uses nothing is in the cost."""

    day: Day
    uses: Count
    cost_microcents: Microcents
    cost_unknown: Count
    input_tokens: Tokens
    output_tokens: Tokens


class FeedbackPoint(Shown):
    """One UTC day of feedback."""

    day: Day
    total: Count
    positive: Count
    negative: Count


class FeedbackFigures(Shown):
    """What feedback adds up to. A thumb up and a rating of 7 or more are positive, the rest of both negative."""

    total: Count
    rated: Annotated[Count, Field(description="What is positive or negative.")]
    positive_percent: Percent | None
    last_30_days: Count
    last_30_days_positive_percent: Percent | None
    undecided_examples: Annotated[Count, Field(description="Training examples nobody has decided on.")]
    trend: Annotated[list[FeedbackPoint], Field(description="The last 14 UTC days, oldest first, today last.")]


class QualityPoint(Shown):
    """A run of record as a point in time: its headline model. Qualities of two judges do not mean the same."""

    run_id: Id
    completed_at: Moment
    verdict_kind: str
    model: Model
    quality: Quality
    quality_low: Quality | None
    quality_high: Quality | None
    avg_cost_microcents: Microcents | None
    judge_digest: str | None
    judge_marked: bool


class Stats(Shown):
    """A skill's figures: cost and tokens in use, quality, feedback, with the trends of the last 14 days."""

    skill: SkillName
    total: WindowFigures
    last_30_days: WindowFigures
    previous_30_days: WindowFigures
    change: PercentChange
    predominant_model: Annotated[Model | None, Field(description="The model with the most uses.")]
    predominant_share: Share | None
    models: list[ModelUse]
    trend: Annotated[list[UsePoint], Field(description="The last 14 UTC days, oldest first, today last.")]
    quality: Annotated[list[QualityPoint], Field(description="The last runs of record, oldest first.")]
    feedback: FeedbackFigures


class ModelQuality(Shown):
    """One model's quality in one run of record, in the arm the run compares."""

    run_id: Id
    at: Moment
    skill_digest: Digest
    judge_digest: str | None
    model: Model
    headline: Annotated[bool, Field(description="The verdict is about it.")]
    n: Count
    quality: Quality
    quality_low: Quality | None
    quality_high: Quality | None
    pass_rate: Share | None
    avg_cost_microcents: Microcents | None


class QualityHistory(Shown):
    """Every model's quality over time."""

    skill: SkillName
    items: list[ModelQuality]


class CostParts(Shown):
    """What changed the cost: volume + models + tokens + price + unexplained = after - before, in microcents."""

    before: Microcents
    after: Microcents
    volume: Annotated[SignedMicrocents, Field(description="More or fewer uses.")]
    models: Annotated[SignedMicrocents, Field(description="Another share of each model.")]
    tokens: Annotated[SignedMicrocents, Field(description="More or fewer tokens in a use.")]
    price: Annotated[SignedMicrocents, Field(description="What a token cost.")]
    unexplained: Annotated[SignedMicrocents, Field(description="What cannot be told apart.")]


class CostSplit(Shown):
    """The later half of the days against the half before; `left_out` uses have no known cost."""

    half: Annotated[int, Field(description="Days of each half.", examples=[45])]
    uses_before: Count
    uses_after: Count
    left_out: Count
    parts: CostParts


class CostTrend(Shown):
    """What a skill's use cost day by day, and what made it cost more or less."""

    skill: SkillName
    days: list[UsePoint]
    change: CostSplit


class Production(Document):
    """A skill's last 30 UTC days in use beside its last benchmark: what each model would cost a month.

    `why_none` and `next_step` say why there are no models. Amounts are microcents with 95% intervals.
    """

    skill: SkillName
    run_id: Id | None
    model_in_use: Model | None
    uses: Annotated[Count, Field(description="Of the model in use.")]
    all_uses: Count
    measured_microcents: Microcents
    cost_unknown: Count
    models: list[Json]
    lengths: Annotated[Json | None, Field(examples=[None])]
    languages: Json
    trend: Json
    assumptions: list[str]
    why_none: str | None
    next_step: str | None


@operation("GET", "/v1/skills/{skill}/verdict", answers=Run)
async def get_verdict(bench: Bench, tenant: Tenant, skill: SkillRef) -> Json:
    """The report of the skill's last benchmark of record: its verdict and the comparison of its models.

    404 before there is one.
    """
    row = await bench.catalogue.find(tenant, skill)
    if row.last_run_id is None:
        raise NotFound(
            f"'{row.name}' has no benchmark of record yet.", next_step=f"Start one: POST /v1/skills/{row.id}/runs."
        )
    return await run_document(bench, tenant, row.last_run_id)


@operation("GET", "/v1/skills/{skill}/stats", answers=Stats)
async def get_stats(bench: Bench, tenant: Tenant, skill: SkillRef) -> Stats:
    """What a skill costs and takes in use, how good it is and what users say, with trends of 14 days."""
    row = await bench.catalogue.find(tenant, skill)
    usage = await bench.usage.skill(tenant, row.id)
    days = await bench.usage.daily(tenant, row.id, TREND_DAYS)
    points = await bench.usage.quality_history(tenant, row.id, days=TREND_DAYS, at_least=TREND_DAYS)
    return Stats(
        skill=row.name,
        total=WindowFigures.of(usage.total),
        last_30_days=WindowFigures.of(usage.last_30_days),
        previous_30_days=WindowFigures.of(usage.previous_30_days),
        change=PercentChange.of(usage.change),
        predominant_model=usage.predominant_model,
        predominant_share=usage.predominant_share,
        models=[ModelUse.of(one) for one in usage.models],
        trend=_points(days),
        quality=[QualityPoint.of(one) for one in points],
        feedback=FeedbackFigures.of(await bench.feedback.stats(tenant, row.id)),
    )


@operation("GET", "/v1/skills/{skill}/quality", answers=QualityHistory)
async def get_quality_history(
    bench: Bench,
    tenant: Tenant,
    skill: SkillRef,
    days: Annotated[int, Query(ge=1, le=36_500, description="Of the last so many days.")] = 365,
) -> QualityHistory:
    """Every model's quality in the completed runs of record, oldest first; at most the newest 365 runs."""
    row = await bench.catalogue.find(tenant, skill)
    found = await bench.history.quality(tenant, row.id, days=days)
    return QualityHistory(skill=row.name, items=[ModelQuality.of(one) for one in found])


@operation("GET", "/v1/skills/{skill}/cost-trend", answers=CostTrend)
async def get_cost_trend(bench: Bench, tenant: Tenant, skill: SkillRef, days: Days = 90) -> CostTrend:
    """What a skill's use cost on each UTC day, today last, and what changed it from one half to the other."""
    row = await bench.catalogue.find(tenant, skill)
    return CostTrend(
        skill=row.name,
        days=_points(await bench.usage.daily(tenant, row.id, days)),
        change=CostSplit.of(await bench.cost_trends.split(tenant, row.id, days)),
    )


@operation("GET", "/v1/skills/{skill}/production", answers=Production)
async def get_production(bench: Bench, tenant: Tenant, skill: SkillRef, days: Days = 90) -> Json:
    """The benchmark beside production: what each model would cost a month at the traffic there is.

    `days` is the span of the trend alone.
    """
    row = await bench.catalogue.find(tenant, skill)
    return (await bench.production.of(tenant, row, days=days)).to_json()


def _points(days: tuple[UsageDay, ...]) -> list[UsePoint]:
    return [UsePoint.of(day) for day in days]

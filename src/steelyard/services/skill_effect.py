"""What a run's skill does to each model, as far as it may be claimed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.domain.runs import Arm
from steelyard.statistics import FEWEST_CASES, SkillEffect, claim_effect

if TYPE_CHECKING:
    from steelyard.execution.summaries import ModelSummary
    from steelyard.services.reports import RunReport

WHY_NO_CLAIM = {
    "too_few_cases": f"no claim is made below {FEWEST_CASES} cases",
    "too_few_clusters": f"no claim is made below {FEWEST_CASES} families of cases",
    "missing_scores": "no claim is made where over 5% of an arm's scores are missing",
}
"""By the reason of a lift, as a part of a sentence."""


@dataclass(frozen=True)
class Lift:
    """With minus without the skill for one model.

    `points` and its interval on the same `n` cases; `reason`, where a guard allows no claim, as in `EffectClaim`;
    `gain`: normalised, (with - without)/(100 - without); `token_tax`: how many more input tokens and
    `cost_tax_microcents` how much more a case takes with the skill. None where not known.
    """

    model: str
    effect: SkillEffect
    reason: str | None
    n: int
    points: float
    low: float | None
    high: float | None
    p: float | None
    gain: float | None
    token_tax: float | None
    cost_tax_microcents: int | None


def lifts(report: RunReport) -> tuple[Lift, ...]:
    """Of each model with both arms, in the run's order."""
    without = {summary.model: summary for summary in report.summaries if summary.arm == Arm.WITHOUT_SKILL}
    return tuple(
        _lift(report, summary, summary.lift, without.get(summary.model))
        for summary in report.summaries
        if summary.lift is not None
    )


def _lift(report: RunReport, having: ModelSummary, points: float, lacking: ModelSummary | None) -> Lift:
    arms = [having] if lacking is None else [having, lacking]
    scored = [arm.n for arm in arms]
    # Runs that ended before pairs were counted: no more than either arm has, in the families of the verdict's cases.
    told = having.lift_n is not None
    n = min(scored) if having.lift_n is None else having.lift_n
    claim = claim_effect(
        points,
        having.lift_p,
        n=n,
        n_clusters=having.lift_n_clusters if told else report.verdict.n_clusters,
        scored=scored,
        n_cases=_cases_asked(report, having.model),
        alpha=report.verdict.alpha,
        margin=report.verdict.margin,
    )
    return Lift(
        model=having.model,
        effect=claim.effect,
        reason=claim.reason,
        n=n,
        points=points,
        low=having.lift_low,
        high=having.lift_high,
        p=having.lift_p,
        gain=having.normalised_gain,
        token_tax=having.token_tax,
        cost_tax_microcents=_cost_tax(having, lacking),
    )


def _cases_asked(report: RunReport, model: str) -> int:
    """How many cases the model is called for: of a race it may be fewer than the run has."""
    return len(report.run.plan["case_ids"]) if report.raced is None else report.raced.standing.cases_of(model)


def _cost_tax(having: ModelSummary, lacking: ModelSummary | None) -> int | None:
    if lacking is None or having.avg_cost_microcents is None or lacking.avg_cost_microcents is None:
        return None
    return having.avg_cost_microcents - lacking.avg_cost_microcents

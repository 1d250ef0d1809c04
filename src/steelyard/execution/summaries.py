"""Each model's own figures in each arm, from its stored cells: quality, passes, cost, speed and lift. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from steelyard.domain.runs import Arm, CellState
from steelyard.execution.plan import Plan
from steelyard.execution.scores import case_means, score
from steelyard.statistics import lift, mean_interval, quantiles, wilson_interval
from steelyard.storage.figures import CellFigures


@dataclass(frozen=True)
class ModelSummary:
    """One model in one arm. Quality and its 95% interval in points of 0-100, money in microcents per case.

    `n` counts cases with a quality; `passed` of `pass_n` cases passed; `answered` counts cells. `avg_cost_microcents`
    is None when any answer's price is unknown. `failures` are the model's own (they score 0), `missing` the cells
    without a score for any other reason. `lift` (points) and its interval compare the same cases with and without
    the skill; `token_tax` is the input tokens the skill adds per case. `avg_tokens` is None when any answer's usage was
    not told; `lift_n` counts the cases with both scores, `lift_n_clusters` their families, None in runs of older
    versions; `heard` says whether any answer came back at all, be it empty or cut.
    """

    model: str
    arm: str
    n: int
    quality: float | None
    quality_low: float | None
    quality_high: float | None
    pass_n: int
    pass_rate: float | None
    pass_low: float | None
    pass_high: float | None
    avg_cost_microcents: int | None
    cost_per_accepted_microcents: int | None
    avg_tokens: float | None
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    ttft_ms_p50: float | None
    answered: int
    failures: int
    missing: int
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    lift_p: float | None = None
    lift_n: int | None = None
    lift_n_clusters: int | None = None
    normalised_gain: float | None = None
    token_tax: float | None = None
    heard: bool = True


def summarise(
    plan: Plan,
    cells: Mapping[tuple[str, str], Sequence[CellFigures]],
    called: Mapping[str, int],
    clusters: Sequence[str] | None,
) -> list[ModelSummary]:
    """One for each of the plan's models in each arm, in order; with both arms, with the lift of one over the other.

    `cells` are those of each (model, arm); `called` is how many cases each model was to be called for, fewer than the
    plan's where a race dropped it; `clusters` has a label per case, None where no two share a family.
    """
    n_cases = len(plan.case_ids)
    summaries = [
        _summary(model, arm, cells[model, arm], called[model] * plan.trials, n_cases, clusters)
        for model, arm in product(plan.models, (arm.value for arm in plan.arms))
    ]
    if len(plan.arms) == 2:
        return [_with_lift(summary, cells, n_cases, clusters) for summary in summaries]
    return summaries


def _summary(
    model: str, arm: str, cells: Sequence[CellFigures], planned: int, n_cases: int, clusters: Sequence[str] | None
) -> ModelSummary:
    means = case_means(cells, n_cases)
    kept = [index for index, value in enumerate(means) if not math.isnan(value)]
    interval = mean_interval([means[i] for i in kept], clusters and [clusters[i] for i in kept]) if kept else None
    passed, pass_n = _passes(cells)
    bounds = wilson_interval(passed, pass_n) if pass_n else (None, None)
    # A cut or empty answer was paid for and counts in cost and tokens; only latency is of usable answers.
    paid = [cell for cell in cells if cell.came_back]
    answered = [cell for cell in cells if cell.state != CellState.FAILED]
    costs = [cell.estimated_cost_microcents for cell in paid]
    known = [cost for cost in costs if cost is not None]
    total = sum(known) if known and len(known) == len(costs) else None
    tokens = [cell.total_tokens for cell in paid if cell.total_tokens is not None]
    p50, p95 = quantiles(cell.latency_ms for cell in answered if cell.latency_ms is not None)
    ttft, _ = quantiles(cell.ttft_ms for cell in answered if cell.ttft_ms is not None)
    failures = sum(cell.state == CellState.FAILED and score(cell) is not None for cell in cells)
    return ModelSummary(
        model=model,
        arm=arm,
        n=len(kept),
        quality=interval.mean if interval else None,
        quality_low=interval.low if interval else None,
        quality_high=interval.high if interval else None,
        pass_n=pass_n,
        pass_rate=passed / pass_n if pass_n else None,
        pass_low=bounds[0],
        pass_high=bounds[1],
        avg_cost_microcents=None if total is None else round(total / len(paid)),
        cost_per_accepted_microcents=round(total / passed) if total is not None and passed else None,
        avg_tokens=sum(tokens) / len(paid) if tokens and len(tokens) == len(paid) else None,
        latency_ms_p50=p50,
        latency_ms_p95=p95,
        ttft_ms_p50=ttft,
        answered=len(answered),
        failures=failures,
        missing=max(0, planned - sum(score(cell) is not None for cell in cells)),
        heard=bool(paid),
    )


def _with_lift(
    summary: ModelSummary,
    cells: Mapping[tuple[str, str], Sequence[CellFigures]],
    n_cases: int,
    clusters: Sequence[str] | None,
) -> ModelSummary:
    """The with-skill row gets the lift over the same model's other arm."""
    if summary.arm != Arm.WITH_SKILL:
        return summary
    having, lacking = cells[summary.model, Arm.WITH_SKILL], cells[summary.model, Arm.WITHOUT_SKILL]
    with_means, without_means = case_means(having, n_cases), case_means(lacking, n_cases)
    both = [i for i in range(n_cases) if not math.isnan(with_means[i] + without_means[i])]
    tax = _token_tax(having, lacking)
    if not both:
        return replace(summary, token_tax=tax)
    gained = lift(
        [with_means[i] for i in both], [without_means[i] for i in both], clusters and [clusters[i] for i in both]
    )
    return replace(
        summary,
        lift=gained.mean,
        lift_low=gained.low,
        lift_high=gained.high,
        lift_p=gained.p,
        lift_n=gained.n,
        lift_n_clusters=gained.n_clusters,
        normalised_gain=gained.gain,
        token_tax=tax,
    )


def _token_tax(having: Sequence[CellFigures], lacking: Sequence[CellFigures]) -> float | None:
    with_skill = {(c.test_case_index, c.trial): c.input_tokens for c in having if c.input_tokens is not None}
    without = {(c.test_case_index, c.trial): c.input_tokens for c in lacking if c.input_tokens is not None}
    both = with_skill.keys() & without.keys()
    return sum(with_skill[key] - without[key] for key in both) / len(both) if both else None


def _passes(cells: Sequence[CellFigures]) -> tuple[int, int]:
    """(cases passed, cases that can be told). A case passes when more than half of its trials do."""
    by_case: dict[int, list[bool]] = defaultdict(list)
    for cell in cells:
        if cell.state == CellState.FAILED:
            if score(cell) is not None:
                by_case[cell.test_case_index].append(False)
        elif cell.passed is not None:
            by_case[cell.test_case_index].append(cell.passed)
    return sum(2 * sum(trials) > len(trials) for trials in by_case.values()), len(by_case)

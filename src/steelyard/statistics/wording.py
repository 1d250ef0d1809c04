"""A verdict as one sentence that names its evidence and claims no more than the verdict does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from steelyard.domain.money import about, dollars
from steelyard.statistics.power import FEWEST_CASES
from steelyard.statistics.verdict import EXACT, GapFigures, Verdict

# Less than this many points would be shown as 0.0.
_LEAST_SHOWN = 0.05

FAMILY = {
    "own_family_decides": "which model is best depends on what jurors gave models of their own family, so none is"
    " claimed; add a juror of another family, or a model of another family",
    "not_comparable": "without what jurors gave models of their own family, too little is left to compare the models"
    " by; add a juror of another family, or a model of another family",
}
"""Why a jury's scores allow no claim, and what to do about it, by the verdict's reason."""


def sentence(verdict: Verdict, names: Sequence[str], costs: Sequence[float | None] | None = None) -> str:
    """One sentence for a verdict.

    names: one per column of the scores. costs: average microcents per case of each model, for the price of the
    cheapest good enough; None or NaN where unknown. ValueError when there are not as many names as models.
    """
    if len(names) != len(verdict.models):
        raise ValueError(f"{len(names)} names for {len(verdict.models)} models.")
    parts = [_claim(verdict, names)]
    if verdict.cheapest_good_enough is not None:
        parts.append(_cheapest(verdict, names, costs))
    left_out = [name for name, figures in zip(names, verdict.models, strict=True) if figures.excluded]
    if left_out and len(verdict.models) > 1 and verdict.reason not in ("missing_scores", "one_model_left"):
        parts.append(f"left out for missing over 5% of their scores: {', '.join(left_out)}")
    return "; ".join(parts) + "."


def _claim(verdict: Verdict, names: Sequence[str]) -> str:
    if verdict.kind == "best":
        return _best(verdict, names)
    if verdict.kind == "tied":
        return _tied(verdict, names)
    if verdict.kind == "single":
        return _single(verdict, names)
    return _not_enough(verdict, names)


def _best(verdict: Verdict, names: Sequence[str]) -> str:
    assert verdict.best is not None
    nearest = _nearest(verdict)
    assert nearest.low is not None
    assert nearest.high is not None
    others = f", the least certain of its {len(verdict.gaps)} leads" if len(verdict.gaps) > 1 else ""
    if nearest.test == EXACT:
        evidence = f"{EXACT}, {_size(verdict, nearest.n)}"
    else:
        interval = f"{_bound(nearest.low)} to {_bound(nearest.high)}"
        evidence = f"95% interval {interval}, {nearest.test}, {_size(verdict, nearest.n)}, {_p(nearest.p)}"
    here = " on this set of cases" if verdict.of_set else ""
    return (
        f"{names[verdict.best]} is best{here}: {_points(nearest.mean)} ahead of {names[nearest.rival]}"
        f" ({evidence}{_look(verdict)}){others}"
    )


def _tied(verdict: Verdict, names: Sequence[str]) -> str:
    tied = ", ".join(names[index] for index in verdict.tied)
    if verdict.reason == "identical_scores":
        return f"Tied: {tied} (the same score on every case; {_size(verdict)}{_look(verdict)})"
    behind = [names[index] for index in verdict.compared if index not in verdict.tied]
    evidence = f"{verdict.test}, {_size(verdict)}{_look(verdict)}"
    if behind:
        return f"Tied: {tied} (any of them may be best; shown not to be: {', '.join(behind)}; {evidence})"
    return f"Tied: {tied} (within {_points(verdict.margin)}; {evidence})"


def _single(verdict: Verdict, names: Sequence[str]) -> str:
    assert verdict.leader is not None
    figures = verdict.models[verdict.leader]
    known = figures.low is not None and figures.high is not None
    interval = f"95% interval {figures.low:.1f} to {figures.high:.1f}, " if known else ""
    evidence = f"{interval}n = {figures.n}"
    name, mean = names[verdict.leader], figures.mean or 0.0
    return f"{name} scores {mean:.1f} ({evidence}, {verdict.method}); there is nothing to compare it with"


def _not_enough(verdict: Verdict, names: Sequence[str]) -> str:
    if verdict.reason == "missing_scores":
        if len(names) == 1:
            return f"Not enough evidence: {names[0]} misses over 5% of its scores"
        missing = _missing(verdict, names)
        return f"Not enough evidence: every model misses over 5% of its scores{missing}, so none can be compared"
    if verdict.reason == "one_model_left":
        left = names[verdict.compared[0]]
        return (
            f"Not enough evidence: {left} alone can be compared, as the others miss over 5% of their scores"
            f"{_missing(verdict, names)}; resume the run to get what is missing"
        )
    if verdict.reason == "no_cases":
        return "Not enough evidence: there is no case yet"
    if verdict.reason in FAMILY:
        return f"Not enough evidence: {FAMILY[verdict.reason]} ({_size(verdict)}{_look(verdict)})"
    more = _more(verdict)
    if not verdict.gaps:
        return f"Not enough evidence: {more}; no case has a score for every model"
    nearest = max(verdict.gaps, key=lambda gap: (-gap.mean, -gap.rival))
    assert verdict.leader is not None
    guard = {
        "too_few_cases": "; no claim is made below 8 cases",
        "too_few_clusters": "; no claim is made below 8 families of cases",
        "race_unfinished": "; the race was stopped before its end",
    }.get(verdict.reason or "", "")
    if nearest.mean <= 0:
        lead = f"{names[verdict.leader]} and {names[nearest.rival]} lead with the same mean"
    else:
        lead = f"{names[verdict.leader]} leads by {_points(nearest.mean)}, not proven"
    return f"Not enough evidence: {more}; {lead} ({verdict.test}, {_size(verdict)}{_look(verdict)}{guard})"


def _missing(verdict: Verdict, names: Sequence[str]) -> str:
    """` (a 3 of 12 cases, b 12 of 12 cases)`, the models left out; nothing where no model has any score."""
    told = [
        f"{names[i]} {count:,} of {_count(of, 'case')}" for i, count, of in verdict.scores_missing if of is not None
    ]
    return f" ({', '.join(told)})" if told else ""


def _more(verdict: Verdict) -> str:
    if verdict.too_few_to_tell:
        few = _count(verdict.n, "case") if verdict.n_clusters is None else _size(verdict)
        return f"how many more cases it takes cannot be told from {few}, run at least {FEWEST_CASES}"
    if verdict.more_cases is None:
        return "more than 1,000 more cases would be needed"
    cases = f"about {_count(verdict.more_cases, 'more case')}"
    if verdict.more_cost_microcents is None:
        return f"{cases}, cost unknown"
    return f"{cases}, about {about(verdict.more_cost_microcents)}"


def _cheapest(verdict: Verdict, names: Sequence[str], costs: Sequence[float | None] | None) -> str:
    index = verdict.cheapest_good_enough
    assert index is not None
    cost = None if costs is None else costs[index]
    price = f" ({dollars(round(cost))} per case)" if _known(cost) else ""
    unknown = costs is not None and not all(_known(costs[other]) for other in verdict.compared)
    known = " of known cost" if unknown else ""
    return f"cheapest good enough{known}: {names[index]}{price}, less than {_points(verdict.margin)} behind any"


def _known(cost: float | None) -> TypeGuard[float]:
    return cost is not None and cost == cost


def _nearest(verdict: Verdict) -> GapFigures:
    """The rival whose gap carries the claim: the largest p."""
    return max(verdict.gaps, key=lambda gap: (gap.p, -gap.mean))


def _size(verdict: Verdict, n: int | None = None) -> str:
    """How many cases it rests on; `n` are those of the gap spoken of, where a race has dropped the rival before."""
    if n is not None and n != verdict.n:
        return f"n = {n}"
    families = "" if verdict.n_clusters is None else f" in {verdict.n_clusters} families"
    return f"n = {verdict.n}{families}"


def _look(verdict: Verdict) -> str:
    return f", look {verdict.look}, {verdict.method}"


def _bound(points: float) -> str:
    """One decimal, or as many as it takes to be told from zero."""
    return f"{points:.1f}" if points == 0 or abs(points) >= _LEAST_SHOWN else f"{points:.1g}"


def _points(points: float) -> str:
    if 0 < points < _LEAST_SHOWN:
        return "less than 0.1 points"
    shown = f"{points:.1f}".removesuffix(".0")
    return f"{shown} point" if shown == "1" else f"{shown} points"


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _p(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1)

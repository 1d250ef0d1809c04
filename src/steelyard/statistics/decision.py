"""The one decision behind every verdict shown: scores, costs and families in, a Verdict out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from math import fsum, inf, isnan

import numpy as np
import numpy.typing as npt

from steelyard.statistics.families import Families, from_labels
from steelyard.statistics.inputs import checked_costs, checked_look, checked_margin, checked_scores
from steelyard.statistics.intervals import Interval, column_intervals
from steelyard.statistics.paired import SCALE, Pairs, column_means, compare
from steelyard.statistics.power import (
    FEWEST_CASES,
    FEWEST_FAMILIES,
    FEWEST_FOR_SPREAD,
    alpha_for_look,
    cases_needed,
    misses_too_many,
    step_within_reach,
    too_few,
)
from steelyard.statistics.special import Bools, Floats, Indices
from steelyard.statistics.verdict import GapFigures, Kind, ModelFigures, Verdict

METHOD = "decide/3"
_REACH = 1_000


def decide(
    scores: npt.ArrayLike,
    costs: npt.ArrayLike | None = None,
    clusters: Iterable[Hashable] | None = None,
    margin: float = 5.0,
    look: int = 1,
) -> Verdict:
    """What may be claimed of k models on the same n cases.

    scores: (n_cases, n_models) float64, 0-100, NaN = missing. costs: average cost per case of each model in
    microcents, (n_models,) with NaN where unknown, or (n_cases, n_models), of which the mean of the known is taken.
    clusters: one hashable label per case; cases of one label are a family, None is a family of its own. margin:
    points within which a model is good enough. look: how many times this growing case set has been looked at.

    Pure and deterministic: the same rows in any order give the same verdict to the last bit, and permuted columns
    give the permuted verdict (the lower index goes first only where means or costs are equal).
    ValueError, naming the argument, when a shape does not fit, something is no number, a score is outside 0-100, a
    cost outside 0 to 1e16, look outside 1 to a million or margin negative or infinite.
    """
    table = checked_scores(scores)
    n_cases, k = table.shape
    prices = checked_costs(costs, n_cases, k)
    families = None if clusters is None else from_labels(clusters, n_cases)
    look, margin = checked_look(look), checked_margin(margin)

    lost = np.isnan(table)
    missing = lost.sum(axis=0)
    excluded = np.array([misses_too_many(count, n_cases) for count in missing.tolist()], dtype=np.bool_)
    compared = np.flatnonzero(~excluded)
    complete = np.asarray(~lost[:, compared].any(axis=1) & bool(compared.size), dtype=np.bool_)
    seen = table[np.ix_(complete, compared)]
    seen_families = None if families is None else families.of(complete)
    figures = _model_figures(table, lost, families, compared, column_intervals(seen, seen_families))
    ground = _Ground(
        figures=figures,
        compared=compared.tolist(),
        excluded=int(excluded.sum()),
        n=int(complete.sum()),
        families=seen_families,
        prices=prices,
        margin=margin,
        look=look,
        alpha=alpha_for_look(look),
    )
    if ground.n == 0 or len(ground.compared) < 2:
        return _without_comparison(ground, n_cases, k)
    return _compared(ground, seen)


@dataclass(frozen=True)
class _Ground:
    """What a verdict stands on, whichever it will be."""

    figures: tuple[ModelFigures, ...]
    compared: list[int]
    excluded: int
    n: int
    families: Families | None
    prices: Floats | None
    margin: float
    look: int
    alpha: float

    @property
    def n_clusters(self) -> int | None:
        return None if self.families is None else self.families.count

    @property
    def nothing_claimed(self) -> Verdict:
        return Verdict(
            kind="not_enough",
            best=None,
            tied=(),
            cheapest_good_enough=None,
            more_cases=None,
            more_cost_microcents=None,
            models=self.figures,
            gaps=(),
            leader=None,
            look=self.look,
            alpha=self.alpha,
            margin=self.margin,
            n=self.n,
            n_clusters=self.n_clusters,
            test=None,
            reason=None,
            method=METHOD,
        )

    def cost_of(self, cases: int | None) -> int | None:
        """So many more cases of every compared model, in microcents."""
        if cases is None or self.prices is None:
            return None
        # fsum: the same to the last bit in any order of the models.
        total = fsum(self.prices[self.compared].tolist())
        return None if isnan(total) else round(cases * total)


def _without_comparison(ground: _Ground, n_cases: int, k: int) -> Verdict:
    more: int | None = None
    if k == 1:
        kept = bool(ground.compared) and ground.figures[0].n > 0
        kind, reason = ("single", None) if kept else ("not_enough", "no_cases" if n_cases == 0 else "missing_scores")
        leader = 0 if kept else None
    elif len(ground.compared) == 1 and ground.n:
        kind, reason, leader = "not_enough", "one_model_left", None
    else:
        kind, leader = "not_enough", None
        reason = "no_cases" if n_cases == 0 else "no_complete_cases" if ground.compared else "missing_scores"
        more = _more_cases(ground, None, 0) if ground.compared else None
    return replace(
        ground.nothing_claimed,
        kind=kind,
        more_cases=more,
        more_cost_microcents=ground.cost_of(more),
        leader=leader,
        reason=reason,
    )


def _compared(ground: _Ground, seen: Floats) -> Verdict:
    pairs = compare(seen, ground.families)
    k = len(ground.compared)
    means = [float(mean) for mean in column_means(seen)]
    leader = _leader(ground, means)
    rivals = [position for position in range(k) if position != leader]
    hardest = max(rivals, key=lambda rival: (float(pairs.p[leader, rival]), -rival))
    reason = too_few(ground.n, ground.n_clusters)
    best: int | None = None
    kept: list[int] = []
    cheapest: int | None = None
    if reason is None:
        if _identical(seen):
            kept, reason = list(range(k)), "identical_scores"
        elif pairs.p[leader, hardest] < ground.alpha:
            best, kept = leader, [leader]
        else:
            kept = _may_be_best(ground, pairs, leader)
        cheapest = _cheapest_good_enough(ground, pairs, means)
    kind: Kind = "best" if best is not None else "tied" if kept else "not_enough"
    more = _more_cases(ground, pairs, leader) if kind == "not_enough" else None
    index = ground.compared
    return replace(
        ground.nothing_claimed,
        kind=kind,
        best=None if best is None else index[best],
        tied=tuple(index[position] for position in kept),
        cheapest_good_enough=None if cheapest is None else index[cheapest],
        more_cases=more,
        more_cost_microcents=ground.cost_of(more),
        gaps=_gap_figures(ground, pairs, leader, rivals),
        leader=index[leader],
        test=pairs.tests[leader][hardest],
        reason=reason,
    )


def _leader(ground: _Ground, means: list[float]) -> int:
    """The highest mean; of equal ones the cheapest of known cost, then the first."""
    prices = None if ground.prices is None else ground.prices[ground.compared]

    def order(position: int) -> tuple[float, float, int]:
        price = inf if prices is None or isnan(prices[position]) else float(prices[position])
        return -means[position], price, position

    return min(range(len(means)), key=order)


def _identical(seen: Floats) -> bool:
    return bool((seen == seen[:, :1]).all())


def _may_be_best(ground: _Ground, pairs: Pairs, leader: int) -> list[int]:
    """Positions that nothing beats one-sided at alpha/max(k-1, 2); none when that claims nothing.

    All of them are a claim only when every gap is shown below the margin: each of the k(k-1) one-sided tests must
    hold, so none needs a correction (intersection-union test, Berger 1982).
    """
    k = len(ground.compared)
    beaten = pairs.beats(ground.alpha / max(k - 1, 2)).any(axis=0)
    if beaten.sum() == k - 1:
        # Each rival is behind somebody, yet not each behind the leader: then the leader alone is not shown to be best.
        beaten = beaten & (pairs.p[leader] < ground.alpha)
    kept = np.flatnonzero(~beaten).tolist()
    if len(kept) < k:
        return kept
    apart = ~np.eye(k, dtype=np.bool_)
    return kept if (pairs.upper(ground.alpha)[apart] < ground.margin).all() else []


def _cheapest_good_enough(ground: _Ground, pairs: Pairs, means: list[float]) -> int | None:
    """The cheapest model of known cost that no rival is ahead of by the margin, shown at alpha/(k-1) each."""
    if ground.prices is None:
        return None
    k = len(ground.compared)
    prices = ground.prices[ground.compared]
    behind = pairs.upper(ground.alpha / (k - 1))
    np.fill_diagonal(behind, -SCALE)
    good = (behind < ground.margin).all(axis=0) & ~np.isnan(prices)
    candidates = np.flatnonzero(good).tolist()
    return min(candidates, key=lambda position: (prices[position], -means[position], position), default=None)


def _more_cases(ground: _Ground, pairs: Pairs | None, leader: int) -> int | None:
    """How many more cases show the leader best with 80% power at the next look, and pass the guards.

    Each rival asks for the larger of its observed gap and the margin, from the SD of its own differences; the rival
    that asks for most decides. Too few cases tell nothing of that SD: then only those that the guards ask for.
    """
    n = ground.n
    alpha = alpha_for_look(ground.look + 1)
    units_per_case = 1.0 if not ground.n_clusters else ground.n_clusters / n
    fewest = max(FEWEST_CASES, -(-FEWEST_FAMILIES // units_per_case) if ground.n_clusters else 0)
    if pairs is None or pairs.units < FEWEST_FOR_SPREAD:
        return step_within_reach(int(fewest), n)
    gaps = [
        (max(float(pairs.mean[leader, rival]), ground.margin), float(pairs.sd[leader, rival]))
        for rival in range(len(ground.compared))
        if rival != leader
    ]
    needed = int(fewest)
    for lead, sd in gaps:
        cases = cases_needed(lead, sd, alpha, at_most=n + _REACH, units_per_case=units_per_case)
        if cases is None:
            return None
        needed = max(needed, cases)
    return step_within_reach(needed, n)


def _gap_figures(ground: _Ground, pairs: Pairs, leader: int, rivals: list[int]) -> tuple[GapFigures, ...]:
    low, high = pairs.interval()
    upper = pairs.upper(ground.alpha / (len(ground.compared) - 1))
    return tuple(
        GapFigures(
            rival=ground.compared[rival],
            mean=float(pairs.mean[leader, rival]),
            se=float(pairs.se[leader, rival]) if pairs.units > 1 else None,
            p=float(pairs.p[leader, rival]),
            low=float(low[leader, rival]) if pairs.units > 1 else None,
            high=float(high[leader, rival]) if pairs.units > 1 else None,
            upper=float(upper[leader, rival]),
            test=pairs.tests[leader][rival],
            n=ground.n,
        )
        for rival in rivals
    )


def _model_figures(
    table: Floats,
    lost: Bools,
    families: Families | None,
    compared: Indices,
    intervals: list[Interval],
) -> tuple[ModelFigures, ...]:
    n_cases, k = table.shape
    of_compared = dict(zip(compared.tolist(), intervals, strict=True))
    figures: list[ModelFigures] = []
    for index in range(k):
        interval = of_compared.get(index)
        if interval is None:
            own = ~lost[:, index]
            interval = column_intervals(table[own][:, [index]], None if families is None else families.of(own))[0]
        share = float(lost[:, index].sum()) / n_cases if n_cases else 0.0
        figures.append(
            ModelFigures(interval.n, interval.mean, interval.low, interval.high, share, index not in of_compared)
        )
    return tuple(figures)

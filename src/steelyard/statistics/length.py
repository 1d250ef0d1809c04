"""Whether the judge's scores rise with length, and whether a winner's lead outlives taking that out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
import numpy.typing as npt

from steelyard.statistics.families import Families, from_labels
from steelyard.statistics.inputs import checked_scores
from steelyard.statistics.paired import column_means, compare
from steelyard.statistics.power import too_few
from steelyard.statistics.special import Bools, Floats, floats, t_cdf, t_quantile
from steelyard.statistics.verdict import Verdict

SLOPE_ALPHA = 0.05
_FEWEST_EFFECTIVE = 2.0


@dataclass(frozen=True)
class AdjustedGap:
    """The leader minus one rival on the cases used, in points: as judged, and were both texts equally long.

    Each with its two-sided p; `low` and `high` are the adjusted gap's two-sided 95% interval.
    """

    rival: int
    raw: float
    raw_p: float
    adjusted: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class LengthEffect:
    """`slope`: points per doubling of an output's length, case and model held fixed; `low`, `high`: two-sided 95%.

    `adjusted`: mean of each model were all its outputs as long as the mean log length of their case, None for models
    left out. `lead_dies`: the verdict names a best; the slope is not 0 (p < .05); and for a rival in `dead` the lead
    that is shown as judged (p below the verdict's alpha, on these same cases) is adjusted to no lead at all or to one
    no longer shown. Without the slope's own test an adjustment that only adds noise would raise the flag as well.
    `n`: cases with a score and a text of every compared model. `reason`, where nothing could be computed:
    too_few_models, too_few_cases, too_few_clusters, no_variation (none, or in fewer than two cases' worth).
    """

    n: int
    slope: float | None
    low: float | None
    high: float | None
    p: float | None
    adjusted: tuple[float | None, ...]
    gaps: tuple[AdjustedGap, ...]
    lead_dies: bool
    dead: tuple[int, ...]
    reason: str | None


def length_effect(
    scores: npt.ArrayLike,
    lengths: npt.ArrayLike,
    verdict: Verdict,
    clusters: Iterable[Hashable] | None = None,
) -> LengthEffect:
    """Regress scores on log2 length with case and model fixed effects; least squares, robust to dependence in a case.

    scores: (n_cases, n_models) 0-100, NaN where missing. lengths: (n_cases, n_models), any unit (characters, tokens),
    NaN or 0 where there is no text: an empty answer scores 0 for being empty, not for being short, and its case is
    left out. verdict: that of these scores, for the models compared, the leader and alpha. clusters: one label per
    case.

    Standard errors are the jackknife over cases (over families where given; CV3 of MacKinnon, Nielsen & Webb 2023).
    t has G* - 1 df, where G* is how many cases the estimate rests on, were all to weigh the same (Bell & McCaffrey
    2002, for independent errors): a few cases with very short texts may carry most of the slope, and the usual
    cluster-robust variance with G - 1 df then finds a slope where there is none in up to a quarter of runs.
    A slope is no proof of bias: longer answers may
    be better ones. The raw scores stay what they are.
    ValueError when shapes do not fit, a length is negative or infinite, or the verdict is of other models.
    """
    table = checked_scores(scores)
    texts = np.asarray(lengths, dtype=np.float64)
    if texts.shape != table.shape:
        raise ValueError(f"lengths has the shape {texts.shape}; the scores have {table.shape}.")
    if np.any((texts < 0) | np.isinf(texts)):
        raise ValueError("lengths must be finite and at least 0 (NaN where there is no text).")
    if len(verdict.models) != table.shape[1]:
        raise ValueError(f"The verdict is of {len(verdict.models)} models, the scores of {table.shape[1]}.")
    compared = list(verdict.compared)
    known: Bools = ~np.isnan(table[:, compared]) & (np.nan_to_num(texts[:, compared]) > 0)
    rows: Bools = np.asarray(known.all(axis=1), dtype=np.bool_)
    n, k = int(rows.sum()), table.shape[1]
    families = from_labels(range(len(rows)) if clusters is None else clusters, len(rows)).of(rows)
    fit: _Fit | str = _why_none(n, families, len(compared), clustered=clusters is not None) or _fit(
        table[rows][:, compared], np.log2(texts[rows][:, compared]), families
    )
    if isinstance(fit, str):
        return LengthEffect(n, None, None, None, None, (None,) * k, (), False, (), fit)
    adjusted: list[float | None] = [None] * k
    for place, model in enumerate(compared):
        adjusted[model] = float(fit.adjusted[place])
    gaps = _gaps(fit, compared, verdict)
    slope = fit.slope
    dead = [
        gap.rival
        for gap in gaps
        if gap.raw > 0 and gap.raw_p < verdict.alpha and (gap.adjusted <= 0 or gap.p >= verdict.alpha)
    ]
    dies = verdict.kind == "best" and slope.p < SLOPE_ALPHA and bool(dead)
    return LengthEffect(
        n=n,
        slope=slope.value,
        low=slope.value - slope.half,
        high=slope.value + slope.half,
        p=slope.p,
        adjusted=tuple(adjusted),
        gaps=gaps,
        lead_dies=dies,
        dead=tuple(dead) if dies else (),
        reason=None,
    )


def _why_none(n: int, families: Families, compared: int, *, clustered: bool) -> str | None:
    if compared < 2:
        return "too_few_models"
    return too_few(n, families.count if clustered else None)


@dataclass(frozen=True)
class _Estimate:
    """A value, its jackknife standard error, and the df of its t."""

    value: float
    se: float
    df: float

    @property
    def half(self) -> float:
        return t_quantile(self.df, 0.975) * self.se

    @property
    def p(self) -> float:
        if self.se < 1e-12:
            return 1.0 if abs(self.value) < 1e-9 else 0.0
        return float(2.0 * t_cdf(self.df, -abs(self.value) / self.se))


@dataclass(frozen=True)
class _Fit:
    """Scores and log2 lengths of complete cases, (n, k); `y` and `x` are the two less both fixed effects."""

    scores: Floats
    length: Floats
    families: Families
    y: Floats
    x: Floats

    @cached_property
    def slope(self) -> _Estimate:
        return self._estimate(self._shared / self._spread, self._slopes, self.x / self._spread)

    @cached_property
    def adjusted(self) -> Floats:
        means = self.length.mean(axis=0)
        return column_means(self.scores) - self.slope.value * (means - means.mean())

    def gap(self, first: int, second: int) -> _Estimate:
        """Between two adjusted means."""
        apart = self.length[:, first] - self.length[:, second]
        raw = self.scores[:, first] - self.scores[:, second]
        weights = -float(apart.mean()) * self.x / self._spread
        weights[:, first] += 1 / len(self.x)
        weights[:, second] -= 1 / len(self.x)
        value = float(self.adjusted[first] - self.adjusted[second])
        return self._estimate(value, self._means_without(raw) - self._slopes * self._means_without(apart), weights)

    @cached_property
    def _spread(self) -> float:
        return float((self.x * self.x).sum())

    @cached_property
    def _shared(self) -> float:
        return float((self.x * self.y).sum())

    @property
    def _left(self) -> Floats:
        return floats(len(self.x) - self.families.sizes)

    @cached_property
    def _slopes(self) -> Floats:
        """(families,) the slope without each of them; what is left has other means of the models, hence the x * y."""
        x, y = self.families.sums(self.x), self.families.sums(self.y)
        products = np.stack([(self.x * self.y).sum(axis=1), (self.x * self.x).sum(axis=1)], axis=1)
        shared, spread = self.families.sums(products)
        shared = self._shared - shared - (x * y).sum(axis=0) / self._left
        return floats(shared / (self._spread - spread - (x * x).sum(axis=0) / self._left))

    def _means_without(self, values: Floats) -> Floats:
        return floats((values.sum() - self.families.sums(values[:, None])[0]) / self._left)

    def _estimate(self, value: float, without: Floats, weights: Floats) -> _Estimate:
        """weights: (n, k) of each score in the estimate; from them follows on how many families it rests."""
        count = self.families.count
        se = sqrt((count - 1) / count * float(((without - without.mean()) ** 2).sum()))
        return _Estimate(value, se, max(_rests_on(weights, self.families) - 1, 1.0))


def _rests_on(weights: Floats, families: Families) -> float:
    squares = families.sums((weights * weights).sum(axis=1)[:, None])[0]
    return float(squares.sum() ** 2 / (squares**2).sum())


def _fit(scores: Floats, length: Floats, families: Families) -> _Fit | str:
    x = _demeaned(length)
    # Texts that differ by less than a ten-thousandth of a doubling have the same length.
    if float((x * x).sum()) < x.size * 1e-8 or _rests_on(x, families) < _FEWEST_EFFECTIVE:
        return "no_variation"
    return _Fit(scores, length, families, _demeaned(scores), x)


def _demeaned(values: Floats) -> Floats:
    """Less the means of cases and of models: on a complete table this takes out both fixed effects."""
    return values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()


def _gaps(fit: _Fit, compared: list[int], verdict: Verdict) -> tuple[AdjustedGap, ...]:
    assert verdict.leader is not None
    leader = compared.index(verdict.leader)
    pairs = compare(fit.scores, fit.families)
    gaps: list[AdjustedGap] = []
    for place, rival in enumerate(compared):
        if place == leader:
            continue
        gap = fit.gap(leader, place)
        gaps.append(
            AdjustedGap(
                rival=rival,
                raw=float(pairs.mean[leader, place]),
                raw_p=float(pairs.p[leader, place]),
                adjusted=gap.value,
                low=gap.value - gap.half,
                high=gap.value + gap.half,
                p=gap.p,
            )
        )
    return tuple(gaps)

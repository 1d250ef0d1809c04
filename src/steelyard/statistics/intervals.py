"""Intervals of one model's figures, the lift of a skill, and quantiles of latencies."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from steelyard.statistics.families import Families, from_labels
from steelyard.statistics.paired import SCALE, column_means, compare
from steelyard.statistics.power import unseen_share
from steelyard.statistics.special import Floats, floats, normal_quantile, t_quantile


@dataclass(frozen=True)
class Interval:
    """A mean with its interval, in points; `low` and `high` are None below two cases or families."""

    n: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Lift:
    """With-skill minus without-skill on the same cases, in points.

    `gain` is the normalised gain (with - without)/(100 - without) of the means (Hake 1998); None where the mean
    without the skill is 100 already. `low`, `high`: two-sided 95%, None below two cases or families; `p` two-sided.
    Without a complete case all are None.
    """

    n: int
    n_clusters: int | None
    mean: float | None
    low: float | None
    high: float | None
    p: float | None
    test: str | None
    gain: float | None


def wilson_interval(passed: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a share, 0-1 (Wilson 1927); (0, 1) where n is 0.

    ValueError unless 0 <= passed <= n and 0 < level < 1.
    """
    if not 0 <= passed <= n:
        raise ValueError(f"{passed} of {n} cannot have passed.")
    _check_level(level)
    if n == 0:
        return 0.0, 1.0
    z = normal_quantile(0.5 + level / 2)
    share = passed / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (0.0 if passed == 0 else max(0.0, centre - half)), (1.0 if passed == n else min(1.0, centre + half))


def mean_interval(values: npt.ArrayLike, clusters: Iterable[Hashable] | None = None, level: float = 0.95) -> Interval:
    """Mean of scores of 0-100 with its two-sided t interval, clipped to 0-100; NaN values are left out.

    `clusters`: one label per value; the interval is then cluster-robust with G - 1 df. Where all values are the same
    the interval comes from the share of cases that may yet differ, as t would give it no width.
    ValueError when values are outside 0-100 or the labels do not fit.
    """
    _check_level(level)
    column = _scores(values, "values")
    families = None if clusters is None else from_labels(clusters, column.size)
    known = ~np.isnan(column)
    return column_intervals(column[known][:, None], None if families is None else families.of(known), level)[0]


def column_intervals(scores: Floats, families: Families | None, level: float = 0.95) -> list[Interval]:
    """`mean_interval` of each column of complete scores (n, columns)."""
    n, k = scores.shape
    if n == 0:
        return [Interval(0, None, None, None)] * k
    columns = np.sort(scores.T, axis=1)
    means = column_means(scores)
    if families is None or families.all_single:
        units = n
        squares = np.sort((columns - means[:, None]) ** 2, axis=1).sum(axis=1)
        effective = float(n)
    else:
        units, effective = families.count, families.effective
        residuals = families.sums(scores) - floats(families.sizes) * means[:, None]
        squares = np.sort(residuals**2, axis=1).sum(axis=1)
    if units < 2:
        return [Interval(n, mean, None, None) for mean in means.tolist()]
    se = floats(np.sqrt(squares * units / (units - 1)) / n)
    half = t_quantile(units - 1, 0.5 + level / 2) * se
    same = columns[:, 0] == columns[:, -1]
    # Clopper-Pearson for "no case differed": up to this share of cases may be anywhere on the scale.
    unseen = unseen_share(effective, (1.0 - level) / 2)
    low = floats(np.where(same, means * (1.0 - unseen), np.maximum(means - half, 0.0)))
    high = floats(np.where(same, means + (SCALE - means) * unseen, np.minimum(means + half, SCALE)))
    rows = zip(means.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Interval(n, mean, at_least, at_most) for mean, at_least, at_most in rows]


def lift(with_scores: npt.ArrayLike, without_scores: npt.ArrayLike, clusters: Iterable[Hashable] | None = None) -> Lift:
    """Paired difference of one model with and without the skill; cases missing in either arm (NaN) are left out.

    Both: (n_cases,) 0-100 in the same order of cases. The tests are those of `decide`. ValueError on other shapes.
    """
    pair = np.stack([_scores(with_scores, "with_scores"), _scores(without_scores, "without_scores")], axis=1)
    families = None if clusters is None else from_labels(clusters, pair.shape[0])
    complete = np.asarray(~np.isnan(pair).any(axis=1), dtype=np.bool_)
    pair = pair[complete]
    families = None if families is None else families.of(complete)
    n = pair.shape[0]
    count = None if families is None else families.count
    if n == 0:
        return Lift(0, count, None, None, None, None, None, None)
    pairs = compare(pair, families)
    low, high = pairs.interval()
    mean = float(pairs.mean[0, 1])
    left = SCALE - float(column_means(pair)[1])
    return Lift(
        n=n,
        n_clusters=count,
        mean=mean,
        low=float(low[0, 1]) if pairs.units > 1 else None,
        high=float(high[0, 1]) if pairs.units > 1 else None,
        p=float(pairs.p[0, 1]),
        test=pairs.tests[0][1],
        gain=mean / left if left > 1e-9 else None,
    )


def quantile(values: Iterable[float], q: float) -> float | None:
    """The q-th quantile (0-1) by linear interpolation between order statistics (Hyndman & Fan 1996, type 7).

    None without values; NaN values are left out. ValueError when q is outside 0-1.
    """
    return quantiles(values, (q,))[0]


def quantiles(values: Iterable[float], at: Sequence[float] = (0.5, 0.95)) -> tuple[float | None, ...]:
    """`quantile` at several points: by default p50 and p95."""
    if not all(0 <= q <= 1 for q in at):
        raise ValueError(f"A quantile lies between 0 and 1: {tuple(at)}.")
    listed = np.asarray(list(values), dtype=np.float64)
    listed = listed[~np.isnan(listed)]
    if listed.size == 0:
        return (None,) * len(at)
    return tuple(float(value) for value in np.quantile(listed, list(at)))


def _scores(values: npt.ArrayLike, name: str) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"{name} has {column.ndim} dimensions; it needs one value per case.")
    if np.any((column < 0) | (column > SCALE)):
        raise ValueError(f"{name} must lie within 0-100.")
    return column


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"A level lies between 0 and 1, not {level}.")

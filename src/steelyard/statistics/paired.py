"""Every pair of models on the same cases: differences, tests and one-sided bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from steelyard.statistics import exact
from steelyard.statistics.families import Families
from steelyard.statistics.power import unseen_share
from steelyard.statistics.special import Bools, Floats, Indices, floats, t_cdf, t_quantile

FEWEST_NONZERO = 6
"""Fewer non-zero differences than this get a permutation test in place of t."""

SCALE = 100.0
_DECIMALS = 9
"""Differences are rounded to this many decimals, so that equal gaps are equal in floating point as well."""


@dataclass(frozen=True)
class Pairs:
    """All ordered pairs of k models over n complete cases; row i, column j is model i minus model j, in points.

    `units` are the independent units: cases, or families. `flat` pairs differ by one constant everywhere. `tests`
    names each pair's test (empty on the diagonal). Antisymmetric to the last bit.
    """

    n: int
    units: int
    mean: Floats
    se: Floats
    p: Floats
    tests: tuple[tuple[str, ...], ...]
    _few: Bools
    _flat: Bools
    _all_or_nothing: bool
    _positive: Floats
    _effective: float
    _step: float

    def of(self, models: Sequence[int]) -> Pairs:
        """These models' pairs alone, in that order."""
        square = np.ix_(models, models)
        return replace(
            self,
            mean=self.mean[square],
            se=self.se[square],
            p=self.p[square],
            tests=tuple(tuple(self.tests[i][j] for j in models) for i in models),
            _few=self._few[square],
            _flat=self._flat[square],
            _positive=self._positive[square],
        )

    def upper(self, alpha: float) -> Floats:
        """(k, k) one-sided 1 - alpha upper bounds of the true mean difference.

        Paired t (cluster-robust with families); where that has nothing to stand on, a bound from the share of
        cases that differ at all, which holds for any scores of 0-100. t says nothing of failures too rare to have been
        seen (`unseen_share`).
        """
        bound = self._t_upper(alpha)
        exactly = self._few | self._flat | self._all_or_nothing
        if exactly.any():
            bound = np.where(exactly, self._exact_upper(alpha), bound)
        return np.minimum(bound, SCALE)

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """(k, k) lower and upper ends of the two-sided interval; zero is inside unless the test rejects it.

        With few non-zero differences this is t, not the bound of `upper`: that allows for any unseen case, and says
        nothing of where the gap lies. One unit alone (`units` 1) says nothing of it either, whatever stands here.
        """
        alpha = 1.0 - level
        upper = np.minimum(np.where(self._few, self._t_upper(alpha / 2), self.upper(alpha / 2)), SCALE)
        lower = -upper.T
        rejected = self.p < alpha
        lower = np.where(rejected & (self.mean > 0), np.maximum(lower, 0.0), lower)
        upper = np.where(rejected & (self.mean < 0), np.minimum(upper, 0.0), upper)
        lower = np.where(rejected, lower, np.minimum(lower, 0.0))
        upper = np.where(rejected, upper, np.maximum(upper, 0.0))
        return lower, upper

    def beats(self, alpha: float) -> Bools:
        """(k, k) whether model i is shown above model j one-sided at `alpha`."""
        return (self.mean > 0) & (self.p / 2 < alpha)

    @cached_property
    def sd(self) -> Floats:
        """(k, k) standard error x sqrt(n): the SD of the paired differences, or its equivalent with families."""
        return self.se * np.sqrt(self.n)

    def _t_upper(self, alpha: float) -> Floats:
        return self.mean + self.se * t_quantile(max(self.units - 1, 1), 1.0 - alpha)

    def _exact_upper(self, alpha: float) -> Floats:
        above, below = self._positive, self._positive.T
        if self._step > 0:
            return self._step * exact.share_difference_upper(above, below, self._effective, alpha)
        unseen = unseen_share(self._effective, alpha)
        constant = self.mean * (1.0 - unseen) + SCALE * unseen
        # What is lost is at least 0, what is won at most the whole scale.
        few = SCALE * exact.share_upper(above, self._effective, alpha)
        return np.where(self._flat, constant, few)


def compare(scores: Floats, families: Families | None = None) -> Pairs:
    """Compare every pair of columns.

    scores: (n, k), complete, 0-100, n >= 1. Student's paired t with n - 1 df; with families the cluster-robust
    variance of Liang & Zeger 1986 with the factor G/(G-1) and G - 1 df. Exact tests where there are two scores alone,
    where fewer than six differences are not zero, or where all are the same; exact bounds in the last two, and where
    each score is 0 or 100.
    """
    n, k = scores.shape
    if families is not None and families.all_single:
        families = None
    first, second = _above(k)
    columns = np.ascontiguousarray(scores.T)
    means = column_means(scores)
    mean = means[first] - means[second]
    if families is None:
        seen = _by_case(columns, first, second, mean)
    else:
        seen = _by_family(scores, first, second, mean, families)
    levels = np.unique(scores)
    step = float(levels[-1] - levels[0]) if levels.size == 2 else 0.0
    binary = levels.size <= 2
    # Two scores within the scale may be two of many: the bound then allows for any case unseen.
    all_or_nothing = binary and bool(np.isin(levels, (0.0, SCALE)).all())
    p, tests = _tests(seen, mean, step, binary=binary, clustered=families is not None)
    effective = float(n) if families is None else families.effective
    won = ((seen.differences > 0) * seen.sizes).sum(axis=1) * (effective / n)
    lost = ((seen.differences < 0) * seen.sizes).sum(axis=1) * (effective / n)
    se = np.where(seen.flat, 0.0, seen.se)
    return Pairs(
        n=n,
        units=seen.units,
        mean=_square(k, mean, -mean, 0.0),
        se=_square(k, se, se, 0.0),
        p=_square(k, p, p, 1.0),
        tests=_square_names(k, tests),
        _few=_square(k, seen.few, seen.few, 0.0).astype(np.bool_),
        _flat=_square(k, seen.flat, seen.flat, 0.0).astype(np.bool_),
        _all_or_nothing=all_or_nothing and families is None,
        _positive=_square(k, won, lost, 0.0),
        _effective=effective,
        _step=step if all_or_nothing and families is None else 0.0,
    )


def column_means(scores: Floats) -> Floats:
    """Means of complete scores (n, k), each summed from the smallest value: the last bit is free of the rows' order."""
    columns = np.sort(scores.T, axis=1)
    means = columns.sum(axis=1) / scores.shape[0]
    return np.where(columns[:, 0] == columns[:, -1], columns[:, 0], means)


@dataclass(frozen=True)
class _Differences:
    """Differences of each pair summed per unit (a case, or a family): (pairs, units), and what follows from them."""

    differences: Floats
    sizes: Floats
    se: Floats

    @property
    def units(self) -> int:
        return self.differences.shape[1]

    @cached_property
    def flat(self) -> Bools:
        return np.ptp(np.round(self.differences / self.sizes, _DECIMALS), axis=1) == 0

    @cached_property
    def few(self) -> Bools:
        return (np.count_nonzero(self.differences, axis=1) < FEWEST_NONZERO) & ~self.flat


def _by_case(columns: Floats, first: Indices, second: Indices, mean: Floats) -> _Differences:
    n = columns.shape[1]
    differences = np.round(columns[first] - columns[second], _DECIMALS)
    # Sorted before they are added up: the last bit does not depend on the order of the cases.
    squares = np.sort((differences - mean[:, None]) ** 2, axis=1).sum(axis=1)
    return _Differences(differences, floats(np.ones(n)), np.sqrt(squares / max(n - 1, 1) / n))


def _by_family(scores: Floats, first: Indices, second: Indices, mean: Floats, families: Families) -> _Differences:
    sums = families.sums(scores)
    sizes = floats(families.sizes)
    differences = np.round(sums[first] - sums[second], _DECIMALS)
    squares = np.sort((differences - sizes * mean[:, None]) ** 2, axis=1).sum(axis=1)
    count = families.count
    return _Differences(differences, sizes, np.sqrt(squares * count / max(count - 1, 1)) / families.codes.size)


def _tests(seen: _Differences, mean: Floats, step: float, *, binary: bool, clustered: bool) -> tuple[Floats, list[str]]:
    differences = seen.differences
    by_t = ~(seen.flat | seen.few) & (not binary)
    p = np.ones(mean.size)
    p[by_t] = 2.0 * t_cdf(seen.units - 1, -np.abs(mean[by_t] / seen.se[by_t]))
    names = ["cluster-robust paired t" if clustered else "paired t"] * mean.size
    if by_t.all():
        return p, names
    signs = exact.sign_test((differences > 0).sum(axis=1), (differences < 0).sum(axis=1))
    for pair in np.flatnonzero(~by_t).tolist():
        if binary and clustered:
            p[pair], names[pair] = exact.lattice_sign_flip_test(differences[pair], step or 1.0), "cluster permutation"
        elif seen.few[pair] and not binary:
            p[pair] = exact.sign_flip_test(differences[pair])
            names[pair] = "cluster permutation" if clustered else "permutation"
        else:
            p[pair], names[pair] = signs[pair], "cluster sign" if clustered else "sign"
    return p, names


@lru_cache(64)
def _above(k: int) -> tuple[Indices, Indices]:
    """The places above the diagonal of a (k, k) table; numpy takes longer to list them than to fill them."""
    return np.triu_indices(k, 1)


def _square(k: int, above: Floats | Bools, below: Floats | Bools, diagonal: float) -> Floats:
    out = np.full((k, k), diagonal)
    rows, columns = _above(k)
    out[rows, columns] = above
    out[columns, rows] = below
    return out


def _square_names(k: int, names: list[str]) -> tuple[tuple[str, ...], ...]:
    rows = [[""] * k for _ in range(k)]
    pairs = ((i, j) for i in range(k) for j in range(i + 1, k))
    for (i, j), name in zip(pairs, names, strict=True):
        rows[i][j] = rows[j][i] = name
    return tuple(tuple(row) for row in rows)

"""How far people, the judge and the mere length of a text agree about the same outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import atanh, sqrt, tanh

import numpy as np
import numpy.typing as npt

from steelyard.statistics.special import Bools, Floats, Ints, floats, t_quantile

_FEWEST_SHARED = 3
_MOST_GROUPS = 50
_NEAR_ONE = 1 - 1e-9


@dataclass(frozen=True)
class Agreement:
    """Two kinds of raters on the same outputs; each figure is the mean over pairs of one rater of each kind.

    `n`: outputs at least one pair has both rated. `spearman` with its 95% interval (`low`, `high`), `pearson`: -1 to 1.
    `order`: of the pairs of outputs of one case that the reference rates differently, the share (0-1) that the other
    orders the same way; a tie counts half, so that chance gives .5. None where nothing can be computed.
    """

    n: int
    spearman: float | None
    low: float | None
    high: float | None
    pearson: float | None
    order: float | None


@dataclass(frozen=True)
class JudgeAgreement:
    """The judge beside people, people beside each other, and "the longest wins" beside people.

    All three are means over single raters, so they compare like with like: a judge as good as one more person has
    `judge` equal to `people`. `alpha` is Krippendorff's alpha of the people. `people` and `alpha` are None with one
    rater, `length` without lengths. `n_rated`: outputs with a score and at least one rating.
    """

    n_rated: int
    judge: Agreement
    people: Agreement | None
    length: Agreement | None
    alpha: float | None


def judge_agreement(
    judged: npt.ArrayLike, ratings: npt.ArrayLike, lengths: npt.ArrayLike | None = None
) -> JudgeAgreement:
    """Agreement of the judge with people, beside that of people with people and of length with people.

    judged: (n_cases, n_models), NaN where missing. ratings: (n_raters, n_cases, n_models) or, of one rater,
    (n_cases, n_models), on any one scale, NaN where not rated. lengths: (n_cases, n_models) of the texts, any unit.
    The interval is a jackknife over whole cases on Fisher's z with t, so outputs of one case are not counted as
    independent (Efron & Stein 1981; up to 50 groups of cases).
    ValueError when the shapes do not fit.
    """
    judge = np.asarray(judged, dtype=np.float64)
    people = _raters(ratings, judge.shape)
    raters = range(people.shape[0])
    judge_first = np.concatenate([judge[None], people])
    length: Agreement | None = None
    if lengths is not None:
        texts = np.asarray(lengths, dtype=np.float64)
        if texts.shape != judge.shape:
            raise ValueError(f"lengths has the shape {texts.shape}; the judged scores have {judge.shape}.")
        length = _agreement(np.concatenate([texts[None], people]), [(rater + 1, 0) for rater in raters])
    among: Agreement | None = None
    if len(raters) > 1:
        # Both ways, as of two people neither is the reference.
        both = [pair for a, b in combinations(raters, 2) for pair in ((a, b), (b, a))]
        among = _agreement(people, both)
    return JudgeAgreement(
        n_rated=int((~np.isnan(judge) & (~np.isnan(people)).any(axis=0)).sum()),
        judge=_agreement(judge_first, [(rater + 1, 0) for rater in raters]),
        people=among,
        length=length,
        alpha=krippendorff_alpha(people.reshape(len(raters), -1)) if len(raters) > 1 else None,
    )


def krippendorff_alpha(ratings: npt.ArrayLike) -> float | None:
    """Krippendorff's alpha for interval data (Krippendorff 2004, ch. 11): 1 is full agreement, 0 that of chance.

    ratings: (n_raters, n_outputs), NaN where not rated. None where no output has two ratings or all ratings are equal.
    ValueError unless there are two dimensions.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"ratings has {table.ndim} dimensions; it needs two: raters x outputs.")
    known = ~np.isnan(table)
    counts = known.sum(axis=0)
    table, known, counts = table[:, counts > 1], known[:, counts > 1], counts[counts > 1]
    n = int(counts.sum())
    if n == 0:
        return None
    values = np.where(known, table, 0.0)
    within = np.where(known, table - values.sum(axis=0) / counts, 0.0)
    overall = np.where(known, table - values.sum() / n, 0.0)
    expected = float((overall**2).sum()) / (n - 1)
    if expected <= 1e-12:
        return None
    # Sums of squared differences over ordered pairs are 2m times the squares about the mean; the 2 cancels.
    observed = float(((within**2).sum(axis=0) * counts / (counts - 1)).sum()) / n
    return 1.0 - observed / expected


def correlation(first: Floats, second: Floats) -> float | None:
    """Pearson's r of two complete columns; None below three values or where one does not vary."""
    if first.size < _FEWEST_SHARED:
        return None
    a, b = first - first.mean(), second - second.mean()
    scale = sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / scale if scale > 1e-12 else None


def ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return floats((ends - (counts - 1) / 2)[places])


def _raters(ratings: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    people = np.asarray(ratings, dtype=np.float64)
    people = people[None] if people.ndim == 2 else people
    if len(shape) != 2 or people.ndim != 3 or people.shape[1:] != shape or people.shape[0] == 0:
        raise ValueError(f"ratings has the shape {people.shape}; the judged scores have {shape}: cases x models.")
    return people


@dataclass(frozen=True)
class _Means:
    spearman: float | None
    pearson: float | None
    order: float | None


def _agreement(scores: Floats, pairs: Sequence[tuple[int, int]]) -> Agreement:
    """scores: (raters, cases, models); pairs: (reference, other) raters."""
    known = ~np.isnan(scores)
    shared = np.zeros(scores.shape[1:], dtype=np.bool_)
    for one, other in pairs:
        shared |= known[one] & known[other]
    # Cases nobody shares carry nothing, and would count as units of the jackknife.
    scores, n = scores[:, shared.any(axis=1)], int(shared.sum())
    whole = _means(scores, pairs)
    low, high = _jackknife(scores, pairs, whole.spearman)
    return Agreement(n, whole.spearman, low, high, whole.pearson, whole.order)


def _jackknife(
    scores: Floats, pairs: Sequence[tuple[int, int]], estimate: float | None
) -> tuple[float | None, float | None]:
    cases = scores.shape[1]
    groups = min(cases, _MOST_GROUPS)
    if estimate is None or groups < _FEWEST_SHARED:
        return None, None
    # A correlation is the same both ways.
    pairs = sorted({(min(pair), max(pair)) for pair in pairs})
    group_of: Ints = np.arange(cases, dtype=np.int64) % groups
    without = [_means(scores[:, group_of != group], pairs, only_spearman=True).spearman for group in range(groups)]
    seen = np.array([_fisher(rho) for rho in without if rho is not None])
    if seen.size < groups:
        return None, None
    half = t_quantile(groups - 1, 0.975) * sqrt((groups - 1) / groups * float(((seen - seen.mean()) ** 2).sum()))
    return tanh(_fisher(estimate) - half), tanh(_fisher(estimate) + half)


def _fisher(rho: float) -> float:
    return atanh(max(-_NEAR_ONE, min(_NEAR_ONE, rho)))


def _means(scores: Floats, pairs: Sequence[tuple[int, int]], *, only_spearman: bool = False) -> _Means:
    """Each pair weighs as many outputs as it shares; the orders as many as the reference tells apart."""
    spearman, pearson, weights = list[float](), list[float](), list[int]()
    same = told = 0.0
    for one, other in pairs:
        both: Bools = ~np.isnan(scores[one]) & ~np.isnan(scores[other])
        first, second = scores[one][both], scores[other][both]
        rho = correlation(ranks(first), ranks(second))
        if rho is not None:
            spearman.append(rho)
            pearson.append(correlation(first, second) or 0.0)
            weights.append(int(first.size))
        if not only_spearman:
            agreed, differing = _orders(scores[one], scores[other])
            same, told = same + agreed, told + differing
    if not weights:
        return _Means(None, None, same / told if told else None)
    by: Ints = np.array(weights, dtype=np.int64)
    return _Means(
        float(np.average(spearman, weights=by)),
        float(np.average(pearson, weights=by)),
        same / told if told else None,
    )


def _orders(reference: Floats, other: Floats) -> tuple[float, int]:
    """(pairs of one case ordered alike, ties as halves; pairs that the reference orders at all)."""
    first, second = np.triu_indices(reference.shape[1], 1)
    wanted = np.sign(reference[:, first] - reference[:, second])
    got = np.sign(other[:, first] - other[:, second])
    counted = ~np.isnan(wanted) & ~np.isnan(got) & (wanted != 0)
    alike = np.where(got == 0, 0.5, (got == wanted).astype(np.float64))
    return float(alike[counted].sum()), int(counted.sum())

"""Claims on the human scale: few ratings by people, made sharper by many scores of the judge (PPI++)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt

from steelyard.statistics.families import Families, from_codes, from_labels
from steelyard.statistics.paired import FEWEST_NONZERO, SCALE
from steelyard.statistics.power import FEWEST_CASES, FEWEST_FAMILIES
from steelyard.statistics.special import Bools, Floats, floats, t_cdf, t_quantile

Design = Literal["one model", "same cases", "other cases"]


@dataclass(frozen=True)
class HumanEstimate:
    """A mean, or a difference of two models, on the scale of the people, in points.

    `n_rated`: cases with a rating (of a difference by "same cases": with one of each model; by "other cases": of the
    model that has fewer); `n_judged`: further cases with the judge's score alone. `lam`: how far the judge is trusted,
    0 (not at all) to 1, found from the data; one per model by "other cases". `low`, `high`: two-sided 95%; `p`: that
    the true value is 0, two-sided, for differences only. Where nothing may be claimed all but the counts are None and
    `reason` says why: too_few_ratings, too_few_clusters, too_few_differences, no_spread.
    """

    design: Design
    n_rated: int
    n_judged: int
    mean: float | None
    se: float | None
    low: float | None
    high: float | None
    p: float | None
    lam: tuple[float, ...] | None
    reason: str | None


def human_mean(
    judged: npt.ArrayLike, people: npt.ArrayLike, clusters: Iterable[Hashable] | None = None, level: float = 0.95
) -> HumanEstimate:
    """The mean that people would give one model on cases like these, by PPI++ (Angelopoulos, Duchi & Zrnic 2023).

    judged: (n_cases,) the judge's scores, NaN where missing (such a case plays no part). people: (n_cases,) ratings of
    the same outputs as points of 0-100, NaN where not rated. The rated cases must have been drawn at random and rated
    blindly, which is the caller's to see to. clusters: one label per case, cases of one label are a family.

    The estimate is lam * mean(judge, not rated) + mean(people - lam * judge, rated), with the lam of least variance
    clipped to [0, 1] (eq. 10, as ppi-python has it). The interval differs from the paper's, which is for large n: z
    and variances over n cover only 86-92% with 8 to 20 ratings. As lam takes a degree of freedom more than the mean,
    as a regression's slope does, residuals are taken over n - 2 and t has n - 2 df (rated families - 2).
    No claim below 8 rated cases or 8 rated families. ValueError when shapes do not fit or values are outside 0-100.
    """
    judge, rated, families = _checked(judged, people, clusters, 1)
    part = _part(judge[:, 0], rated[:, 0], families)
    return _estimate("one model", [part], families, (0.0, SCALE), level)


def human_difference(
    judged: npt.ArrayLike, people: npt.ArrayLike, clusters: Iterable[Hashable] | None = None, level: float = 0.95
) -> HumanEstimate:
    """The mean of model 0 minus that of model 1 as people would give them; arguments as in `human_mean`, (n_cases, 2).

    Where the same cases were rated for both models (at least 8 of them, and at least half of those rated for the one
    that has fewer), `human_mean` of the paired differences. Else each model's own estimate, with the variance of the
    difference from what each case adds to both, and min(n_0, n_1) - 2 df. Which of the two depends on what was rated,
    never on how. No claim where fewer than six paired differences of the people are not zero.
    """
    judge, rated, families = _checked(judged, people, clusters, 2)
    known = ~np.isnan(rated) & ~np.isnan(judge)
    both = known.all(axis=1)
    fewer = int(known.sum(axis=0).min())
    span = (-SCALE, SCALE)
    if both.sum() < max(FEWEST_CASES, fewer / 2):
        parts = [_part(judge[:, 0], rated[:, 0], families), _part(judge[:, 1], rated[:, 1], families)]
        return _estimate("other cases", parts, families, span, level)
    part = _part(judge[:, 0] - judge[:, 1], rated[:, 0] - rated[:, 1], families)
    if np.count_nonzero((rated[:, 0] - rated[:, 1])[both]) < FEWEST_NONZERO:
        return _nothing("same cases", [part], "too_few_differences")
    return _estimate("same cases", [part], families, span, level)


@dataclass(frozen=True)
class _Part:
    """One PPI++ mean. `influence`: (n_cases,) what each case adds to the estimate's error; `units`: rated families."""

    n_rated: int
    n_judged: int
    units: int
    mean: float
    lam: float
    influence: Floats
    flat: bool


def _part(judge: Floats, people: Floats, families: Families) -> _Part:
    seen = ~np.isnan(judge)
    rated: Bools = np.asarray(seen & ~np.isnan(people), dtype=np.bool_)
    rest: Bools = np.asarray(seen & np.isnan(people), dtype=np.bool_)
    n, more = int(rated.sum()), int(rest.sum())
    units, rest_units = families.of(rated).count, families.of(rest).count
    influence = np.zeros(judge.size)
    if n < 3 or units < 3:
        return _Part(n, more, units, 0.0, 0.0, influence, flat=True)
    by_people, by_judge, alone = people[rated], judge[rated], judge[rest]
    lam = _best_lam(by_people, by_judge, alone) if rest_units > 1 else 0.0
    rectified = by_people - lam * by_judge
    influence[rated] = (rectified - rectified.mean()) / n * sqrt(units / (units - 2))
    mean = float(rectified.mean())
    if lam > 0:
        influence[rest] = lam * (alone - alone.mean()) / more * sqrt(rest_units / (rest_units - 1))
        mean += lam * float(alone.mean())
    return _Part(n, more, units, mean, lam, influence, flat=bool(np.ptp(rectified) < 1e-9))


def _best_lam(people: Floats, judge: Floats, alone: Floats) -> float:
    """The power-tuning of least variance, clipped to [0, 1]; the judge's variance is that of all its scores."""
    spread = float(np.concatenate([judge, alone]).var(ddof=1))
    if spread < 1e-12:
        return 0.0
    shared = float(((people - people.mean()) * (judge - judge.mean())).mean())
    return min(max(shared / ((1 + judge.size / alone.size) * spread), 0.0), 1.0)


def _estimate(
    design: Design, parts: list[_Part], families: Families, span: tuple[float, float], level: float
) -> HumanEstimate:
    if not 0 < level < 1:
        raise ValueError(f"A level lies between 0 and 1, not {level}.")
    if min(part.n_rated for part in parts) < FEWEST_CASES:
        return _nothing(design, parts, "too_few_ratings")
    units = min(part.units for part in parts)
    if units < FEWEST_FAMILIES:
        return _nothing(design, parts, "too_few_clusters")
    if any(part.flat for part in parts):
        return _nothing(design, parts, "no_spread")
    signs = [1.0, -1.0][: len(parts)]
    mean = sum(sign * part.mean for sign, part in zip(signs, parts, strict=True))
    added = floats(sum(sign * part.influence for sign, part in zip(signs, parts, strict=True)))
    se = sqrt(float((np.bincount(families.codes, weights=added) ** 2).sum()))
    half = t_quantile(units - 2, 0.5 + level / 2) * se
    fewest = min(parts, key=lambda part: part.n_rated)
    return HumanEstimate(
        design=design,
        n_rated=fewest.n_rated,
        n_judged=fewest.n_judged,
        mean=mean,
        se=se,
        low=max(mean - half, span[0]),
        high=min(mean + half, span[1]),
        p=None if design == "one model" else float(2.0 * t_cdf(units - 2, -abs(mean) / se)),
        lam=tuple(part.lam for part in parts),
        reason=None,
    )


def _nothing(design: Design, parts: list[_Part], reason: str) -> HumanEstimate:
    fewest = min(parts, key=lambda part: part.n_rated)
    return HumanEstimate(design, fewest.n_rated, fewest.n_judged, None, None, None, None, None, None, reason)


def _checked(
    judged: npt.ArrayLike, people: npt.ArrayLike, clusters: Iterable[Hashable] | None, models: int
) -> tuple[Floats, Floats, Families]:
    judge, rated = np.asarray(judged, dtype=np.float64), np.asarray(people, dtype=np.float64)
    for name, table in (("judged", judge), ("people", rated)):
        fits = table.ndim == 1 if models == 1 else table.ndim == 2 and table.shape[1] == models
        if not fits or table.shape != judge.shape:
            wanted = "(n_cases,)" if models == 1 else f"(n_cases, {models})"
            raise ValueError(f"{name} has the shape {table.shape}; both need {wanted}.")
        if np.any((table < 0) | (table > SCALE)):
            raise ValueError(f"{name} must lie within 0-100 (NaN where there is none).")
    n_cases = judge.shape[0]
    alone = from_codes(np.arange(n_cases, dtype=np.int64))
    families = alone if clusters is None else from_labels(clusters, n_cases)
    return judge.reshape(n_cases, models), rated.reshape(n_cases, models), families

"""Judge scores moved onto the scale of human ratings, each by ratings of other cases only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from steelyard.statistics.paired import SCALE
from steelyard.statistics.special import Bools, Floats, floats

LINEAR_FROM = 10
ISOTONIC_FROM = 30
_LOWEST_RATING, _HIGHEST_RATING = 1.0, 10.0
_FEWEST_CASES = 3

Method = Literal["none", "linear", "isotonic"]
_Map = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Calibrated scores, which remain judge points: one map for all models moves the scale, and whatever the judge
    gives one model too much against another stays.

    `scores`: (n_cases, n_models), as judged where `method` is "none". `n_rated`: outputs with a score and a rating;
    `n_cases`: their cases. `error_before`, `error_after`: root mean square distance of the judge to the people, in
    points, over those outputs; the latter of cross-fitted scores, so that it does not flatter. `reason` says why there
    is no map: too_few_ratings, too_few_cases, no_agreement (people rate no higher what the judge scores higher).
    """

    method: Method
    scores: Floats
    n_rated: int
    n_cases: int
    error_before: float | None
    error_after: float | None
    reason: str | None


def points_of_ratings(ratings: npt.ArrayLike) -> Floats:
    """Ratings of 1-10 as points: (h - 1)/9 x 100, NaN kept. ValueError outside 1-10."""
    values = np.asarray(ratings, dtype=np.float64)
    if np.any((values < _LOWEST_RATING) | (values > _HIGHEST_RATING)):
        raise ValueError("Ratings must lie within 1-10 (NaN where there is none).")
    return floats((values - _LOWEST_RATING) / (_HIGHEST_RATING - _LOWEST_RATING) * SCALE)


def calibrate(judged: npt.ArrayLike, ratings: npt.ArrayLike) -> Calibration:
    """Judge scores on the human scale: from 10 rated outputs by shift and scale, from 30 by an isotonic map.

    judged: (n_cases, n_models) 0-100, NaN where missing. ratings: (n_cases, n_models) or (n_raters, n_cases, n_models),
    1-10, NaN where not rated; the raters of one output are averaged and count once. Cross-fitted: a case with ratings
    is mapped by what the other cases' ratings say, one without by all of them. The linear map is least squares, the
    isotonic one pools adjacent violators (Ayer et al. 1955), linear between the points; both are clipped to 0-100.
    At least three cases must be rated. ValueError when shapes do not fit or values lie outside their range.
    """
    table = np.asarray(judged, dtype=np.float64)
    people = _mean_of_raters(points_of_ratings(ratings), table.shape)
    if np.any((table < 0) | (table > SCALE)):
        raise ValueError("judged must lie within 0-100 (NaN where a score is missing).")
    rated = np.asarray(~np.isnan(table) & ~np.isnan(people), dtype=np.bool_)
    n, cases = int(rated.sum()), int(rated.any(axis=1).sum())
    x, y = table[rated], people[rated]
    before = float(np.sqrt(((x - y) ** 2).mean())) if n else None
    reason = _why_none(x, y, cases)
    if reason is not None:
        return Calibration("none", table, n, cases, before, None, reason)
    method: Method = "isotonic" if n >= ISOTONIC_FROM else "linear"
    scores = _cross_fitted(table, people, rated, _isotonic if method == "isotonic" else _linear)
    after = float(np.sqrt(((scores[rated] - y) ** 2).mean()))
    return Calibration(method, scores, n, cases, before, after, None)


def pool_adjacent_violators(values: Floats, weights: Floats) -> Floats:
    """The non-decreasing sequence nearest to `values` in weighted least squares (Ayer et al. 1955)."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            mean, total, length = blocks.pop()
            together = total + block[1]
            block = ((mean * total + block[0] * block[1]) / together, together, length + block[2])
        blocks.append(block)
    return floats(np.repeat([mean for mean, _, _ in blocks], [length for _, _, length in blocks]))


def _mean_of_raters(people: Floats, shape: tuple[int, ...]) -> Floats:
    people = people[None] if people.ndim == 2 else people
    if len(shape) != 2 or people.ndim != 3 or people.shape[1:] != shape:
        raise ValueError(f"ratings has the shape {people.shape}; the judged scores have {shape}: cases x models.")
    counts = (~np.isnan(people)).sum(axis=0)
    totals = np.where(np.isnan(people), 0.0, people).sum(axis=0)
    return floats(np.where(counts > 0, totals / np.maximum(counts, 1), np.nan))


def _why_none(x: Floats, y: Floats, cases: int) -> str | None:
    if x.size < LINEAR_FROM:
        return "too_few_ratings"
    if cases < _FEWEST_CASES:
        return "too_few_cases"
    return None if float(((x - x.mean()) * (y - y.mean())).sum()) > 0 else "no_agreement"


def _cross_fitted(table: Floats, people: Floats, rated: Bools, fit: Callable[[Floats, Floats], _Map]) -> Floats:
    out = fit(table[rated], people[rated])(table)
    for case in np.flatnonzero(rated.any(axis=1)).tolist():
        others = rated.copy()
        others[case] = False
        out[case] = fit(table[others], people[others])(table[case])
    return np.clip(out, 0.0, SCALE)


def _linear(x: Floats, y: Floats) -> _Map:
    centred = x - x.mean()
    spread = float((centred**2).sum())
    # Without one case the slope may turn: then its scores say nothing, rather than the opposite.
    slope = max(float((centred * y).sum()) / spread, 0.0) if spread > 1e-12 else 0.0
    return lambda scores: floats(y.mean() + slope * (scores - x.mean()))


def _isotonic(x: Floats, y: Floats) -> _Map:
    at, places, counts = np.unique(x, return_inverse=True, return_counts=True)
    weights = floats(counts)
    fitted = pool_adjacent_violators(floats(np.bincount(places, weights=y) / weights), weights)
    return lambda scores: floats(np.interp(scores, at, fitted))

"""What `decide` is given, checked: numbers of the right shape and range, or a ValueError that names the argument."""

from __future__ import annotations

from math import isnan
from numbers import Real

import numpy as np
import numpy.typing as npt

from steelyard.statistics.paired import SCALE
from steelyard.statistics.special import Floats

# Microcents per case: 100 million dollars. What a run has cost is far below, and sums stay exact enough to print.
_MOST_COST = 1e16
_MOST_LOOKS = 1_000_000


def checked_scores(scores: npt.ArrayLike) -> Floats:
    """scores as a (n_cases, n_models) float64 table of its own. ValueError."""
    table = _numbers("scores", scores)
    if table.ndim != 2:
        raise ValueError(f"scores has {table.ndim} dimensions; it needs two: cases x models.")
    if table.shape[1] == 0:
        raise ValueError("scores has no model; it needs at least one column.")
    if np.any((table < 0) | (table > SCALE)):
        raise ValueError("scores must lie within 0-100 (NaN where one is missing).")
    # -0.0 equals 0.0 but sorts and prints otherwise.
    return table + 0.0


def checked_costs(costs: npt.ArrayLike | None, n_cases: int, k: int) -> Floats | None:
    """(k,) average costs, NaN where unknown; of a table, the means of what is known. ValueError."""
    if costs is None:
        return None
    prices = _numbers("costs", costs)
    if prices.shape not in ((k,), (n_cases, k)):
        raise ValueError(f"costs has the shape {prices.shape}; it needs ({k},) or ({n_cases}, {k}).")
    if np.any(prices > _MOST_COST) or np.any(prices < 0):
        raise ValueError("costs must be finite, at least 0 and at most 1e16 microcents (NaN where one is unknown).")
    if prices.ndim == 1:
        return prices
    # A row for each model, and sorted: the last bit depends on neither the cases' order nor the table's layout.
    prices = np.ascontiguousarray(prices.T)
    known = ~np.isnan(prices)
    counts = known.sum(axis=1)
    totals = np.sort(np.where(known, prices, 0.0), axis=1).sum(axis=1)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def checked_margin(margin: object) -> float:
    """ValueError unless a finite number of at least 0."""
    number = _number(margin)
    if number is None or isnan(number) or not 0 <= number < np.inf:
        raise ValueError(f"margin is a number of points of at least 0, not {_shown(margin)}.")
    return number


def checked_look(look: object) -> int:
    """ValueError unless a whole number from 1 to a million."""
    number = _number(look)
    if number is None or not 1 <= number <= _MOST_LOOKS or number != int(number):
        raise ValueError(f"look is counted 1, 2, ... up to a million, not {_shown(look)}.")
    return int(number)


def _numbers(name: str, given: npt.ArrayLike) -> Floats:
    try:
        table = np.asarray(given)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{name} cannot be read as a table of numbers: {error}.") from error
    # Booleans, whole numbers and floats; whatever else numpy might turn into a float is somebody's slip.
    if table.dtype.kind not in "buif":
        raise ValueError(f"{name} must be numbers a float can hold (NaN where one is missing), not {table.dtype}.")
    return table.astype(np.float64)


def _number(given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, Real):
        return None
    try:
        return float(given)
    except OverflowError:
        return np.inf


def _shown(given: object) -> str:
    try:
        text = repr(given)
    except ValueError:
        # Whole numbers of thousands of digits.
        text = "so large a number"
    return text if len(text) <= 60 else text[:59] + "…"

"""What a model would take of a job whose size is known in another model's tokens: a ratio of tokens, with its error."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
import numpy.typing as npt

from steelyard.statistics.families import Families, from_labels
from steelyard.statistics.special import Bools, Floats, floats, t_quantile


@dataclass(frozen=True)
class Scaled:
    """An amount scaled by ratios of tokens, over `n` cases; `low` and `high` are two-sided 95%.

    `ratios` are the other model's tokens against the reference's, one for each kind. `low` and `high` are None below
    two cases or families.
    """

    n: int
    value: float
    low: float | None
    high: float | None
    ratios: tuple[float, ...]


def scaled_amount(
    reference: npt.ArrayLike,
    other: npt.ArrayLike,
    amounts: npt.ArrayLike,
    clusters: Iterable[Hashable] | None = None,
    level: float = 0.95,
) -> Scaled | None:
    """The sum over kinds of amount x (other's mean tokens / reference's mean tokens), both on the same cases.

    reference, other: (n_cases, kinds) tokens >= 0, NaN = not told; a case counts where all its tokens are told. A kind
    of which the reference has none is left as it is (ratio 1). amounts: (kinds,) what the reference's tokens take,
    in the unit that comes out. clusters: a label for each case. None without a complete case.

    The interval is that of a ratio of means by its linearisation, with t (Cochran 1977, Sampling Techniques, 6.4);
    residuals are of the whole sum, so that kinds which vary together are not taken for independent, and are added up
    by family, with G - 1 df. It holds what the choice of cases does, and nothing else. ValueError on other shapes.
    """
    first, second = floats(reference), floats(other)
    weights = floats(amounts)
    if first.ndim != 2 or first.shape != second.shape or weights.shape != first.shape[1:]:
        raise ValueError(f"Tokens of {first.shape} and {second.shape} do not fit amounts of {weights.shape}.")
    families = None if clusters is None else from_labels(clusters, len(first))
    told: Bools = np.asarray(np.isfinite(np.concatenate([first, second], axis=1)).all(axis=1), dtype=np.bool_)
    first, second = first[told], second[told]
    n = len(first)
    if n == 0:
        return None
    means = first.mean(axis=0)
    there = means > 0
    safe = np.where(there, means, 1.0)
    ratios = np.where(there, second.mean(axis=0) / safe, 1.0)
    value = float((weights * ratios).sum())
    residuals = ((second - ratios * first) * np.where(there, weights / safe, 0.0)).sum(axis=1)
    found = None if families is None else families.of(told)
    half = _half_width(floats(residuals), found, level)
    known = half is not None and isfinite(half)
    return Scaled(
        n,
        value,
        max(0.0, value - half) if half is not None and known else None,
        value + half if half is not None and known else None,
        tuple(ratios.tolist()),
    )


def _half_width(residuals: Floats, families: Families | None, level: float) -> float | None:
    sums = residuals if families is None else families.sums(residuals[:, None])[0]
    units = int(sums.size)
    if units < 2:
        return None
    se = sqrt(float(np.sort(sums**2).sum()) * units / (units - 1)) / len(residuals)
    return float(t_quantile(units - 1, 0.5 + level / 2)) * se

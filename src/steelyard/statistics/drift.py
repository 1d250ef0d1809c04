"""Whether use in production has drifted away from what was benchmarked: tokens, cost and what people think of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from steelyard.statistics.intervals import wilson_interval
from steelyard.statistics.special import t_quantile

FEWEST_USES = 50
FEWEST_BENCHMARKED = 8
FEWEST_RATED = 20
# However narrow the interval, a mean this close to the benchmark's has not drifted.
TOLERANCE = 0.10


@dataclass(frozen=True)
class Shift:
    """A mean in production outside the benchmark's band, both in the unit of the measure; `n` uses were seen."""

    benchmark: float
    low: float
    high: float
    production: float
    n: int

    @property
    def percent(self) -> float | None:
        """How far from the benchmark's mean, in percent of it; None where that is 0."""
        return None if not self.benchmark else 100.0 * (self.production - self.benchmark) / self.benchmark


def mean_shift(
    benchmarked: Sequence[float], production: float, uses: int, *, also: Sequence[float] = ()
) -> Shift | None:
    """The shift of a mean of values of 0 and above; None where there is none, or too little to tell.

    The band is the two-sided 95% t interval of the mean over the benchmarked cases, and a tenth of that mean either
    way at the least. `also` are the same cases measured otherwise (as at other prices): its band counts as well.
    """
    if uses < FEWEST_USES or len(benchmarked) < FEWEST_BENCHMARKED:
        return None
    bands = [_band(values) for values in (benchmarked, also) if len(values) >= FEWEST_BENCHMARKED]
    low, high = min(band[0] for band in bands), max(band[1] for band in bands)
    if low <= production <= high:
        return None
    return Shift(fsum(benchmarked) / len(benchmarked), low, high, production, uses)


def share_shift(passed: int, benchmarked: int, positive: int, rated: int) -> Shift | None:
    """A share of positive feedback shown to be below the benchmark's pass rate, in percent; None where it is not.

    Shown: the 95% Wilson interval of the one lies wholly below that of the other. A higher share is no reason to test
    again, as people rate and cases are passed for reasons of their own.
    """
    if rated < FEWEST_RATED or benchmarked < FEWEST_BENCHMARKED:
        return None
    low, high = wilson_interval(passed, benchmarked)
    if wilson_interval(positive, rated)[1] >= low:
        return None
    return Shift(100 * passed / benchmarked, 100 * low, 100 * high, 100 * positive / rated, rated)


def _band(values: Sequence[float]) -> tuple[float, float]:
    n = len(values)
    mean = fsum(values) / n
    spread = sqrt(fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = max(t_quantile(n - 1, 0.975) * spread / sqrt(n), TOLERANCE * mean)
    return max(0.0, mean - half), mean + half

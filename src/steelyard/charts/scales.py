"""Axes worked out by hand: round ticks on linear and logarithmic scales, and days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Scale:
    """Maps values of `low` to `high` onto pixels of `start` to `end`; equal ends map to the middle."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        low, high = self._warp(self.low), self._warp(self.high)
        if high == low:
            return (self.start + self.end) / 2
        return self.start + (self._warp(value) - low) / (high - low) * (self.end - self.start)

    def _warp(self, value: float) -> float:
        return math.log10(value) if self.log else value


def linear_ticks(low: float, high: float, about: int) -> list[float]:
    """Round values that cover `low` to `high` in roughly so many steps of 1, 2, 2.5 or 5 times a power of ten."""
    span = high - low or abs(high) or 1.0
    rough = span / max(1, about)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, max(last, first + 1) + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Values of 1, 2 and 5 times powers of ten within `low` to `high`, both above 0, thinned to at most `most`.

    Never empty where the range spans a factor of ten, and at least two where it spans a hundred and `most` allows.
    """
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    within: list[float] = []
    for factors in ((1, 2, 5), (1, 3), (1,)):
        within = [tick for power in powers for factor in factors if low <= (tick := factor * 10.0**power) <= high]
        if len(within) <= most:
            return within
    return within[:: math.ceil(len(within) / most)]


def money_labels(ticks: Sequence[float]) -> list[str]:
    """Ticks in US dollars with as many decimals as tell them apart, the same for a whole linear axis."""
    for decimals in range(9):
        if all(abs(round(tick, decimals) - tick) <= 1e-9 * max(1e-9, abs(tick)) for tick in ticks):
            break
    else:
        decimals = 8
    decimals = 2 if decimals == 1 else decimals
    return ["$0" if tick == 0 else f"${tick:,.{decimals}f}" for tick in ticks]


def log_money_label(usd: float) -> str:
    """`$0.002`, `$1`, `$20`: a tick of a logarithmic axis."""
    return f"${usd:,.0f}" if usd >= 1 else f"${usd:.{max(1, -math.floor(math.log10(usd) + 1e-9))}f}"


def day_ticks(first: date, last: date, most: int) -> list[date]:
    """At most so many days from `first` to `last`: the firsts of months on a long axis, else evenly counted back."""
    days = (last - first).days
    if days > 150:
        months = [
            date(year, month, 1)
            for year in range(first.year, last.year + 1)
            for month in range(1, 13)
            if first <= date(year, month, 1) <= last
        ]
        every = math.ceil(len(months) / most)
        return months[::every]
    steps = next(step for step in (1, 2, 3, 5, 7, 10, 14, 21, 28, 30, 60, 90) if days // step + 1 <= most)
    return sorted(last - timedelta(days=offset) for offset in range(0, days + 1, steps))

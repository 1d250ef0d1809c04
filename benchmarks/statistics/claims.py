"""What a measured row of the claims table is, and the counting that all rows share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt

import numpy as np

from benchmarks.statistics.tables import Floats

SIZES = (8, 12, 20, 30, 50)
DRAWS = 2_000
MODELS = 6
FALSE_CLAIMS = 0.05


@dataclass(frozen=True)
class Claim:
    """One row: what was measured, the bar it had to meet (None: reported only), and whether it did.

    `draws`: how many each share is of. `figures`: shares by what they are and by n, for a table of their own.
    """

    part: str
    setting: str
    measured: str
    bar: str
    passed: bool | None
    draws: int = DRAWS
    figures: Mapping[str, tuple[tuple[int, float], ...]] = field(
        default_factory=dict[str, tuple[tuple[int, float], ...]]
    )

    @property
    def standard_error(self) -> float:
        """The Monte Carlo standard error of a share of 5% (or of 95%)."""
        return sqrt(FALSE_CLAIMS * (1 - FALSE_CLAIMS) / self.draws)


def rng_for(part: str, setting: int = 0) -> np.random.Generator:
    """The fixed stream of a part: named, so that adding a row moves no other row's draws."""
    return np.random.default_rng([20, setting, *part.encode()])


def draw(table: Floats, n: int, rng: np.random.Generator) -> Floats:
    """n items with replacement."""
    return table[rng.integers(0, table.shape[0], n)]


def some_models(table: Floats, rng: np.random.Generator, k: int = MODELS) -> Floats:
    """A random set of k models, as columns."""
    return table[:, rng.choice(table.shape[1], k, replace=False)]


def allowed(bar: float, draws: int) -> float:
    """The bar and two Monte Carlo standard errors."""
    return bar + 2 * sqrt(bar * (1 - bar) / draws)


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def by_size(shares: Iterable[tuple[int, float]]) -> str:
    """`n = 8: 0.4%, ...`."""
    return ", ".join(f"n = {n}: {percent(share)}" for n, share in shares)

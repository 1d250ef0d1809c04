"""Models compared on a sample, which may be a large part of all the cases there are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from steelyard.statistics.families import Families
from steelyard.statistics.paired import Pairs
from steelyard.statistics.power import FEWEST_CASES, FEWEST_FAMILIES
from steelyard.statistics.special import Floats, t_cdf, t_quantile
from steelyard.statistics.verdict import EXACT


@dataclass(frozen=True)
class Compared:
    """m models on complete cases; standard errors are to be multiplied by `shrink`, 0 where every case was run."""

    scores: Floats
    pairs: Pairs
    families: Families | None
    shrink: float

    @property
    def enough(self) -> bool:
        """Neither guard holds: at least 8 cases, and 8 families where they count."""
        few = self.families is not None and self.families.count < FEWEST_FAMILIES
        return self.pairs.n >= FEWEST_CASES and not few

    @cached_property
    def p(self) -> Floats:
        """(m, m) two-sided p. Exact tests know no finite population: theirs stay as they are, which is too large."""
        if self.shrink == 0:
            return np.where(self.pairs.mean == 0, 1.0, 0.0)
        by_t = np.array([[name.endswith("t") for name in row] for row in self.pairs.tests], dtype=np.bool_)
        se = np.where(self.pairs.se > 0, self.pairs.se * self.shrink, 1.0)
        shrunk = 2.0 * t_cdf(max(self.pairs.units - 1, 1), -np.abs(self.pairs.mean / se))
        return np.where(by_t, shrunk, self.pairs.p)

    def upper(self, alpha: float) -> Floats:
        """(m, m) one-sided 1 - alpha upper bounds of the differences."""
        if self.shrink == 0:
            return self.pairs.mean
        plain = self.pairs.upper(alpha)
        by_t = np.array([[name.endswith("t") for name in row] for row in self.pairs.tests], dtype=np.bool_)
        half = self.pairs.se * self.shrink * t_quantile(max(self.pairs.units - 1, 1), 1.0 - alpha)
        return np.where(by_t, np.minimum(self.pairs.mean + half, plain), plain)

    def interval(self) -> tuple[Floats, Floats]:
        """(m, m) ends of the two-sided 95% intervals."""
        low, high = self.pairs.interval()
        middle = self.pairs.mean
        return middle - (middle - low) * self.shrink, middle + (high - middle) * self.shrink

    def of(self, first: int, second: int) -> Compared:
        """Two of the models alone."""
        places = [first, second]
        return replace(self, scores=self.scores[:, places], pairs=self.pairs.of(places))

    def test(self, first: int, second: int) -> str:
        return EXACT if self.shrink == 0 else self.pairs.tests[first][second]

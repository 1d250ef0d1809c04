"""Families of cases (clusters): labels to codes, and sums per family that do not depend on the order of the rows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np

from steelyard.statistics.special import Bools, Floats, Ints


@dataclass(frozen=True)
class Families:
    """`codes`: (n_cases,) 0..count-1; `sizes`: (count,) cases per family."""

    codes: Ints
    sizes: Ints

    @property
    def count(self) -> int:
        return int(self.sizes.size)

    @property
    def all_single(self) -> bool:
        return self.count == self.codes.size

    @property
    def effective(self) -> float:
        """Kish's effective number of families: their count when all are of one size, fewer otherwise."""
        return float(self.sizes.sum() ** 2 / (self.sizes**2).sum()) if self.count else 0.0

    def of(self, rows: Bools) -> Families:
        """The families of a subset of the cases."""
        return from_codes(self.codes[rows])

    def sums(self, values: Floats) -> Floats:
        """(n_cases, columns) -> (columns, count): sums per family, each added up from the smallest value.

        The fixed order makes the last bit independent of the order of the rows.
        """
        starts = np.concatenate(([0], np.cumsum(self.sizes)[:-1]))
        out = np.empty((values.shape[1], self.count))
        for column in range(values.shape[1]):
            order = np.lexsort((values[:, column], self.codes))
            out[column] = np.add.reduceat(values[order, column], starts) if self.count else 0.0
        return out


def from_codes(codes: Ints) -> Families:
    """Families from any whole-numbered labels."""
    _, dense, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    return Families(dense.astype(np.int64), sizes.astype(np.int64))


def from_labels(labels: Iterable[Hashable], n_cases: int) -> Families:
    """Families from any hashable labels, one per case; None (or NaN) is a family of its own.

    ValueError when there are not `n_cases` labels or one cannot be hashed.
    """
    try:
        listed: list[Hashable] = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    except TypeError as error:
        raise ValueError(f"clusters must be labels, one per case: {error}.") from error
    if len(listed) != n_cases:
        raise ValueError(f"clusters has {len(listed)} labels for {n_cases} cases; it needs one per case.")
    seen: dict[Hashable, int] = {}
    codes = np.empty(n_cases, dtype=np.int64)
    for row, label in enumerate(listed):
        alone = label is None or (isinstance(label, float) and label != label)
        try:
            codes[row] = seen.setdefault(("alone", row) if alone else ("family", label), len(seen))
        except TypeError as error:
            raise ValueError(f"The cluster label of case {row} is not hashable: {label!r}.") from error
    return from_codes(codes)

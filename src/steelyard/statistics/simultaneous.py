"""Intervals of the leader's gaps that hold all at once, though the leader was picked by the same scores."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from steelyard.statistics.families import from_labels
from steelyard.statistics.inputs import checked_scores
from steelyard.statistics.paired import compare
from steelyard.statistics.special import Bools
from steelyard.statistics.verdict import Verdict

LEVEL = 0.95


@dataclass(frozen=True)
class SimultaneousGap:
    """The leader minus one rival in points; with 95% confidence every gap of the set lies within its interval."""

    rival: int
    mean: float
    low: float
    high: float


def gaps_to_leader(
    scores: npt.ArrayLike, verdict: Verdict, clusters: Iterable[Hashable] | None = None
) -> tuple[SimultaneousGap, ...]:
    """The gaps of a verdict with intervals that hold together in at least 95% of case sets.

    scores, clusters: those that `verdict` was decided on. Bonferroni over all k(k-1)/2 pairs and not over the k - 1
    shown: which of the models leads was found in these scores, and whichever it had been, its gaps would be among them.
    Empty where the verdict compares nothing or rests on one case. ValueError when the verdict is of other models.
    """
    table = checked_scores(scores)
    if len(verdict.models) != table.shape[1]:
        raise ValueError(f"The verdict is of {len(verdict.models)} models, the scores of {table.shape[1]}.")
    compared = list(verdict.compared)
    if verdict.leader is None or len(compared) < 2:
        return ()
    seen = table[:, compared]
    rows: Bools = np.asarray(~np.isnan(seen).any(axis=1), dtype=np.bool_)
    families = None if clusters is None else from_labels(clusters, len(rows)).of(rows)
    if not rows.any():
        return ()
    pairs = compare(seen[rows], families)
    if pairs.units < 2:
        return ()
    k = len(compared)
    low, high = pairs.interval(1.0 - (1.0 - LEVEL) / (k * (k - 1) / 2))
    leader = compared.index(verdict.leader)
    return tuple(
        SimultaneousGap(
            compared[place], float(pairs.mean[leader, place]), float(low[leader, place]), float(high[leader, place])
        )
        for place in range(k)
        if place != leader
    )

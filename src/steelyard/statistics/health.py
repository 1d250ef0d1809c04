"""Golden cases that are suspect, because every model contradicts them, or that no longer tell models apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from steelyard.statistics.special import Bools, Floats, floats

BY_CHANCE = 0.05
"""A case is suspect when models that fail independently would all fail it less often than this."""
FEWEST_RUNS = 2
FEWEST_PASSES = 10
"""So many passes and no failure: with 95% confidence a model fails the case less than once in four times."""


@dataclass(frozen=True)
class SuspectCase:
    """A case (its row) that all `n_models` with an outcome fail. `by_chance`: how often they all would, if each failed
    it as often as it fails the other cases and independently of the rest."""

    case: int
    n_models: int
    by_chance: float


def suspect_cases(passed: npt.ArrayLike) -> tuple[SuspectCase, ...]:
    """Cases that every model contradicts though most others it does not: look at the golden output first.

    passed: (n_cases, n_models) True or 1 for a pass, 0 for a failure, NaN where unknown; or in the same form whether
    the judge found the answer to match the expected one. A case is named when at least two models have an outcome,
    none passes, and chance would do that in less than 5% of cases: product over the models of 1 - (passes + 1)/(n + 2),
    counted over the other cases (Laplace's rule, so that few cases prove little). Hard cases are harder for all models
    alike, so a named case may also be right and hard. Most suspect first. ValueError when `passed` is no such table.
    """
    table, known = _outcomes(passed)
    wins = floats(np.where(known, table, 0.0))
    failed_by_all = np.flatnonzero((known.sum(axis=1) >= 2) & (wins.sum(axis=1) == 0)).tolist()
    found: list[SuspectCase] = []
    for case in failed_by_all:
        models: Bools = known[case]
        # The case itself adds no pass; it counts among the known ones of every model it is known of.
        others = known[:, models].sum(axis=0) - 1
        rates = floats((wins[:, models].sum(axis=0) + 1) / (others + 2))
        chance = prod(1.0 - rate for rate in rates.tolist())
        if chance < BY_CHANCE:
            found.append(SuspectCase(case, int(models.sum()), chance))
    return tuple(sorted(found, key=lambda one: (one.by_chance, one.case)))


def settled_cases(runs: Sequence[npt.ArrayLike]) -> tuple[int, ...]:
    """Cases (rows) that all models pass, always: they no longer tell models apart, though they may guard a gain.

    runs: one (n_cases, n_models) table per run as in `suspect_cases`, of the same cases and of any models. A case is
    named when it was passed in at least two runs, at least ten times, and never failed. ValueError when the tables do
    not have the same cases.
    """
    tables = [_outcomes(run) for run in runs]
    if len({table.shape[0] for table, _ in tables}) > 1:
        raise ValueError("The runs have different numbers of cases; each needs a row for every case.")
    if not tables:
        return ()
    counts = np.stack([known.sum(axis=1) for _, known in tables])
    passes = np.stack([np.where(known, table, 0.0).sum(axis=1) for table, known in tables])
    never_failed = (passes == counts).all(axis=0)
    enough = ((counts > 0).sum(axis=0) >= FEWEST_RUNS) & (counts.sum(axis=0) >= FEWEST_PASSES)
    return tuple(np.flatnonzero(never_failed & enough).tolist())


def _outcomes(passed: npt.ArrayLike) -> tuple[Floats, Bools]:
    table = floats(passed)
    if table.ndim != 2:
        raise ValueError(f"passed has {table.ndim} dimensions; it needs two: cases x models.")
    known = np.asarray(~np.isnan(table), dtype=np.bool_)
    if not np.isin(table[known], (0.0, 1.0)).all():
        raise ValueError("passed holds True or False, or NaN where the outcome is unknown.")
    return table, known

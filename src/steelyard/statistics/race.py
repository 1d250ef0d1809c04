"""A benchmark that stops calling models as soon as they are shown not to be the best."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from math import isnan, sqrt
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from steelyard.statistics.families import Families, from_labels
from steelyard.statistics.inputs import checked_costs, checked_margin
from steelyard.statistics.paired import SCALE, compare
from steelyard.statistics.power import FEWEST_CASES, misses_too_many
from steelyard.statistics.race_verdict import race_verdict
from steelyard.statistics.sampled import Compared
from steelyard.statistics.special import Bools, Floats, Indices
from steelyard.statistics.verdict import Verdict

Target = Literal["set", "future"]
_SMALL_BATCH, _BATCH, _SMALL_SET = 5, 10, 30
# More looks would take more of the error each than they save calls, and every look is taken again at the next.
_MOST_BATCHES = 100


def batch_size(n_cases: int) -> int:
    """How many cases a batch of a race has: 5 for up to 30 cases, 10, or a hundredth of more than 1,000."""
    return _SMALL_BATCH if n_cases <= _SMALL_SET else max(_BATCH, -(-n_cases // _MOST_BATCHES))


def batch_ends(n_cases: int, size: int | None = None) -> tuple[int, ...]:
    """How many cases were run at the end of each batch of that `size`; of `batch_size` without."""
    size = batch_size(n_cases) if size is None else size
    return (*range(size, n_cases, size), n_cases)


def first_drop(n_cases: int) -> int | None:
    """After how many cases a model can be dropped at the earliest with some left; None where no call can be saved."""
    return next((end for end in batch_ends(n_cases)[:-1] if end >= FEWEST_CASES), None)


@dataclass(frozen=True)
class Dropped:
    """A model that is called no more after `n` cases: beaten by `by` with a two-sided `p`, both None where it misses
    too many scores."""

    model: int
    n: int
    by: int | None
    p: float | None


class Race:
    """Every surviving model runs the same batch of cases; after each the ones shown not to be the best are dropped.

    Cases come in a seeded random order, in batches of 10 (5 for up to 30 cases, a hundredth for more than 1,000). From
    the 8th case on each batch ends with a look: model j is dropped when some i beats it one-sided at alpha/2 /
    (max(k - 1, 2) x looks), the looks being those of the whole race: the true best is dropped in at most alpha/2 of
    races (Bonferroni over rivals and looks). The other alpha/2 is for the claim among the survivors at the end. Nothing
    is dropped below 8 cases or 8 families.

    target "set" asks which model is best on these very cases: a sample without replacement from a finite population,
    so that t is divided by sqrt(1 - n/N) (Cochran 1977, 2.6) and the last look compares means exactly. Families play
    no part in it, as the cases are drawn one by one. "future" asks for cases like these and corrects nothing.

    The state is a function of the scores recorded, whatever their order, and of the seed: a race that is taken up
    again gives its stored scores back and goes on. Scores reused from other runs keep it valid, because the order of
    the cases is drawn without looking at any score or at what is stored, and because a score is looked at only when
    its case's turn has come: one recorded early waits.

    Pure and deterministic. ValueError, naming the argument, for counts below 1, an unknown target, an alpha outside
    (0, 1), or labels that do not fit.
    """

    def __init__(
        self,
        n_cases: int,
        n_models: int,
        target: Target = "set",
        alpha: float = 0.05,
        seed: int = 0,
        *,
        clusters: Iterable[Hashable] | None = None,
        batch: int | None = None,
    ) -> None:
        """`batch`: cases in a batch, of a race that was begun under another rule than `batch_size`."""
        if n_cases < 1 or n_models < 1 or (batch is not None and batch < 1):
            raise ValueError(f"n_cases, n_models and batch are at least 1, not {n_cases}, {n_models} and {batch}.")
        if target not in get_args(Target):
            raise ValueError(f"target is set or future, not {target!r}.")
        if not 0 < alpha < 1:
            raise ValueError(f"alpha lies between 0 and 1, not {alpha}.")
        self.n_cases, self.n_models = n_cases, n_models
        self.target: Target = target
        self.alpha = alpha
        # `ends`: how many cases were run at the end of each batch.
        self.order: tuple[int, ...] = tuple(np.random.default_rng(seed).permutation(n_cases).tolist())
        self._families = None if clusters is None else from_labels(clusters, n_cases)
        self._scores: Floats = np.full((n_cases, n_models), np.nan)
        self._recorded: Bools = np.zeros((n_cases, n_models), dtype=np.bool_)
        self.ends = batch_ends(n_cases, batch)
        self._ended = 0
        self._survivors = list(range(n_models))
        self.dropped: list[Dropped] = []

    @property
    def survivors(self) -> tuple[int, ...]:
        """The models still called, or at the end left, in ascending order."""
        return tuple(self._survivors)

    @property
    def looks(self) -> int:
        """How often the race may look at most; the exact comparison at its end is none."""
        ends = self.ends[:-1] if self.target == "set" else self.ends
        return max(1, sum(end >= FEWEST_CASES for end in ends))

    @property
    def n(self) -> int:
        """The cases of the batches that are complete."""
        return self.ends[self._ended - 1] if self._ended else 0

    @property
    def done(self) -> bool:
        """Nothing is left to call: one model survives, or every case was run."""
        alone = len(self._survivors) < 2 and self.n_models > 1
        return alone or self._ended == len(self.ends)

    def next_batch(self) -> list[tuple[int, int]]:
        """The (case, model) pairs to call now, those recorded left out; empty when the race is done."""
        if self.done:
            return []
        return [
            (case, model)
            for case in self.order[self.n : self.ends[self._ended]]
            for model in self._survivors
            if not self._recorded[case, model]
        ]

    def record(self, case: int, model: int, score: float) -> None:
        """Take a score of 0-100, NaN where it is missing for good. The batch's last one makes the race look.

        ValueError for a pair that is none of the race's, a score outside 0-100, or another one than was recorded.
        """
        if not (0 <= case < self.n_cases and 0 <= model < self.n_models):
            raise ValueError(f"There is no case {case} of model {model} in this race.")
        if not isnan(score) and not 0 <= score <= SCALE:
            raise ValueError(f"A score lies within 0-100 (NaN where it is missing), not {score}.")
        if self._recorded[case, model]:
            if score != self._scores[case, model] and not (isnan(score) and isnan(self._scores[case, model])):
                raise ValueError(f"Case {case} of model {model} has another score already.")
            return
        self._recorded[case, model], self._scores[case, model] = True, score
        while not self.done and self._batch_is_recorded():
            self._ended += 1
            self._look()

    def verdict(self, costs: npt.ArrayLike | None = None, margin: float = 5.0) -> Verdict:
        """What may be claimed if the race ends here; asked for while it goes on, it is a view and no claim.

        costs: average microcents per case of each model, (n_models,) with NaN where unknown; margin: in points, within
        which a model is good enough. As in `decide`, with the error shared as the class says. The survivors' figures
        are over the cases complete for all of them, a dropped model's over its own. Every bound of the cheapest good
        enough allows for all looks. ValueError as in `decide`.
        """
        return race_verdict(self, checked_costs(costs, self.n_cases, self.n_models), checked_margin(margin))

    def shown_above(self, models: Indices, alpha: float) -> tuple[Bools, Floats]:
        """((m, m) whether i is shown above j one-sided at `alpha`, two-sided p), on the cases complete for them all."""
        compared = self.compared(models)
        if compared is None or not compared.enough:
            return np.zeros((models.size, models.size), dtype=np.bool_), np.ones((models.size, models.size))
        return (compared.pairs.mean > 0) & (compared.p / 2 < alpha), compared.p

    def compared(self, models: Indices, cases: int | None = None) -> Compared | None:
        """These models on those of the first `cases`, or of all complete batches, that have a score of each of them.

        None without such a case.
        """
        rows = np.sort(np.array(self.order[: self.n if cases is None else cases], dtype=np.int64))
        seen = self._scores[np.ix_(rows, models)]
        complete = np.asarray(~np.isnan(seen).any(axis=1), dtype=np.bool_)
        if not complete.any():
            return None
        families = None
        if self._families is not None and self.target == "future":
            families = self._families.of(np.isin(np.arange(self.n_cases), rows[complete]))
        left = 1.0 - complete.sum() / self.n_cases if self.target == "set" else 1.0
        return Compared(seen[complete], compare(seen[complete], families), families, sqrt(max(left, 0.0)))

    def own(self, model: int) -> tuple[Floats, Families | None, int]:
        """(scores, families, missing) of the cases of complete batches this model was called for."""
        rows = np.sort(np.array(self.order[: self.called(model)], dtype=np.int64))
        column = self._scores[rows, model]
        known = ~np.isnan(column)
        families = None
        if self._families is not None:
            families = self._families.of(np.isin(np.arange(self.n_cases), rows[known]))
        return column[known][:, None], families, int((~known).sum())

    def called(self, model: int) -> int:
        """How many cases of complete batches the model was called for."""
        return next((gone.n for gone in self.dropped if gone.model == model), self.n)

    @cached_property
    def dropping_alpha(self) -> float:
        """One-sided level at which a rival drops a model at one look."""
        return self.alpha / 2 / (max(self.n_models - 1, 2) * self.looks)

    def _batch_is_recorded(self) -> bool:
        cases = self.order[self.n : self.ends[self._ended]]
        return bool(self._recorded[np.ix_(cases, self._survivors)].all())

    def _look(self) -> None:
        for model in list(self._survivors):
            if misses_too_many(self.own(model)[2], self.n_cases):
                self._drop(model, None, None)
        if self.n < FEWEST_CASES or len(self._survivors) < 2 or (self.n == self.n_cases and self.target == "set"):
            return
        models = np.array(self._survivors, dtype=np.int64)
        above, p = self.shown_above(models, self.dropping_alpha)
        for place in np.flatnonzero(above.any(axis=0)).tolist():
            by = min(np.flatnonzero(above[:, place]).tolist(), key=lambda rival: float(p[rival, place]))
            self._drop(int(models[place]), int(models[by]), float(p[by, place]))

    def _drop(self, model: int, by: int | None, p: float | None) -> None:
        self._survivors.remove(model)
        self.dropped.append(Dropped(model, self.n, by, p))

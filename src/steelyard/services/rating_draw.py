"""Which outputs of a run people are asked to rate, in which order: drawn at random, the same for everyone. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.statistics import FEWEST_CASES

BLOCK = 4
"""So many cases are asked about together: each comes up again after three others, and whoever stops early has rated
most of the cases begun for every model."""


@dataclass(frozen=True)
class Asked:
    """An output that is asked for, by the places of its case and model in the run's plan."""

    case: int
    model: int
    trial: int


class RatingDraw:
    """Every case of a run in random order, and for each drawn case one output of every model.

    All of it follows from the run's id and seed, so that nothing is stored, the same outputs come up for every rater,
    and a rater goes on where they stopped. The trial is drawn as well, one for all models of a case. Within a block of
    four cases each case is asked about once before any is again, and each case's models come in an order of its own.
    """

    def __init__(self, run_id: UUID, seed: int, *, cases: int, models: int, trials: int = 1) -> None:
        self._mark = f"{run_id}:{seed}"
        self._models = models
        dice = random.Random(self._mark)  # noqa: S311 - an order, not a secret
        self.order = tuple(dice.sample(range(cases), cases))
        self._trials = dice.choices(range(trials), k=cases)

    def trial(self, case: int) -> int:
        """The trial of the case that people are shown and that its grade is read of."""
        return self._trials[case]

    def outputs(self, first_cases: int) -> list[tuple[int, Asked]]:
        """(place, output) of the first so many drawn cases, as they are asked for; a place never changes."""
        wanted = set(self.order[:first_cases])
        found: list[tuple[int, Asked]] = []
        for block in range(-(-first_cases // BLOCK)):
            start = block * BLOCK * self._models
            found += [(start + at, one) for at, one in enumerate(self._block(block)) if one.case in wanted]
        return found

    def at(self, place: int) -> Asked | None:
        """The output at that place; None where there is none."""
        block, within = divmod(place, BLOCK * self._models)
        asked = self._block(block) if 0 <= place < len(self.order) * self._models else []
        return asked[within] if within < len(asked) else None

    def _block(self, number: int) -> list[Asked]:
        dice = random.Random(f"{self._mark}:{number}")  # noqa: S311 - an order, not a secret
        cases = list(self.order[number * BLOCK : (number + 1) * BLOCK])
        turns = {case: dice.sample(range(self._models), self._models) for case in cases}
        asked: list[Asked] = []
        for turn in range(self._models):
            row = dice.sample(cases, len(cases))
            if asked and row[0] == asked[-1].case:
                row.append(row.pop(0))
            asked += [Asked(case, turns[case][turn], self._trials[case]) for case in row]
        return asked


def first_goal(
    order: Sequence[int], models: int, scored: Callable[[int, int], bool], families: Sequence[Hashable | None]
) -> int | None:
    """How many drawn cases it takes for a claim on the human scale: 8 that count for every model, of 8 families.

    order: the first cases drawn. scored(case, model): whether the output has a grade, without which it cannot count.
    families: one label per case of the run, None for a family of its own. A model without a grade in half of the cases
    or more is not waited for. None where these cases do not suffice.
    """
    counts, seen = [0] * models, [set[Hashable]() for _ in range(models)]
    for place, case in enumerate(order, 1):
        family = families[case]
        for model in range(models):
            if scored(case, model):
                counts[model] += 1
                seen[model].add(("alone", case) if family is None else ("family", family))
        waited = [model for model in range(models) if 2 * counts[model] > place]
        if waited and all(min(counts[m], len(seen[m])) >= FEWEST_CASES for m in waited):
            return place
    return None


def goals(first: int | None, cases: int) -> tuple[int, ...]:
    """At how many rated cases what people say is looked at: enough for a claim, then twice as many, …, then all.

    Looks at numbers fixed beforehand keep "rate until it shows" from being peeking.
    """
    found = [min(first or cases, cases)]
    while found[-1] < cases:
        found.append(min(2 * found[-1], cases))
    return tuple(found)

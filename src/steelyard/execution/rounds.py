"""The rounds of a race: their cells, how the race stands by the stored ones, and what it has saved. Pure.

A round is a batch of `steelyard.statistics.Race`: the same cases for every model still in it, in every arm and trial.
What decides is the mean over trials in the compared arm. A case counts once all cells of the model on it have come to
their end, in every arm, so that no look runs ahead of calls that belong to its round; without a score it is missing.

How a race stands is worked out anew from the plan and the stored cells each time, and from nothing else: two workers, a
killed one and a resumed run come to the same. Answers reused from other runs keep it valid, since they are taken over
only when their case's turn has come, and the order of the cases is drawn from the seed without looking at what is
stored. An outage that a resumed run makes good is a score like any other: later looks are taken again with it.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from steelyard.domain.races import DroppedModel, RaceStanding
from steelyard.domain.runs import Arm
from steelyard.statistics.race import Race, batch_size

if TYPE_CHECKING:
    from steelyard.execution.plan import Plan
    from steelyard.statistics import Verdict

SAME_BATCHES = 1_000
"""Races of up to so many cases have always had batches of the same size: their plans do not name it."""

# A cell of every model: case, trial, arm.
Place = tuple[int, int, Arm]


def race_of(plan: Plan, *, alpha: float = 0.05, clusters: Sequence[str] | None = None) -> Race:
    """The plan's race before its first answer. ValueError for a plan without one."""
    if plan.race is None:
        raise ValueError("This plan has no race.")
    # The generator takes no negative seed.
    seed, n_cases = plan.seed % 2**64, len(plan.case_ids)
    # A plan that names no size was made when races of any length had the batches that short ones have.
    batch = plan.race_batch or batch_size(min(n_cases, SAME_BATCHES))
    return Race(n_cases, len(plan.models), plan.race, alpha, seed, clusters=clusters, batch=batch)


def replayed(
    plan: Plan,
    scores: Sequence[Sequence[float]],
    ended: Collection[tuple[int, int]],
    *,
    alpha: float,
    clusters: Sequence[str] | None = None,
) -> Race:
    """The race as these cells leave it.

    `scores`: (n_cases, n_models), 0-100, NaN where there is none; `ended`: (case, model) pairs that need no call more;
    `alpha`: the share of this look; `clusters`: a family for each case.
    """
    race = race_of(plan, alpha=alpha, clusters=clusters)
    for case, model in product(race.order, range(race.n_models)):
        if (case, model) in ended:
            race.record(case, model, scores[case][model])
    return race


def named_batch(n_cases: int) -> int | None:
    """What the plan of a new race names as the size of its batches."""
    return batch_size(n_cases) if n_cases > SAME_BATCHES else None


def cell_batches(plan: Plan, size: int) -> list[list[Place]]:
    """Every cell of one model in batches of up to `size`, each of cells of one round, the first rounds first."""
    return [batch for cells in _rounds(plan) for batch in _cut(cells, size)]


def jobs_of_round(plan: Plan, number: int, models: Sequence[int], size: int) -> list[tuple[int, int]]:
    """(model index, batch) of the jobs of a round, counted from 0, models taking turns."""
    counts = [-(-len(cells) // size) for cells in _rounds(plan)]
    first = sum(counts[:number])
    return [(model, batch) for batch in range(first, first + counts[number]) for model in models]


def standing_of(plan: Plan, race: Race) -> RaceStanding:
    """How the race stands, by the models' names. `due` counts the cells of the plan alone."""
    each = len(plan.arms) * plan.trials
    rounds = race.ends.index(race.n) + 1 if race.n else 0
    n_next = race.n if race.done else race.ends[rounds]
    called = sum(gone.n for gone in race.dropped) + n_next * len(race.survivors)
    return RaceStanding(
        target=race.target,
        cases=race.n_cases,
        n=race.n,
        n_next=n_next,
        rounds=rounds,
        rounds_at_most=len(race.ends),
        due=each * called,
        cells_per_case=each,
        done=race.done,
        survivors=tuple(plan.models[model] for model in race.survivors),
        dropped=tuple(
            DroppedModel(plan.models[gone.model], gone.n, None if gone.by is None else plan.models[gone.by], gone.p)
            for gone in race.dropped
        ),
    )


def claimed(race: Race, verdict: Verdict, look: int) -> Verdict:
    """The verdict of a race as a run's: of its look, and without a claim where the race was not run to its end.

    A race stops itself; one that is stopped by a budget or a person stops at a moment no look has allowed for.
    """
    verdict = replace(verdict, look=look)
    if race.done or verdict.reason not in (None, "identical_scores", "one_model_left"):
        return verdict
    return replace(
        verdict,
        kind="not_enough",
        best=None,
        tied=(),
        cheapest_good_enough=None,
        more_cases=race.n_cases - race.n,
        more_cost_microcents=None,
        reason="race_unfinished",
    )


def _rounds(plan: Plan) -> list[list[Place]]:
    race = race_of(plan)
    dice = random.Random(plan.seed)  # noqa: S311 - an order, not a secret
    rounds: list[list[Place]] = []
    for start, end in zip((0, *race.ends), race.ends, strict=False):
        cells = list(product(race.order[start:end], range(plan.trials), plan.arms))
        dice.shuffle(cells)
        rounds.append(cells)
    return rounds


def _cut(cells: Sequence[Place], size: int) -> list[list[Place]]:
    return [list(cells[start : start + size]) for start in range(0, len(cells), size)]

"""Rounds: their cells, and that a race worked out anew from stored cells is the race that was run."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.errors import InputError
from steelyard.domain.races import RaceStanding, RaceTarget, race_target
from steelyard.domain.runs import Arm
from steelyard.execution.outcome import Raced, work_out
from steelyard.execution.plan import BATCH, CellGrid, Plan, job_order
from steelyard.execution.rounds import jobs_of_round, named_batch, race_of, standing_of
from steelyard.execution.scores import race_by_cells
from steelyard.statistics import Race, first_drop
from steelyard.statistics.race import batch_ends
from steelyard.storage.figures import CellFigures
from tests.unit.execution.test_outcome import cell
from tests.unit.execution.test_plan import ARMS, cases_of, plan_of

TARGETS = st.sampled_from(get_args(RaceTarget))


def raced(models: int, cases: int, target: Any, *, arms: tuple[Arm, ...] = (Arm.WITH_SKILL,), **changes: Any) -> Plan:
    return replace(plan_of(models, arms, cases, 1), race=target, **changes)


def cells_of(plan: Plan, pair: tuple[int, int], scores: Any) -> list[CellFigures]:
    """The cells of one case and model, in every arm and trial; NaN is an answer that was not graded."""
    case, model = pair
    return [
        cell(plan.models[model], case, None if math.isnan(mean) else mean, arm=arm.value, trial=trial)
        for arm in plan.arms
        for trial, mean in enumerate([scores[case, model]] * plan.trials)
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 4), st.integers(1, 60), ARMS, st.integers(1, 3), st.integers(-5, 10_000), TARGETS)
def test_the_jobs_of_all_rounds_hold_every_cell_once_and_a_rounds_are_of_its_cases(
    models: int, cases: int, arms: tuple[Arm, ...], trials: int, seed: int, target: Any
) -> None:
    plan = raced(models, cases, target, arms=arms, trials=trials, seed=seed)
    grid = CellGrid(plan, cases_of([str(number) for number in range(cases)]), "the skill")
    race = race_of(plan)
    seen: list[str] = []
    for number, (start, end) in enumerate(zip((0, *race.ends), race.ends, strict=False)):
        jobs = jobs_of_round(plan, number, range(models), BATCH)
        cells = [one for model, batch in jobs for one in grid.batch(model, batch)]
        assert {one.case_index for one in cells} == set(race.order[start:end])
        assert len(cells) == (end - start) * models * len(arms) * trials
        seen += [one.digest for one in cells]
    assert len(seen) == len(set(seen)) == plan.planned
    assert set(seen) == {one.digest for one in grid.all()}


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 5), st.integers(1, 60), ARMS, st.integers(1, 2), st.data(), TARGETS)
def test_stored_cells_give_the_race_back_wherever_it_stands(
    models: int, cases: int, arms: tuple[Arm, ...], trials: int, data: st.DataObject, target: Any
) -> None:
    plan = raced(models, cases, target, arms=arms, trials=trials, seed=data.draw(st.integers(0, 10_000)))
    dice = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    scores = np.clip(
        60 + dice.normal(0, 12, (cases, 1)) - 9 * np.arange(models) + dice.normal(0, 9, (cases, models)), 0, 100
    )
    scores[dice.random((cases, models)) < 0.02] = np.nan
    whole, stored = Race(cases, models, target, 0.03, plan.seed), list[CellFigures]()
    stop = data.draw(st.integers(0, cases * models))
    called: list[tuple[int, int]] = []
    while (batch := whole.next_batch()) and len(called) < stop:
        for pair in batch[: stop - len(called)]:
            whole.record(*pair, float(scores[pair]))
            called.append(pair)
            stored += cells_of(plan, pair, scores)
    shuffled = [stored[place] for place in dice.permutation(len(stored))]
    again = race_by_cells(plan, shuffled, None, 0.03)
    assert (again.n, again.survivors, again.dropped) == (whole.n, whole.survivors, whole.dropped)
    assert sorted(again.next_batch()) == sorted(whole.next_batch())
    assert again.verdict() == whole.verdict()
    shown = standing_of(plan, again)
    assert RaceStanding.from_json(shown.to_json()) == shown
    due = sum(shown.n_next if shown.gone(model) is None else shown.cases_of(model) for model in plan.models)
    assert shown.due == due * len(arms) * trials
    if whole.done:
        assert len(called) * len(arms) * trials == plan.planned - shown.cells_not_called == shown.due


def test_a_round_waits_for_every_grade_arm_and_trial_and_for_what_is_to_be_called_again() -> None:
    plan = raced(2, 40, "set", arms=(Arm.WITH_SKILL, Arm.WITHOUT_SKILL), trials=2)
    scores = np.full((40, 2), 50.0)
    order = race_of(plan).order
    stored = [one for case in order[:10] for model in range(2) for one in cells_of(plan, (case, model), scores)]
    assert race_by_cells(plan, stored, None, 0.03).n == 10
    assert race_by_cells(plan, stored[1:], None, 0.03).n == 0
    assert race_by_cells(plan, [replace(stored[0], ended=False), *stored[1:]], None, 0.03).n == 0


def test_a_race_that_was_stopped_claims_nothing_and_one_that_ended_tells_what_it_saved() -> None:
    plan = raced(3, 40, "set")
    scores = np.array([[90.0 - case % 3, 50.0 + case % 5, 48.0 + case % 7] for case in range(40)])
    order = race_of(plan).order
    stored = [one for case in order[:10] for model in range(3) for one in cells_of(plan, (case, model), scores)]
    ended = work_out(plan, [None] * 40, stored, look=1)
    assert ended.raced is not None
    assert (ended.verdict.kind, ended.verdict.best, ended.raced.standing.done) == ("best", 0, True)
    assert (ended.raced.standing.cells_not_called, ended.raced.saved_microcents) == (90, 90 * 1000)
    assert "on this set of cases" in ended.sentence
    assert Raced.from_json(ended.raced.to_json()) == ended.raced
    assert [summary.missing for summary in ended.summaries] == [0, 0, 0]
    level = np.tile(scores[:, :1], 3)
    level[::2, 1] += 3
    level[1::2, 1] -= 3
    stored = [one for case in order[:20] for model in range(3) for one in cells_of(plan, (case, model), level)]
    stopped = work_out(plan, [None] * 40, stored, look=1)
    verdict = stopped.verdict
    assert (verdict.kind, verdict.reason, verdict.more_cases) == ("not_enough", "race_unfinished", 20)
    assert "stopped before its end" in stopped.sentence


def test_a_race_has_a_verdict_of_its_looks_share() -> None:
    plan = raced(2, 12, "future")
    scores = np.array([[90.0 - case % 3, 50.0 + case % 5] for case in range(12)])
    stored = [one for case in range(12) for model in range(2) for one in cells_of(plan, (case, model), scores)]
    verdict = work_out(plan, [None] * 12, stored, look=2).verdict
    assert (verdict.look, verdict.alpha, verdict.method) == (2, 0.01, "race-future/1")


def test_a_plan_without_a_race_is_what_it_was_before_there_were_races() -> None:
    plain = plan_of(2, (Arm.WITH_SKILL,), 30, 1)
    assert "race" not in plain.to_json()
    assert Plan.from_json(plain.to_json()) == plain
    assert len({plain.digest, replace(plain, race="set").digest, replace(plain, race="future").digest}) == 3
    assert Plan.from_json(replace(plain, race="set").to_json()).race == "set"
    assert len(job_order(plain)) == 4


@pytest.mark.parametrize(
    ("cases", "first"), [(1, None), (7, None), (10, None), (11, 10), (30, 10), (31, 10), (400, 10)]
)
def test_no_call_can_be_saved_before_the_first_look_that_leaves_some(cases: int, first: int | None) -> None:
    assert first_drop(cases) == first


def test_an_unknown_aim_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="'fast'"):
        race_target("fast")


@pytest.mark.parametrize("cases", [30, 1_000, 1_500, 25_000])
def test_a_plan_that_names_no_size_keeps_the_batches_it_was_made_with(cases: int) -> None:
    old = raced(2, cases, "set")
    assert set(np.diff((0, *race_of(old).ends)).tolist()) <= {5 if cases == 30 else 10}
    new = replace(old, race_batch=named_batch(cases))
    assert race_of(Plan.from_json(new.to_json())).ends == batch_ends(cases)
    # What was begun by the same command before is still found by its plan, where nothing has changed.
    assert (old.digest == new.digest) is (cases <= 1_000)

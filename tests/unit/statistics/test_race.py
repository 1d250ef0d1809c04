"""A race stops calling models that are shown not to be the best, and claims no more than its looks allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.statistics import Race
from steelyard.statistics.race import batch_ends

Floats = npt.NDArray[np.float64]
TARGETS = ("set", "future")


def table(n: int, k: int, seed: int, spread: float = 12.0, noise: float = 10.0) -> Floats:
    rng = np.random.default_rng(seed)
    lead = np.linspace(0, -spread, k)
    return np.clip(60 + rng.normal(0, 15, (n, 1)) + lead + rng.normal(0, noise, (n, k)), 0, 100)


def run(race: Race, scores: Floats, shuffle: Callable[[list[Any]], list[Any]] = list) -> list[tuple[int, int]]:
    """Follow the race to its end; the calls in the order they were recorded."""
    called: list[tuple[int, int]] = []
    while batch := race.next_batch():
        for case, model in shuffle(batch):
            race.record(case, model, float(scores[case, model]))
            called.append((case, model))
    return called


races = st.tuples(
    st.integers(1, 70), st.integers(1, 5), st.sampled_from(TARGETS), st.integers(0, 10_000), st.sampled_from([0, 4, 30])
)


@settings(max_examples=80, deadline=None)
@given(races, st.randoms(use_true_random=False))
def test_the_order_in_which_answers_arrive_changes_nothing(given_: tuple[Any, ...], dice: Any) -> None:
    n, k, target, seed, spread = given_
    scores = table(n, k, seed, spread)
    plain, mixed = (Race(n, k, target, seed=seed) for _ in range(2))
    run(plain, scores)
    run(mixed, scores, lambda batch: dice.sample(batch, len(batch)))
    assert mixed.survivors == plain.survivors
    assert mixed.dropped == plain.dropped
    assert mixed.verdict() == plain.verdict()


@settings(max_examples=60, deadline=None)
@given(races, st.floats(0, 1), st.integers(0, 100))
def test_a_race_taken_up_again_or_given_scores_early_goes_as_it_would_have(
    given_: tuple[Any, ...], share: float, other: int
) -> None:
    n, k, target, seed, spread = given_
    scores = table(n, k, seed, spread)
    whole = Race(n, k, target, seed=seed)
    called = run(whole, scores)
    again = Race(n, k, target, seed=seed)
    for case, model in called[: int(share * len(called))]:
        again.record(case, model, float(scores[case, model]))
    # Cells that other runs have left, of cases whose turn has not come and of models that may never be called.
    reused = np.random.default_rng(other).random((n, k)) < 0.3
    for case, model in zip(*np.nonzero(reused), strict=True):
        again.record(int(case), int(model), float(scores[case, model]))
    rest = run(again, scores)
    assert again.verdict() == whole.verdict()
    assert again.survivors == whole.survivors
    assert not {pair for pair in rest if reused[pair]}


@settings(max_examples=60, deadline=None)
@given(races)
def test_a_dropped_model_is_called_no_more_and_every_survivor_runs_the_same_cases(given_: tuple[Any, ...]) -> None:
    n, k, target, seed, spread = given_
    race = Race(n, k, target, seed=seed)
    called = run(race, table(n, k, seed, spread))
    assert len(called) == len(set(called))
    for model in range(k):
        own = [case for case, one in called if one == model]
        assert own == list(race.order[: race.called(model)])
    assert {gone.model for gone in race.dropped}.isdisjoint(race.survivors)
    assert all(gone.n >= 8 for gone in race.dropped)
    assert sorted([*race.survivors, *(gone.model for gone in race.dropped)]) == list(range(k))


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 60), st.integers(2, 5), st.integers(0, 10_000), st.sampled_from([0, 8]))
def test_on_this_very_set_a_race_run_to_its_end_names_the_highest_mean(
    n: int, k: int, seed: int, spread: float
) -> None:
    scores = table(n, k, seed, spread)
    race = Race(n, k, "set", alpha=1e-9, seed=seed)
    run(race, scores)
    verdict = race.verdict()
    if race.survivors == tuple(range(k)):
        assert verdict.best == int(scores.mean(axis=0).argmax())
        assert {gap.test for gap in verdict.gaps} == {"exact on this set"}


def test_equal_means_on_the_whole_set_are_a_tie() -> None:
    scores = np.tile([[80.0, 60.0, 10.0], [60.0, 80.0, 20.0]], (6, 1))
    race = Race(12, 3, "set", alpha=1e-9)
    run(race, scores)
    verdict = race.verdict()
    assert (verdict.kind, verdict.tied) == ("tied", (0, 1))


@pytest.mark.parametrize("target", TARGETS)
def test_a_clear_winner_saves_calls_and_is_named(target: Any) -> None:
    scores = table(100, 6, 3, spread=60, noise=4)
    race = Race(100, 6, target)
    called = run(race, scores)
    verdict = race.verdict()
    assert (verdict.kind, verdict.best, verdict.tied) == ("best", 0, (0,))
    assert len(called) < 0.5 * 600
    assert [figures.n for figures in verdict.models] == [race.called(model) for model in range(6)]
    assert verdict.method == f"race-{target}/1"


def test_identical_columns_are_tied_and_no_call_is_saved() -> None:
    scores = np.repeat(table(40, 1, 5), 3, axis=1)
    race = Race(40, 3, "future")
    assert len(run(race, scores)) == 120
    assert (race.verdict().kind, race.verdict().reason) == ("tied", "identical_scores")


def test_below_eight_cases_nothing_is_claimed() -> None:
    race = Race(6, 2, "set")
    run(race, table(6, 2, 1, spread=60, noise=1))
    verdict = race.verdict()
    assert (verdict.kind, verdict.reason, race.dropped) == ("not_enough", "too_few_cases", [])
    assert verdict.more_cases == 2


def test_families_guard_the_future_and_not_the_set() -> None:
    scores = table(40, 2, 1, spread=60, noise=1)
    labels = [case // 10 for case in range(40)]
    future, this_set = Race(40, 2, "future", clusters=labels), Race(40, 2, "set", clusters=labels)
    run(future, scores)
    run(this_set, scores)
    assert (future.verdict().kind, future.verdict().reason) == ("not_enough", "too_few_clusters")
    assert this_set.verdict().best == 0


def test_a_model_without_scores_is_left_out_and_holds_nobody_up() -> None:
    scores = table(40, 3, 2, spread=60, noise=2)
    scores[:, 1] = np.nan
    race = Race(40, 3, "set")
    run(race, scores)
    verdict = race.verdict()
    assert verdict.models[1].excluded
    assert verdict.best == 0
    assert [gap.rival for gap in verdict.gaps] == [2]


def test_the_cheapest_good_enough_may_be_a_model_that_was_dropped() -> None:
    rng = np.random.default_rng(4)
    base = rng.uniform(40, 80, (400, 1))
    scores = np.clip(base + np.array([0.0, -2.0, -30.0]) + rng.normal(0, 1, (400, 3)), 0, 100)
    race = Race(400, 3, "future")
    run(race, scores)
    verdict = race.verdict([900.0, 100.0, 10.0], margin=5.0)
    assert race.survivors == (0,)
    assert (verdict.best, verdict.cheapest_good_enough) == (0, 1)


def test_what_the_race_is_given_is_checked() -> None:
    for arguments in ((0, 2), (2, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            Race(*arguments)
    with pytest.raises(ValueError, match="target"):
        Race(10, 2, "all")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="alpha"):
        Race(10, 2, alpha=1.0)
    race = Race(10, 2)
    for bad in ((10, 0, 5.0), (0, 2, 5.0), (0, 0, 100.5), (0, 0, -1.0)):
        with pytest.raises(ValueError, match=r"case|score"):
            race.record(*bad)
    race.record(0, 0, 50.0)
    race.record(0, 0, 50.0)
    with pytest.raises(ValueError, match="another score"):
        race.record(0, 0, 51.0)


def _null_tables(draws: int) -> Iterator[tuple[int, Floats]]:
    rng = np.random.default_rng(11)
    for seed in range(draws):
        yield seed, np.clip(rng.normal(60, 15, (60, 1)) + rng.normal(0, 12, (60, 4)), 0, 100)


def test_of_equal_models_one_is_called_best_in_few_races() -> None:
    false = 0
    for seed, scores in _null_tables(400):
        race = Race(60, 4, "future", seed=seed)
        run(race, scores)
        false += race.verdict().kind == "best"
    # .05 and two Monte Carlo standard errors.
    assert false / 400 <= 0.05 + 2 * (0.05 * 0.95 / 400) ** 0.5


@given(st.integers(1, 200_000))
def test_a_race_looks_a_hundred_times_at_most(n_cases: int) -> None:
    ends = batch_ends(n_cases)
    assert ends[-1] == n_cases
    assert len(ends) <= 100
    sizes = np.diff((0, *ends))
    assert (sizes > 0).all()
    assert set(sizes[:-1].tolist()) <= {5 if n_cases <= 30 else max(10, -(-n_cases // 100))}

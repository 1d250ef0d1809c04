"""Who is ahead by pairwise comparison: the test, the set, the families, and how often a claim is false."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from steelyard.statistics import Orders, TieBreak, break_tie
from steelyard.statistics.pairwise import ALPHA

FAIR = Orders(10, 0, 0, 0)


def of_two(votes: list[float], clusters: Sequence[str | None] | None = None, orders: Orders = FAIR) -> TieBreak:
    return break_tie(2, [(0, 1)], [votes], orders, clusters or [None] * len(votes), [0])


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_p_is_that_of_the_exact_sign_test_and_names_its_winner(wins: int, losses: int, ties: int) -> None:
    found = of_two([1.0] * wins + [-1.0] * losses + [0.0] * ties)
    pair = found.pairs[0]
    expected = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert pair.p == pytest.approx(expected, abs=1e-12)
    assert (pair.wins, pair.losses, pair.ties, pair.n) == (wins, losses, ties, wins + losses + ties)
    winner = None if wins == losses else 0 if wins > losses else 1
    assert found.leader == winner
    assert found.ahead == (winner if expected < ALPHA else None)
    assert TieBreak.from_json(found.to_json()) == found


def test_a_model_is_ahead_only_if_it_beats_every_other() -> None:
    wins = [1.0] * 30
    pairs = [(0, 1), (0, 2), (1, 2)]
    beats_all = break_tie(3, pairs, [wins, wins, [0.0] * 30], FAIR, [None] * 30, [0, 0, 0])
    assert beats_all.ahead == 0
    beats_one = break_tie(3, pairs, [wins, [1.0] * 15 + [-1.0] * 15, wins], FAIR, [None] * 30, [0, 0, 0])
    assert (beats_one.ahead, beats_one.leader, beats_one.reason) == (None, None, "none_ahead")
    round_robin = break_tie(3, pairs, [wins, [-1.0] * 30, wins], FAIR, [None] * 30, [0, 0, 0])
    assert round_robin.ahead is None


def test_a_family_is_one_piece_of_evidence() -> None:
    votes = [1.0] * 20 + [-1.0] * 2
    assert of_two(votes).ahead == 0
    in_families = of_two(votes, ["one"] * 20 + ["two", "three"])
    assert (in_families.pairs[0].families_won, in_families.pairs[0].families_lost) == (1, 2)
    assert in_families.ahead is None


def test_a_cases_trials_are_averaged_and_what_was_not_compared_is_left_out() -> None:
    pair = of_two([1 / 3, -1.0, 0.0, nan]).pairs[0]
    assert (pair.n, pair.wins, pair.losses, pair.ties) == (3, 1, 1, 1)


def test_fractions_of_a_family_that_cancel_are_a_tie() -> None:
    pair = of_two([1 / 3, 1 / 3, -2 / 3], ["a", "a", "a"]).pairs[0]
    assert (pair.families_won, pair.families_lost, pair.p) == (0, 0, 1.0)


def test_nobody_is_named_by_a_judge_whose_word_follows_the_place() -> None:
    found = of_two([1.0] * 20, orders=Orders(kept=20, flipped=21, even=0, half=0))
    assert (found.ahead, found.leader, found.reason) == (None, 0, "follows_position")
    assert found.orders.consistency == pytest.approx(20 / 41)
    assert of_two([1.0] * 20, orders=Orders(20, 20, 0, 0)).ahead == 0


def test_nobody_is_named_where_over_5_percent_of_a_pair_is_missing() -> None:
    def missing(gone: int) -> TieBreak:
        return break_tie(2, [(0, 1)], [[1.0] * 19 + [nan] * gone], FAIR, [None] * (19 + gone), [gone])

    assert missing(1).ahead == 0
    assert (missing(2).ahead, missing(2).reason) == (None, "missing")


def test_identical_outputs_alone_put_nobody_ahead() -> None:
    found = of_two([0.0] * 12, orders=Orders(0, 0, 0, 0))
    assert (found.ahead, found.p, found.orders.consistency) == (None, None, None)


@pytest.mark.parametrize(("votes", "gone"), [([[2.0]], [0]), ([[1.0], [1.0]], [0]), ([1.0], [0])])
def test_what_does_not_fit_is_refused(votes: list[object], gone: list[int]) -> None:
    with pytest.raises(ValueError, match="votes"):
        break_tie(2, [(0, 1)], votes, FAIR, [None], gone)  # type: ignore[arg-type]


def judged(rng: np.random.Generator, k: int, n: int, place: float, *, ability: list[float]) -> TieBreak:
    """One tie-break by a noisy judge: `place` is what standing first is worth, in spreads of an output's quality."""
    quality = rng.normal(size=(n, k)) + np.array(ability)
    pairs = list(combinations(range(k), 2))
    votes, kept, flipped, even, half = np.zeros((len(pairs), n)), 0, 0, 0, 0
    for row, (one, other) in enumerate(pairs):
        gap = quality[:, one] - quality[:, other]
        seen = [gap + place + rng.normal(scale=0.7, size=n), gap - place + rng.normal(scale=0.7, size=n)]
        said = [np.sign(np.where(np.abs(one_way) < 0.3, 0, one_way)) for one_way in seen]
        votes[row] = np.where(said[0] == said[1], said[0], 0.0)
        kept += int(((said[0] == said[1]) & (said[0] != 0)).sum())
        flipped += int((said[0] * said[1] < 0).sum())
        even += int(((said[0] == 0) & (said[1] == 0)).sum())
        half += int(((said[0] == 0) != (said[1] == 0)).sum())
    return break_tie(k, pairs, votes, Orders(kept, flipped, even, half), [None] * n, [0] * len(pairs))


DRAWS = 1_000


@pytest.mark.parametrize(("k", "n", "place"), [(2, 10, 0.0), (2, 50, 0.0), (3, 30, 0.0), (5, 50, 0.0), (2, 50, 0.8)])
def test_equal_models_are_told_apart_in_at_most_5_percent(k: int, n: int, place: float) -> None:
    rng = np.random.default_rng([30, k, n])
    false = sum(judged(rng, k, n, place, ability=[0.0] * k).ahead is not None for _ in range(DRAWS)) / DRAWS
    assert false <= ALPHA + 2 * sqrt(ALPHA * (1 - ALPHA) / DRAWS)


def test_of_two_equal_leaders_neither_is_named_in_more_than_5_percent() -> None:
    rng = np.random.default_rng(31)
    named = [judged(rng, 4, 50, 0.0, ability=[1.0, 1.0, 0.0, 0.0]).ahead for _ in range(DRAWS)]
    assert sum(one is not None for one in named) / DRAWS <= ALPHA + 2 * sqrt(ALPHA * (1 - ALPHA) / DRAWS)


def test_a_purely_position_biased_judge_names_nobody_however_good_a_model_is() -> None:
    rng = np.random.default_rng(32)
    for _ in range(100):
        found = judged(rng, 3, 50, 50.0, ability=[3.0, 0.0, 0.0])
        assert (found.ahead, found.reason) == (None, "follows_position")
        assert found.orders.kept == 0


def test_a_better_model_is_found() -> None:
    rng = np.random.default_rng(33)
    found = [judged(rng, 3, 50, 0.2, ability=[1.2, 0.0, 0.0]).ahead for _ in range(200)]
    assert sum(one == 0 for one in found) >= 180
    assert set(found) <= {0, None}

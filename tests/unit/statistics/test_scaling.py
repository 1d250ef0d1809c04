"""Scaling an amount by a ratio of tokens: its interval holds the truth about as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.statistics import scaled_amount


@pytest.mark.parametrize(("n", "clustered"), [(12, False), (40, False), (40, True)])
def test_the_interval_covers_the_true_amount_about_as_often_as_it_says(n: int, clustered: bool) -> None:
    dice, covered, rounds = np.random.default_rng(n), 0, 800
    truth = 70 * 1.5 + 30 * 2.0
    for _ in range(rounds):
        family = np.arange(n) // 4 if clustered else np.arange(n)
        shared = dice.normal(0, 0.15, n)[family]
        reference = np.stack([dice.gamma(20, 40, n), dice.gamma(10, 20, n)], axis=1)
        # What makes an answer long makes it long in both kinds.
        swing = np.stack([1 + shared, 1 + shared], axis=1)
        other = reference * np.array([1.5, 2.0]) * swing * dice.uniform(0.9, 1.1, (n, 2))
        found = scaled_amount(reference, other, (70.0, 30.0), family.tolist() if clustered else None)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert 0.91 <= covered / rounds <= 0.985


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(1, 1e6)), min_size=2, max_size=30), st.floats(0.01, 50))
def test_a_model_with_the_same_multiple_on_every_case_is_known_exactly(
    tokens: list[tuple[float, float]], factor: float
) -> None:
    found = scaled_amount(tokens, np.array(tokens) * factor, (3.0, 4.0))
    assert found is not None
    assert found.value == pytest.approx(7 * factor)
    assert (found.low, found.high) == (pytest.approx(7 * factor), pytest.approx(7 * factor))


def test_what_is_not_told_is_left_out_and_one_case_has_no_interval() -> None:
    nan = float("nan")
    one = scaled_amount([(100, 10), (nan, 10), (100, 10)], [(200, 10), (9, 9), (nan, nan)], (1.0, 1.0))
    assert one is not None
    assert (one.n, one.value, one.low, one.high, one.ratios) == (1, 3.0, None, None, (2.0, 1.0))
    assert scaled_amount([(nan, 1)], [(1, 1)], (1.0, 1.0)) is None
    none_sent = scaled_amount([(0, 10), (0, 10)], [(5, 20), (5, 20)], (1.0, 1.0))
    assert none_sent is not None
    assert none_sent.ratios == (1.0, 2.0)
    with pytest.raises(ValueError, match="do not fit"):
        scaled_amount([(1, 1)], [(1, 1)], (1.0,))

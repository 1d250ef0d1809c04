"""Cases every model contradicts, and cases every model always passes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.statistics import settled_cases, suspect_cases


def outcomes(seed: int, rate: float, n: int = 40, models: int = 4) -> np.ndarray:
    return (np.random.default_rng(seed).random((n, models)) < rate).astype(float)


def test_a_case_that_good_models_all_fail_is_suspect() -> None:
    passed = outcomes(1, 0.9)
    passed[7] = 0
    passed[7, 3] = np.nan
    (found,) = suspect_cases(passed)
    assert (found.case, found.n_models) == (7, 3)
    assert found.by_chance < 0.01


def test_where_models_fail_half_the_cases_a_case_that_two_fail_is_none() -> None:
    assert suspect_cases(outcomes(2, 0.4, models=2)) == ()


def test_a_case_one_model_passes_or_only_one_was_asked_is_not_suspect() -> None:
    passed = outcomes(3, 1.0)
    passed[5] = [0, 0, 0, 1]
    passed[6] = [0, np.nan, np.nan, np.nan]
    assert suspect_cases(passed) == ()


def test_a_few_cases_prove_little() -> None:
    assert suspect_cases([[0, 0], [1, 1]]) == ()
    assert [one.case for one in suspect_cases([[0, 0], *[[1, 1]] * 8])] == [0]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 1), st.permutations(range(40)))
def test_the_order_of_the_cases_changes_only_their_numbers(seed: int, rate: float, order: list[int]) -> None:
    passed = outcomes(seed, rate, models=3)
    found = {one.case for one in suspect_cases(passed)}
    assert {order[one.case] for one in suspect_cases(passed[order])} == found
    settled = settled_cases([passed] * 4)
    assert {order[case] for case in settled_cases([passed[order]] * 4)} == set(settled)


def test_a_case_passed_ten_times_in_two_runs_and_never_failed_is_settled() -> None:
    first, second = np.ones((4, 5)), np.ones((4, 5))
    second[1, 0] = 0
    second[2, 0] = np.nan
    second[3] = np.nan
    assert settled_cases([first, second]) == (0,)
    assert settled_cases([first, second, second]) == (0, 2)
    assert settled_cases([np.ones((4, 20))]) == settled_cases([]) == ()


def test_outcomes_are_checked() -> None:
    with pytest.raises(ValueError, match="dimensions"):
        suspect_cases([1, 0])
    with pytest.raises(ValueError, match="True or False"):
        suspect_cases([[0.5, 1]])
    with pytest.raises(ValueError, match="numbers of cases"):
        settled_cases([[[1]], [[1], [1]]])

"""Calibration moves judge scores towards people by ratings of other cases, and says when it does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from steelyard.statistics import calibrate, points_of_ratings
from steelyard.statistics.calibration import pool_adjacent_violators

SEEDS = st.integers(0, 10_000)


def judged_and_rated(seed: int, cases: int, models: int, rated: int) -> tuple[np.ndarray, np.ndarray]:
    """A judge that is lenient and squeezes the scale; `rated` of the outputs have one rating."""
    rng = np.random.default_rng(seed)
    people = rng.uniform(0, 100, (cases, models))
    judged = np.clip(60 + 0.4 * people + rng.normal(0, 5, people.shape), 0, 100)
    ratings = np.full(people.size, np.nan)
    chosen = rng.choice(people.size, rated, replace=False)
    ratings[chosen] = np.round(1 + people.ravel()[chosen] * 0.09)
    return judged, ratings.reshape(people.shape)


def test_a_rating_of_one_is_nothing_and_of_ten_is_all() -> None:
    assert points_of_ratings([1, 5.5, 10]).tolist() == [0, 50, 100]
    with pytest.raises(ValueError, match="1-10"):
        points_of_ratings([0.5])


@pytest.mark.parametrize(("rated", "method"), [(9, "none"), (10, "linear"), (29, "linear"), (30, "isotonic")])
def test_the_number_of_ratings_chooses_the_map(rated: int, method: str) -> None:
    judged, ratings = judged_and_rated(3, 40, 3, rated)
    found = calibrate(judged, ratings)
    assert (found.method, found.n_rated) == (method, rated)
    if method == "none":
        assert found.reason == "too_few_ratings"
        assert np.array_equal(found.scores, judged)
    else:
        assert found.error_before is not None
        assert found.error_after is not None
        assert found.error_after < 0.6 * found.error_before


def test_several_raters_of_one_output_count_once() -> None:
    judged, ratings = judged_and_rated(3, 40, 3, 9)
    assert calibrate(judged, np.stack([ratings] * 4)).method == "none"


def test_a_judge_that_people_contradict_is_not_turned_around() -> None:
    judged, ratings = judged_and_rated(3, 40, 3, 40)
    assert calibrate(100 - judged, ratings).reason == "no_agreement"


def test_ratings_of_two_cases_carry_no_map() -> None:
    judged, ratings = judged_and_rated(1, 2, 12, 24)
    assert calibrate(judged, ratings).reason == "too_few_cases"


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from([12, 45]), st.integers(0, 39))
def test_a_case_is_mapped_without_its_own_ratings(seed: int, rated: int, case: int) -> None:
    judged, ratings = judged_and_rated(seed, 40, 3, rated)
    other = ratings.copy()
    other[case] = np.where(np.isnan(other[case]), np.nan, 11 - other[case])
    first, second = calibrate(judged, ratings), calibrate(judged, other)
    if first.method == second.method:
        assert first.scores[case] == pytest.approx(second.scores[case])


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from([12, 45]))
def test_within_a_case_no_order_is_turned(seed: int, rated: int) -> None:
    judged, ratings = judged_and_rated(seed, 20, 4, rated)
    order = np.argsort(judged, axis=1)
    moved = np.take_along_axis(calibrate(judged, ratings).scores, order, axis=1)
    assert (np.diff(moved, axis=1) >= -1e-9).all()


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.integers(1, 60))
def test_pooling_adjacent_violators_is_scipys(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    values, weights = rng.integers(0, 8, size).astype(float), rng.integers(1, 4, size).astype(float)
    oracle = isotonic_regression(values, weights=weights).x
    assert pool_adjacent_violators(values, weights) == pytest.approx(oracle, abs=1e-9)

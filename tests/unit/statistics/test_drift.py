"""When use has drifted from what was benchmarked, and when it is too early or too little to say so."""

from __future__ import annotations

from math import fsum

from hypothesis import assume, given
from hypothesis import strategies as st

from steelyard.statistics import mean_shift, share_shift
from steelyard.statistics.drift import FEWEST_BENCHMARKED, FEWEST_RATED, FEWEST_USES, TOLERANCE

VALUES = st.lists(st.floats(1, 1e6), min_size=FEWEST_BENCHMARKED, max_size=40)
USES = st.integers(FEWEST_USES, 10**6)


@given(VALUES, USES)
def test_the_benchmarks_own_mean_and_what_is_within_a_tenth_of_it_never_drift(values: list[float], uses: int) -> None:
    mean = fsum(values) / len(values)
    for near in (mean, mean * (1 - 0.99 * TOLERANCE), mean * (1 + 0.99 * TOLERANCE)):
        assert mean_shift(values, near, uses) is None


@given(VALUES, USES)
def test_what_is_further_off_than_any_case_has_drifted(values: list[float], uses: int) -> None:
    far = max(values) * len(values) * 10
    found = mean_shift(values, far, uses)
    assert found is not None
    assert found.low <= found.benchmark <= found.high < found.production == far


@given(VALUES, st.floats(0, 1e9), st.integers(0, FEWEST_USES - 1))
def test_too_few_uses_or_cases_say_nothing(values: list[float], production: float, uses: int) -> None:
    assert mean_shift(values, production, uses) is None
    assert mean_shift(values[: FEWEST_BENCHMARKED - 1], production, 10**6) is None


@given(VALUES, st.floats(0.01, 1e7), USES, st.sampled_from([0.25, 0.5, 2.0, 1024.0]))
def test_the_unit_does_not_matter(values: list[float], production: float, uses: int, scale: float) -> None:
    one = mean_shift(values, production, uses)
    other = mean_shift([value * scale for value in values], production * scale, uses)
    assert (one is None) == (other is None)


@given(VALUES, VALUES, st.floats(0, 1e7), USES)
def test_what_either_way_of_measuring_allows_has_not_drifted(
    values: list[float], also: list[float], production: float, uses: int
) -> None:
    together = mean_shift(values, production, uses, also=also)
    if together is not None:
        assert mean_shift(values, production, uses) is not None
        assert mean_shift(also, production, uses) is not None


@given(st.integers(0, 100), st.integers(FEWEST_BENCHMARKED, 100), st.integers(0, 500), st.integers(FEWEST_RATED, 500))
def test_feedback_counts_only_where_it_is_worse_and_more_approval_never_makes_it_so(
    passed: int, cases: int, positive: int, rated: int
) -> None:
    assume(passed <= cases and positive <= rated)
    found = share_shift(passed, cases, positive, rated)
    if found is not None:
        assert found.production < found.low <= found.benchmark
        assert share_shift(passed, cases, max(0, positive - 1), rated) is not None
    else:
        assert share_shift(passed, cases, rated, rated) is None
    assert share_shift(passed, cases, 0, FEWEST_RATED - 1) is None


def test_all_unhappy_about_what_always_passed_is_told_in_percent() -> None:
    found = share_shift(20, 20, 10, 50)
    assert found is not None
    assert (found.benchmark, found.production, found.n) == (100.0, 20.0, 50)
    assert found.percent == -80.0

"""PPI++ against ppi-python where the formula is the same, its coverage with few ratings, and when it claims nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate
from scipy import stats

from steelyard.statistics import HumanEstimate, human_difference, human_mean

SEEDS = st.integers(0, 10_000)
ORACLE = settings(max_examples=40, deadline=None)


def outputs(seed: int, n: int, rated: int, trust: float = 0.8, models: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """(judged, people) of n cases whose first `rated` have ratings; the judge is 10 points lenient."""
    rng = np.random.default_rng(seed)
    people = 50 + rng.normal(0, 12, (n, models))
    judged = 60 + trust * (people - 50) + rng.normal(0, 12 * abs(1 - trust) + 0.1, (n, models))
    people[rated:] = np.nan
    return np.clip(judged, 0, 100), np.clip(people, 0, 100)


def assert_is_that_of_ppi_python(found: HumanEstimate, people: np.ndarray, judge: np.ndarray, rated: int) -> None:
    labelled, alone, n, rest = judge[:rated], judge[rated:], rated, judge.size - rated
    assert found.lam is not None
    assert found.mean is not None
    assert found.se is not None
    lam = found.lam[0]
    assert found.mean == pytest.approx(np.ravel(ppi_mean_pointestimate(people, labelled, alone))[0], abs=1e-9)
    low, high = np.ravel(ppi_mean_ci(people, labelled, alone, alpha=0.05))
    # Ours with the paper's denominators and z in place of n - 2, N - 1 and t.
    judges = lam**2 * alone.var(ddof=1) / rest
    paper = (found.se**2 - judges) * (n - 2) / n + judges * (rest - 1) / rest
    half = stats.norm.ppf(0.975) * np.sqrt(paper)
    assert (found.mean - half, found.mean + half) == pytest.approx((low, high), abs=1e-9)


@ORACLE
@given(SEEDS, st.integers(8, 40), st.sampled_from([-0.5, 0.0, 0.3, 0.95, 1.3]))
def test_the_mean_is_that_of_ppi_python(seed: int, rated: int, trust: float) -> None:
    judged, people = outputs(seed, 90, rated, trust)
    found = human_mean(judged[:, 0], people[:, 0])
    assert_is_that_of_ppi_python(found, people[:rated, 0], judged[:, 0], rated)


@ORACLE
@given(SEEDS, st.integers(8, 40))
def test_the_difference_on_the_same_cases_is_ppi_python_of_the_paired_differences(seed: int, rated: int) -> None:
    judged, people = outputs(seed, 90, rated)
    found = human_difference(judged, people)
    assert found.design == "same cases"
    differences = people[:rated, 0] - people[:rated, 1]
    assert_is_that_of_ppi_python(found, differences, judged[:, 0] - judged[:, 1], rated)


@ORACLE
@given(SEEDS)
def test_each_case_a_family_changes_nothing_and_swapped_models_swap_the_sign(seed: int) -> None:
    judged, people = outputs(seed, 60, 12)
    plain = human_difference(judged, people)
    assert human_difference(judged, people, clusters=range(60)) == plain
    swapped = human_difference(judged[:, ::-1], people[:, ::-1])
    assert plain.low is not None
    assert swapped.high == pytest.approx(-plain.low)
    assert swapped.p == pytest.approx(plain.p)


def test_where_every_case_is_rated_the_judge_plays_no_part() -> None:
    judged, people = outputs(1, 20, 20, models=1)
    found = human_mean(judged[:, 0], people[:, 0])
    assert found.lam == (0.0,)
    assert found.mean == pytest.approx(people.mean())


def test_a_family_rated_twice_over_is_no_more_evidence() -> None:
    judged, people = outputs(4, 60, 12)
    once = human_difference(judged, people)
    twice = human_difference(np.repeat(judged, 2, axis=0), np.repeat(people, 2, axis=0), np.repeat(np.arange(60), 2))
    assert twice.se == pytest.approx(once.se, rel=0.02)
    assert twice.mean == pytest.approx(once.mean, abs=0.5)


@pytest.mark.parametrize("design", ["same cases", "other cases"])
@pytest.mark.parametrize("trust", [0.1, 0.9])
def test_with_eight_ratings_the_interval_holds_the_truth(design: str, trust: float) -> None:
    held = 0
    for seed in range(1_000):
        judged, people = outputs(seed, 48, 8 if design == "same cases" else 16, trust)
        if design == "other cases":
            people[:8, 0] = people[8:16, 1] = np.nan
        found = human_difference(judged, people)
        assert found.design == design
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0 <= found.high
    assert held >= 930


def test_nothing_is_claimed_without_enough_to_stand_on() -> None:
    judged, people = outputs(1, 40, 7)
    assert human_difference(judged, people).reason == "too_few_ratings"
    assert human_mean(judged[:, 0], people[:, 0]).reason == "too_few_ratings"
    judged, people = outputs(1, 40, 20)
    few = human_difference(judged, people, clusters=[case // 4 for case in range(40)])
    assert (few.reason, few.mean, few.n_rated, few.n_judged) == ("too_few_clusters", None, 20, 20)
    people[:, 1] = people[:, 0]
    assert human_difference(judged, people).reason == "too_few_differences"
    people[:20, 0] = 80
    assert human_mean(np.full(40, 70.0), people[:, 0]).reason == "no_spread"


def test_what_it_is_given_is_checked() -> None:
    judged, people = outputs(1, 40, 20)
    with pytest.raises(ValueError, match=r"\(n_cases,\)"):
        human_mean(judged, people)
    with pytest.raises(ValueError, match=r"\(n_cases, 2\)"):
        human_difference(judged[:, 0], people[:, 0])
    with pytest.raises(ValueError, match="people must lie"):
        human_mean(judged[:, 0], people[:, 0] + 90)
    with pytest.raises(ValueError, match="level"):
        human_mean(judged[:, 0], people[:, 0], level=1.0)

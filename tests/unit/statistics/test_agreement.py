"""Agreement of judge, people and length, against scipy and a published example."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from steelyard.statistics import judge_agreement, krippendorff_alpha

_ = float("nan")
# Krippendorff 2011, "Computing Krippendorff's alpha-reliability", example C: four observers, twelve units.
PUBLISHED = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]


def test_alpha_is_the_published_one() -> None:
    assert krippendorff_alpha(PUBLISHED) == pytest.approx(0.849, abs=5e-4)


def test_alpha_knows_full_agreement_and_says_nothing_of_nothing() -> None:
    assert krippendorff_alpha([[1, 5, 9], [1, 5, 9]]) == 1
    assert krippendorff_alpha([[1, _, 9], [_, 5, _]]) is None
    assert krippendorff_alpha([[4, 4], [4, 4]]) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 30), st.integers(1, 4))
def test_with_one_rater_the_correlations_are_scipys(seed: int, cases: int, models: int) -> None:
    rng = np.random.default_rng(seed)
    judged = rng.integers(0, 6, (cases, models)) * 20.0
    ratings = rng.integers(1, 11, (cases, models)).astype(float)
    ratings[rng.random(ratings.shape) < 0.2] = np.nan
    both = ~np.isnan(ratings)
    x, y = judged[both], ratings[both]
    found = judge_agreement(judged, ratings)
    assert found.people is None
    assert found.n_rated == both.sum()
    if np.unique(x).size > 1 and np.unique(y).size > 1 and x.size > 2:
        assert found.judge.spearman == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
        assert found.judge.pearson == pytest.approx(stats.pearsonr(x, y)[0], abs=1e-12)


def outputs(cases: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three raters and a judge who see the same quality with the same noise, and lengths that say nothing of it."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(60, 15, (cases, 4))
    ratings = quality + rng.normal(0, 10, (3, cases, 4))
    return quality + rng.normal(0, 10, quality.shape), ratings, rng.integers(100, 900, quality.shape)


def test_a_judge_as_good_as_a_person_agrees_as_people_do_and_length_does_not() -> None:
    judged, ratings, lengths = outputs(200, 1)
    found = judge_agreement(judged, ratings, lengths)
    assert found.people is not None
    assert found.length is not None
    assert found.judge.spearman == pytest.approx(found.people.spearman, abs=0.05)
    assert found.judge.order == pytest.approx(found.people.order, abs=0.03)
    assert found.length.order == pytest.approx(0.5, abs=0.05)


def test_the_order_within_cases_ignores_how_hard_the_cases_are() -> None:
    """The judge sees only how hard a case is: over all outputs it agrees, within a case it cannot tell."""
    hard = np.arange(20.0)[:, None]
    ratings = hard + np.array([0.0, 0.3])
    found = judge_agreement(np.repeat(hard, 2, axis=1), ratings).judge
    assert found.spearman is not None
    assert found.spearman > 0.99
    assert found.order == 0.5


@pytest.mark.parametrize("cases", [10, 25])
def test_the_interval_of_the_agreement_holds_the_truth(cases: int) -> None:
    truth = judge_agreement(*outputs(4_000, 9)[:2]).judge.spearman
    assert truth is not None
    held = 0
    for seed in range(150):
        found = judge_agreement(*outputs(cases, seed)[:2]).judge
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 0.91 * 150


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="ratings"):
        judge_agreement(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="lengths"):
        judge_agreement(np.ones((3, 2)), np.ones((3, 2)), np.ones(3))
    with pytest.raises(ValueError, match="dimensions"):
        krippendorff_alpha([1, 2])

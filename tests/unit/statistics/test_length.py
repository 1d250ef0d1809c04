"""The slope of scores on length against statsmodels, and the flag of a lead that length explains."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from steelyard.statistics import decide, length_effect


def outputs(seed: int, n: int, k: int, slope: float = 0.0, lead: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Model 0 writes twice as long as the others and is truly `lead` points better; `slope` points per doubling."""
    rng = np.random.default_rng(seed)
    lengths = 500 * 2 ** rng.normal(0, 0.7, (n, k))
    lengths[:, 0] *= 2
    scores = 50 + rng.normal(0, 12, (n, 1)) + rng.normal(0, 8, (n, k)) + slope * np.log2(lengths / 500)
    scores[:, 0] += lead
    return np.clip(scores, 0, 100), lengths


def by_statsmodels(scores: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(slope, effect of model 0 over model 1, ...) of least squares with a dummy for each case and each model."""
    n, k = scores.shape
    cases, models = np.repeat(np.eye(n), k, axis=0), np.tile(np.eye(k), (n, 1))
    design = np.column_stack([np.log2(lengths).ravel(), -models[:, 1:], cases])
    return sm.OLS(scores.ravel(), design).fit().params[:k]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(16, 20), st.integers(2, 4), st.booleans())
def test_the_fit_and_its_jackknife_are_statsmodels_refitted_without_each_case(
    seed: int, n: int, k: int, in_families: bool
) -> None:
    scores, lengths = outputs(seed, n, k, slope=3)
    labels = np.arange(n) // 2 if in_families else np.arange(n)
    units = int(labels.max()) + 1
    verdict = decide(scores)
    leader = verdict.leader
    assert leader is not None
    order = [leader, *(model for model in range(k) if model != leader)]
    found = length_effect(scores, lengths, verdict, clusters=labels)
    whole = by_statsmodels(scores[:, order], lengths[:, order])
    left = [np.ix_(labels != one, order) for one in range(units)]
    without = np.array([by_statsmodels(scores[rows], lengths[rows]) for rows in left])
    se = np.sqrt((units - 1) / units * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    assert found.low is not None
    assert found.high is not None
    assert [found.slope, *(gap.adjusted for gap in found.gaps)] == pytest.approx(whole.tolist())
    assert (found.high - found.low) / 2 == pytest.approx(se[0] * stats.t.ppf(0.975, rests_on(lengths, labels) - 1))
    # A gap rests on more cases than the slope, and on no more than there are.
    halves = np.array([gap.high - gap.low for gap in found.gaps]) / 2
    assert (halves >= se[1:] * stats.t.ppf(0.975, units - 1) * (1 - 1e-9)).all()


def rests_on(lengths: np.ndarray, labels: np.ndarray) -> float:
    """Kish's effective number of cases (or families) that carry the spread of log lengths."""
    x = np.log2(lengths)
    x = x - x.mean(axis=0) - x.mean(axis=1, keepdims=True) + x.mean()
    shares = np.bincount(labels, weights=(x**2).sum(axis=1))
    return shares.sum() ** 2 / (shares**2).sum()


def test_adjusted_means_are_those_at_the_mean_length_of_the_case() -> None:
    scores, lengths = outputs(1, 200, 3, slope=5)
    found = length_effect(scores, lengths, decide(scores))
    assert found.slope == pytest.approx(5, abs=1)
    adjusted = [mean for mean in found.adjusted if mean is not None]
    assert np.mean(adjusted) == pytest.approx(scores.mean())
    assert np.ptp(adjusted) < 2.5 < np.ptp(scores.mean(axis=0))


def test_a_lead_that_is_length_dies_and_a_true_one_does_not() -> None:
    for lead, dies in ((0.0, True), (12.0, False)):
        scores, lengths = outputs(3, 120, 3, slope=6, lead=lead)
        verdict = decide(scores)
        assert verdict.best == 0
        found = length_effect(scores, lengths, verdict)
        assert found.lead_dies is dies
        assert bool(found.dead) is dies


def test_without_a_slope_no_lead_dies_however_unlike_the_lengths() -> None:
    flagged = 0
    for seed in range(300):
        scores, lengths = outputs(seed, 30, 3, slope=0, lead=8)
        flagged += length_effect(scores, lengths, decide(scores)).lead_dies
    assert flagged / 300 <= 0.05


def test_of_no_slope_few_are_found_though_one_text_is_next_to_nothing() -> None:
    found = 0
    for seed in range(400):
        scores, lengths = outputs(seed, 20, 2)
        lengths[0, 0] = 1
        p = length_effect(scores, lengths, decide(scores)).p
        found += p is not None and p < 0.05
    assert found / 400 <= 0.05 + 2 * (0.05 * 0.95 / 400) ** 0.5


def test_empty_answers_and_missing_scores_leave_their_cases_out() -> None:
    scores, lengths = outputs(5, 40, 3)
    lengths[0, 1], lengths[1, 2] = 0, np.nan
    scores[2, 0] = np.nan
    assert length_effect(scores, lengths, decide(scores)).n == 37
    scores[3:8, 2] = np.nan
    found = length_effect(scores, lengths, decide(scores))
    assert (found.n, found.adjusted[2]) == (38, None)
    assert {gap.rival for gap in found.gaps} == {0, 1} - {decide(scores).leader}


def test_nothing_is_said_without_enough_to_stand_on() -> None:
    scores, lengths = outputs(1, 40, 3)
    verdict = decide(scores)
    same = np.full_like(lengths, 300.0)
    assert length_effect(scores, same, verdict).reason == "no_variation"
    same[4, 0] = 900
    assert length_effect(scores, same, verdict).reason == "no_variation"
    assert length_effect(scores[:7], lengths[:7], decide(scores[:7])).reason == "too_few_cases"
    assert length_effect(scores[:, :1], lengths[:, :1], decide(scores[:, :1])).reason == "too_few_models"
    few = [case % 4 for case in range(40)]
    assert length_effect(scores, lengths, decide(scores, clusters=few), few).reason == "too_few_clusters"
    with pytest.raises(ValueError, match="lengths"):
        length_effect(scores, lengths[:, :2], verdict)
    with pytest.raises(ValueError, match="lengths"):
        length_effect(scores, -lengths, verdict)
    with pytest.raises(ValueError, match="verdict"):
        length_effect(scores[:, :2], lengths[:, :2], verdict)

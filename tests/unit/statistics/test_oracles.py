"""The figures against scipy.stats and statsmodels, and exact laws by full enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from arch.bootstrap import MCS
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import gammaln, xlogy
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

from steelyard.statistics import decide, detectable_lead, mean_interval, wilson_interval
from steelyard.statistics.exact import (
    lattice_sign_flip_test,
    share_difference_upper,
    share_lower,
    share_upper,
    sign_flip_test,
    sign_test,
)
from steelyard.statistics.families import from_labels
from steelyard.statistics.paired import compare

SEEDS = st.integers(0, 10_000)
ORACLE = settings(max_examples=25, deadline=None)


def table(seed: int, n: int, k: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 100, (n, k))


@ORACLE
@given(SEEDS, st.integers(8, 60))
def test_the_paired_t_is_scipys(seed: int, n: int) -> None:
    scores = table(seed, n)
    oracle = stats.ttest_rel(scores[:, 0], scores[:, 1])
    pairs = compare(scores)
    low, high = pairs.interval()
    expected = oracle.confidence_interval(0.95)
    assert pairs.p[0, 1] == pytest.approx(oracle.pvalue, rel=1e-9)
    assert (low[0, 1], high[0, 1]) == pytest.approx((expected.low, expected.high), rel=1e-7, abs=1e-7)
    one_sided = stats.ttest_rel(scores[:, 0], scores[:, 1], alternative="less").confidence_interval(0.97)
    assert pairs.upper(0.03)[0, 1] == pytest.approx(min(one_sided.high, 100), rel=1e-7)


@ORACLE
@given(SEEDS, st.integers(8, 20))
def test_the_cluster_robust_t_is_that_of_statsmodels(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(count), rng.integers(1, 6, count))
    labels[0] = labels[-1]
    scores = table(seed, labels.size)
    difference = scores[:, 0] - scores[:, 1]
    fit = sm.OLS(difference, np.ones(labels.size)).fit(cov_type="cluster", cov_kwds={"groups": labels}, use_t=True)
    families = from_labels(labels, labels.size)
    pairs = compare(scores, families)
    if families.all_single:
        return
    assert pairs.se[0, 1] == pytest.approx(fit.bse[0], rel=1e-7)
    assert pairs.p[0, 1] == pytest.approx(fit.pvalues[0], rel=1e-7)
    low, high = pairs.interval()
    assert (low[0, 1], high[0, 1]) == pytest.approx(tuple(fit.conf_int(0.05)[0]), rel=1e-6)


@ORACLE
@given(SEEDS, st.integers(2, 60))
def test_the_interval_of_a_mean_is_scipys(seed: int, n: int) -> None:
    values = table(seed, n, 1)[:, 0]
    oracle = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    interval = mean_interval(values)
    assert (interval.low, interval.high) == pytest.approx((max(oracle.low, 0), min(oracle.high, 100)), rel=1e-9)


@given(st.integers(0, 50), st.integers(0, 50), st.sampled_from([0.8, 0.95, 0.99]))
@settings(max_examples=60, deadline=None)
def test_the_wilson_interval_is_that_of_statsmodels(passed: int, rest: int, level: float) -> None:
    n = passed + rest
    expected = proportion_confint(passed, n, 1 - level, method="wilson") if n else (0.0, 1.0)
    assert wilson_interval(passed, n, level) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (1, 0), (7, 0), (5, 9), (30, 31), (400, 300)])
def test_the_sign_test_is_the_binomial_test(won: int, lost: int) -> None:
    expected = stats.binomtest(won, won + lost).pvalue if won + lost else 1.0
    assert sign_test(np.array([won]), np.array([lost]))[0] == pytest.approx(expected)


@given(st.lists(st.integers(-9, 9), max_size=9))
@settings(max_examples=60, deadline=None)
def test_the_sign_flip_tests_are_full_enumeration(sums: list[int]) -> None:
    flips = product((1, -1), repeat=len(sums))
    totals = [sum(sign * value for sign, value in zip(signs, sums, strict=True)) for signs in flips]
    expected = np.mean([abs(total) >= abs(sum(sums)) for total in totals])
    assert sign_flip_test(np.array(sums, dtype=float)) == pytest.approx(expected)
    assert lattice_sign_flip_test(np.array(sums) * 100.0, 100.0) == pytest.approx(expected)


def test_the_sign_flip_test_bears_two_thousand_families() -> None:
    p = lattice_sign_flip_test(np.repeat([1.0, -1.0], [1_050, 950]), 1.0)
    assert p == pytest.approx(stats.binomtest(950, 2_000).pvalue)


@pytest.mark.parametrize(("successes", "n"), [(0, 8), (3, 8), (8, 8), (40, 400)])
def test_the_bounds_of_a_share_are_clopper_pearson(successes: int, n: int) -> None:
    low, high = proportion_confint(successes, n, 0.06, method="beta")
    counts = np.array([successes])
    assert share_lower(counts, n, 0.03)[0] == pytest.approx(low, abs=1e-9)
    assert share_upper(counts, n, 0.03)[0] == pytest.approx(high, abs=1e-9)


@pytest.mark.parametrize("n", [8, 20, 30, 50, 120])
@pytest.mark.parametrize("alpha", [0.03, 0.006, 0.0025])
def test_a_pass_or_fail_model_at_the_margin_is_called_good_enough_at_most_alpha(n: int, alpha: float) -> None:
    """By summing over every outcome: gaps of 2, 5 and 10 points, and from none to all of the rest discordant."""
    outcomes = [(won, lost) for lost in range(n + 1) for won in range(n + 1 - lost)]
    won, lost = np.array(outcomes, dtype=np.float64).T
    bound = share_difference_upper(won, lost, float(n), alpha)
    ways = gammaln(n + 1) - gammaln(won + 1) - gammaln(lost + 1) - gammaln(n - won - lost + 1)
    for margin in (0.02, 0.05, 0.1):
        for lost_share in np.linspace(0, (1 - margin) / 2 - 1e-6, 25):
            won_share = lost_share + margin
            rest = 1 - won_share - lost_share
            chance = np.exp(ways + xlogy(won, won_share) + xlogy(lost, lost_share) + xlogy(n - won - lost, rest))
            assert chance[bound < margin].sum() <= alpha


def test_the_detectable_lead_is_that_of_statsmodels() -> None:
    for n in (5, 8, 40, 300):
        for alpha in (0.03, 0.05):
            effect = TTestPower().solve_power(nobs=n, alpha=alpha, power=0.8)
            assert detectable_lead(n, sd=20, alpha=alpha) == pytest.approx(20 * effect, rel=1e-4)


@pytest.mark.parametrize(("n", "points"), [(10, 19.7), (20, 13.1), (50, 8.0), (100, 5.6)])
def test_the_published_detectable_leads_are_reproduced(n: int, points: float) -> None:
    """Stated for an SD of about 20; 19.8 gives every one of them to the decimal shown."""
    assert round(detectable_lead(n, sd=19.8, alpha=0.05), 1) == points
    assert detectable_lead(n, sd=20, alpha=0.05) == pytest.approx(points, rel=0.02)


def test_a_planted_gap_is_found_as_often_as_the_detectable_lead_promises() -> None:
    rng = np.random.default_rng(11)
    lead = detectable_lead(20, sd=14.0, alpha=0.03)
    found = 0
    for _ in range(400):
        scores = 50 + rng.normal(0, 14 / np.sqrt(2), (20, 2)) + [lead / 2, -lead / 2]
        found += decide(np.clip(scores, 0, 100)).best == 0
    assert 0.74 <= found / 400 <= 0.86


@pytest.mark.parametrize("lead", [0.0, 3.0, 6.0])
def test_the_models_that_may_be_best_are_about_those_of_the_model_confidence_set(lead: float) -> None:
    """Both hold the true best in 95% of draws; ours is by another test, and no more than half a model larger."""
    rng = np.random.default_rng(3)
    draws, levels = 120, np.array([lead, 0, 0, -3, -6, -12])
    held = np.zeros(2)
    sizes = np.zeros(2)
    for seed in range(draws):
        scores = np.clip(60 + rng.normal(0, 12, (40, 1)) + levels + rng.normal(0, 10, (40, 6)), 0, 100)
        by_arch = MCS(-scores, size=0.05, reps=200, block_size=1, method="R", seed=seed)
        by_arch.compute()
        kept = (set(decide(scores).tied or range(6)), set(by_arch.included))
        held += [0 in models for models in kept]
        sizes += [len(models) for models in kept]
    assert (held / draws >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / draws)).all()
    assert abs(sizes[0] - sizes[1]) / draws <= 0.5

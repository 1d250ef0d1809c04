"""Jurors together, and what their scores of their own families change."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.statistics import effective_jurors, own_family_bias, own_family_check, pool_jurors
from steelyard.statistics.jury import NotComparable

SEEDS = st.integers(0, 10_000)
MODELS = ("a", "a", "b", "b", "c", "c")


def scored(
    seed: int,
    jurors: tuple[str, ...] = ("a", "b", "c"),
    models: tuple[str, ...] = MODELS,
    n: int = 50,
    favour: float = 0.0,
    lead: float = 0.0,
    noise: float = 10.0,
) -> np.ndarray:
    """Model 0 is truly `lead` points better; jurors differ in leniency and each favours its own family."""
    rng = np.random.default_rng(seed)
    quality = 50 + rng.normal(0, 12, (n, 1)) + rng.normal(0, 6, (n, len(models)))
    quality[:, 0] += lead
    own = np.array([[one == other for other in models] for one in jurors])
    leniency = rng.normal(0, 6, (len(jurors), 1, 1))
    scores = quality + leniency + favour * own[:, None, :] + rng.normal(0, noise, (len(jurors), *quality.shape))
    return np.clip(scores, 0, 100)


def test_leniency_is_taken_out_and_moves_no_gap() -> None:
    scores = np.clip(scored(1), 20, 80)
    found = pool_jurors(scores)
    shifted = pool_jurors(scores + np.array([10.0, 0.0, -10.0])[:, None, None])
    assert shifted.scores == pytest.approx(found.scores)
    assert np.array(shifted.leniency) - np.array(found.leniency) == pytest.approx([10, 0, -10])


def test_without_own_families_a_favour_reaches_no_models_score() -> None:
    """The favour is not in the scores it was given in, nor, through leniency, in those of the others."""
    plain, favoured = (pool_jurors(scored(2, ("a", "z"), favour=points), ("a", "z"), MODELS) for points in (0.0, 15.0))
    assert favoured.scores == pytest.approx(plain.scores)


def test_a_model_with_few_scored_outputs_takes_no_leniency_from_the_others() -> None:
    """One model is scored on a single case: leniency is still that of all outputs, each counting alike."""
    shift = np.array([8.0, 0.0, -8.0])[:, None, None]
    scores = np.clip(np.broadcast_to(np.clip(scored(3, noise=0.0), 20, 80)[:1], (3, 50, len(MODELS))) + shift, 0, 100)
    scores = scores.copy()
    scores[:, 1:, -1] = np.nan
    for families in ((None, None), (("a", "b", "c"), MODELS)):
        assert pool_jurors(scores, *families).leniency == pytest.approx((8, 0, -8))


def test_a_model_without_any_score_links_no_jurors() -> None:
    scores = scored(3, ("a", "b"), ("a", "b", "z"))
    assert pool_jurors(scores, ("a", "b"), ("a", "b", "z")).leniency
    scores[:, :, 2] = np.nan
    with pytest.raises(NotComparable):
        pool_jurors(scores, ("a", "b"), ("a", "b", "z"))


def test_jurors_who_share_no_model_outside_their_families_cannot_be_compared() -> None:
    with pytest.raises(NotComparable):
        pool_jurors(scored(1, ("a", "b"), ("a", "b")), ("a", "b"), ("a", "b"))
    with pytest.raises(NotComparable):
        pool_jurors(scored(1, ("a", "a")), ("a", "a"), MODELS)
    check = own_family_check(scored(1, ("a", "b"), ("a", "b")), ("a", "b"), ("a", "b"))
    assert (check.holds, check.without_own, check.reason) == (False, None, "not_comparable")


def test_jurors_alike_are_worth_one_and_unlike_ones_their_number() -> None:
    alike = np.repeat(scored(3, ("z",)), 3, axis=0)
    found = pool_jurors(alike)
    assert (found.rho, found.spearman, found.alpha) == pytest.approx((1, 1, 1))
    assert found.n_eff == pytest.approx(1)
    assert effective_jurors(3, 0.0) == effective_jurors(3, -0.2) == 3
    alone = pool_jurors(alike[:1])
    assert (alone.rho, alone.n_eff) == (None, None)
    assert alone.scores == pytest.approx(alike[0])


def test_a_cell_without_one_of_its_jurors_is_missing() -> None:
    scores = scored(3)
    scores[0, 4, 0] = scores[1, 5, 0] = np.nan
    assert np.isnan(pool_jurors(scores).scores[[4, 5], 0]).all()
    left = pool_jurors(scores, ("a", "b", "c"), MODELS).scores
    assert np.isnan(left[[4, 5], 0]).tolist() == [False, True]


def test_a_best_that_only_its_own_family_sees_is_no_best() -> None:
    models = ("a", "b", "c", "d")
    check = own_family_check(scored(5, ("a", "x"), models, favour=16.0, noise=6), ("a", "x"), models)
    assert check.everyone.best == 0
    assert check.without_own is not None
    assert check.without_own.best is None
    assert (check.holds, check.reason) == (False, "own_family_decides")


def test_a_best_that_all_see_holds() -> None:
    models = ("a", "b", "c", "d")
    check = own_family_check(scored(5, ("a", "x"), models, lead=20.0), ("a", "x"), models)
    assert (check.holds, check.everyone.best) == (True, 0)
    outside = own_family_check(scored(5, ("x", "y"), models, lead=20.0), ("x", "y"), models)
    assert (outside.holds, outside.without_own) == (True, outside.everyone)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_overall_advantage_is_that_of_a_regression_with_all_fixed_effects(seed: int) -> None:
    scores = scored(seed, n=8, favour=4.0)
    n_jurors, n, k = scores.shape
    juror, case, model = (index.ravel() for index in np.indices(scores.shape))
    own = np.array([("a", "b", "c")[j] == MODELS[m] for j, m in zip(juror, model, strict=True)], dtype=float)
    outputs, seats = np.eye(n * k)[case * k + model], np.eye(n_jurors * n)[juror * n + case]
    # Of each case one seat goes without a dummy, which its outputs' dummies make up for.
    fit = sm.OLS(scores.ravel(), np.column_stack([own, outputs, seats[:, n:]])).fit()
    found = own_family_bias(scores, ("a", "b", "c"), MODELS)
    assert found.overall is not None
    assert found.overall.points == pytest.approx(fit.params[0])
    assert [label for label, _ in found.families] == ["a", "b", "c"]


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(-10, 10))
def test_neither_leniency_nor_quality_is_taken_for_favour(seed: int, points: float) -> None:
    scores = np.clip(scored(seed, n=10), 15, 85)
    moved = scores + points * np.array([1.0, -1.0, 0.3])[:, None, None]
    moved = moved + np.array([points / 3, 0, 0, 0, 0, -points / 3])
    first, second = (own_family_bias(table, ("a", "b", "c"), MODELS).overall for table in (scores, moved))
    assert first is not None
    assert second is not None
    assert second.points == pytest.approx(first.points)


def test_of_two_families_alone_only_the_mean_favour_is_known() -> None:
    found = own_family_bias(scored(1, ("a", "b"), ("a", "b"), favour=8.0), ("a", "b"), ("a", "b"))
    assert found.overall is not None
    assert found.overall.points == pytest.approx(8, abs=3)
    assert found.families == ()


def test_nothing_is_said_without_enough_to_stand_on() -> None:
    names = ("a", "b", "c")
    assert own_family_bias(scored(1), ("x", "y", None), MODELS).reason == "no_own_family"
    assert own_family_bias(scored(1, ("a",)), ("a",), MODELS).reason == "one_juror"
    assert own_family_bias(scored(1, ("a", "a")), ("a", "a"), MODELS).reason == "not_comparable"
    assert own_family_bias(scored(1, n=7), names, MODELS).reason == "too_few_cases"
    few = own_family_bias(scored(1), names, MODELS, clusters=[case % 5 for case in range(50)])
    assert (few.reason, few.found) == ("too_few_clusters", False)
    with pytest.raises(ValueError, match="families"):
        own_family_bias(scored(1), ("a", "b"), MODELS)
    with pytest.raises(ValueError, match="jurors x cases x models"):
        pool_jurors(np.ones((3, 2)))
    with pytest.raises(ValueError, match="neither"):
        pool_jurors(scored(1), juror_family=names)


def test_only_the_family_that_is_favoured_is_named() -> None:
    rng = np.random.default_rng(4)
    quality = rng.uniform(30, 70, (1, 60, len(MODELS)))
    own = np.array([[juror == model == "a" for model in MODELS] for juror in ("a", "b", "c")])
    scores = np.clip(quality + 12.0 * own[:, None, :] + rng.normal(0, 8, (3, 60, len(MODELS))), 0, 100)
    found = own_family_bias(scores, ("a", "b", "c"), MODELS)
    assert (found.found, found.named) == (True, ("a",))
    alone = own_family_bias(scores[:2], ("a", "z"), MODELS)
    assert alone.named == ("a",)

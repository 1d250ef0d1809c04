"""Intervals, lift, quantiles and power helpers: limits and bad input."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.statistics import (
    SkillEffect,
    alpha_for_look,
    cases_needed,
    claim_effect,
    decide,
    detectable_lead,
    lift,
    mean_interval,
    quantile,
    quantiles,
    wilson_interval,
)

scores = st.lists(st.integers(0, 20).map(lambda level: level * 5.0), min_size=1, max_size=30)


@settings(max_examples=50, deadline=None)
@given(scores)
def test_an_interval_lies_within_the_scale_and_holds_its_mean(values: list[float]) -> None:
    interval = mean_interval(values)
    assert interval.n == len(values)
    assert interval.mean == pytest.approx(np.mean(values))
    if len(values) < 2:
        assert interval.low is None
        assert interval.high is None
    else:
        assert interval.mean is not None
        assert interval.low is not None
        assert interval.high is not None
        assert 0 <= interval.low <= interval.mean + 1e-9
        assert interval.mean - 1e-9 <= interval.high <= 100


def test_equal_scores_still_leave_room_for_cases_unseen() -> None:
    """Eight of eight at 100: the lower end is Clopper-Pearson's."""
    interval = mean_interval([100.0] * 8)
    assert interval.high == 100
    assert interval.low == pytest.approx(100 * 0.025 ** (1 / 8))


def test_copies_in_families_do_not_narrow_an_interval() -> None:
    values = np.random.default_rng(0).uniform(20, 80, 12)
    once = mean_interval(values)
    copied = mean_interval(np.repeat(values, 5), clusters=np.repeat(np.arange(12), 5))
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


def test_missing_values_and_their_families_are_left_out() -> None:
    values = np.array([10.0, np.nan, 30.0, 50.0])
    assert mean_interval(values, clusters=["a", "b", "c", "d"]) == mean_interval([10.0, 30.0, 50.0])
    assert mean_interval([np.nan]).mean is None


def test_lift_is_the_paired_difference_with_its_share_of_what_was_left_to_gain() -> None:
    without = np.array([40.0, 50, 60, 50, 45, 55, 50, 50])
    gained = lift(without + np.array([10, 12, 8, 10, 9, 11, 10, 10]), without)
    assert gained.mean == pytest.approx(10)
    assert gained.gain == pytest.approx(10 / 50)
    assert gained.p is not None
    assert gained.p < 0.001
    assert gained.low is not None
    assert gained.low > 0


@settings(max_examples=50, deadline=None)
@given(scores, st.randoms(use_true_random=False))
def test_lift_turned_round_changes_its_sign_alone(values: list[float], random: object) -> None:
    other = list(values)
    random.shuffle(other)  # pyright: ignore[reportAttributeAccessIssue]
    there, back = lift(values, other), lift(other, values)
    assert there.mean == -(back.mean or 0.0)
    assert there.p == back.p
    assert there.low == (None if back.high is None else pytest.approx(-back.high))


def test_lift_compares_only_cases_of_both_arms() -> None:
    gained = lift([50.0, np.nan, 70.0], [40.0, 10.0, np.nan], clusters=["a", "b", "c"])
    assert (gained.n, gained.mean, gained.n_clusters) == (1, 10.0, 1)
    assert lift([np.nan], [1.0]).mean is None
    assert lift([100.0, 100.0], [100.0, 100.0]).gain is None


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 14), st.sampled_from([0.0, 3.0, 12.0, -12.0]), st.integers(0, 2**31), st.booleans())
def test_a_skill_is_said_to_help_or_hurt_where_decide_names_one_arm_the_best(
    n: int, shift: float, seed: int, paired: bool
) -> None:
    dice = np.random.default_rng(seed)
    without = dice.uniform(30, 70, n)
    having = without + shift + dice.normal(0, 6, n)
    having[dice.random(n) < 0.1] = np.nan
    clusters = [index // 2 if paired else index for index in range(n)]
    gained, verdict = lift(having, without, clusters), decide(np.stack([having, without], axis=1), clusters=clusters)
    assert gained.mean is not None
    claim = claim_effect(
        gained.mean,
        gained.p,
        n=gained.n,
        n_clusters=gained.n_clusters,
        scored=[gained.n, n],
        n_cases=n,
        alpha=verdict.alpha,
        margin=5.0,
    )
    named = {None: None, 0: SkillEffect.HELPS, 1: SkillEffect.HURTS}[verdict.best]
    assert (claim.effect if claim.effect in ("helps", "hurts") else None) == named
    if claim.reason is not None:
        assert claim.effect is SkillEffect.NOT_SHOWN


def test_quantiles_interpolate_and_leave_out_missing_latencies() -> None:
    assert quantiles([100.0, 200.0, 300.0, float("nan")]) == (200.0, pytest.approx(290.0))
    assert quantiles([]) == (None, None)
    assert quantile([7.0], 0.95) == 7.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: wilson_interval(3, 2),
        lambda: wilson_interval(-1, 2),
        lambda: wilson_interval(1, 2, level=1.0),
        lambda: mean_interval([101.0]),
        lambda: mean_interval([[1.0]]),
        lambda: mean_interval([1.0, 2.0], clusters=["a"]),
        lambda: lift([1.0], [1.0, 2.0]),
        lambda: quantile([1.0], 1.5),
        lambda: alpha_for_look(0),
        lambda: detectable_lead(10, sd=-1),
        lambda: detectable_lead(10, alpha=0),
        lambda: detectable_lead(10, power=1),
    ],
)
def test_bad_input_is_refused(call: object) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        call()  # pyright: ignore[reportCallIssue]


def test_a_lead_is_detectable_with_the_cases_it_needs_and_not_with_one_fewer() -> None:
    needed = cases_needed(5.0, 20.0, 0.03, at_most=2_000)
    assert needed is not None
    assert detectable_lead(needed) <= 5.0 < detectable_lead(needed - 1)
    assert cases_needed(5.0, 20.0, 0.03, at_most=needed - 1) is None
    assert detectable_lead(1) == math.inf


def test_importing_the_package_loads_neither_numpy_nor_scipy() -> None:
    code = "import sys, steelyard.statistics; print({'numpy', 'scipy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_every_public_name_is_there_and_an_unknown_one_is_not() -> None:
    import steelyard.statistics as package

    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="winner"):
        _ = package.winner


@pytest.mark.parametrize(("having", "lacking"), [(100.0, 0.0), (80.0, 80.0), (61.5, 40.0)])
def test_one_case_has_a_lift_and_no_interval(having: float, lacking: float) -> None:
    alone = lift([having, math.nan], [lacking, 50.0])
    assert (alone.n, alone.mean, alone.low, alone.high) == (1, having - lacking, None, None)
    (gap,) = decide([[having, lacking]]).gaps
    assert (gap.low, gap.high, gap.se) == (None, None, None)


def test_one_family_of_cases_has_a_lift_and_no_interval() -> None:
    gained = lift([90.0, 80.0, 70.0], [50.0, 60.0, 40.0], ["same"] * 3)
    assert (gained.mean, gained.low, gained.high) == (pytest.approx(30.0), None, None)

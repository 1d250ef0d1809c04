"""What `decide` says, case by case: kinds, guards, missing scores, costs, looks, and bad input."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from steelyard.statistics import alpha_for_look, decide, sentence


def graded(n: int, leads: Sequence[float], sd: float = 10.0) -> np.ndarray:
    """Scores of one column per lead: equal observed means of about 55 plus the leads, a common difficulty per case."""
    rng = np.random.default_rng(0)
    scores = np.clip(55 + rng.normal(0, 10, (n, 1)) + rng.normal(0, sd, (n, len(leads))), 30, 75)
    return scores - scores.mean(axis=0) + scores.mean() + np.asarray(leads, dtype=np.float64)


def test_a_model_far_ahead_of_every_rival_is_best() -> None:
    verdict = decide(graded(40, (0, 0, 10, 0)))
    assert (verdict.kind, verdict.best, verdict.tied, verdict.leader) == ("best", 2, (2,), 2)
    assert verdict.test == "paired t"
    assert [gap.rival for gap in verdict.gaps] == [0, 1, 3]
    assert all(gap.p < verdict.alpha and (gap.low or 0.0) > 0 for gap in verdict.gaps)
    assert verdict.more_cases is None
    assert verdict.method == "decide/3"


def test_best_needs_every_rival_beaten_and_not_only_the_nearest_mean() -> None:
    """Rival 2 is far behind on average but so uneven that its gap proves nothing."""
    scores = graded(20, (0,) * 3, sd=2.0)
    scores[:, 0] += 8
    scores[:, 2] = np.where(np.arange(20) < 4, 2.0, scores[:, 0] + 1)
    verdict = decide(scores)
    assert verdict.leader == 0
    assert verdict.kind == "tied"
    assert verdict.tied == (0, 2)


def test_two_equal_models_above_a_third_are_tied_without_it() -> None:
    verdict = decide(graded(60, (0, 0, -15)))
    assert (verdict.kind, verdict.best, verdict.tied) == ("tied", None, (0, 1))


def test_models_shown_within_the_margin_of_each_other_are_tied() -> None:
    scores = graded(60, (0,) * 3, sd=2.0)
    assert decide(scores, margin=5).tied == (0, 1, 2)
    assert decide(scores, margin=0.1).kind == "not_enough"


def test_noise_is_not_enough_evidence_and_says_how_many_cases_more() -> None:
    verdict = decide(graded(12, (2, 0, 1), sd=12.0), costs=[100.0, 200.0, 300.5])
    assert (verdict.kind, verdict.best, verdict.tied) == ("not_enough", None, ())
    assert verdict.more_cases is not None
    assert 1 <= verdict.more_cases <= 1_000
    assert verdict.more_cost_microcents == round(verdict.more_cases * 600.5)


def test_more_cases_are_the_noncentral_t_size_at_the_next_look() -> None:
    from statsmodels.stats.power import TTestPower

    scores = graded(12, (2, 0), sd=12.0)
    verdict = decide(scores)
    gap = np.ptp(scores.mean(axis=0))
    effect = max(gap, 5.0) / (scores[:, 0] - scores[:, 1]).std(ddof=1)
    needed = TTestPower().solve_power(effect, alpha=alpha_for_look(2), power=0.8)
    assert verdict.kind == "not_enough"
    assert verdict.more_cases == int(np.ceil(needed)) - 12


def test_a_thousand_more_cases_are_out_of_reach() -> None:
    verdict = decide(graded(20, (0.1, 0)), margin=0.1)
    assert verdict.kind == "not_enough"
    assert verdict.more_cases is None
    assert verdict.more_cost_microcents is None


@pytest.mark.parametrize("n", range(1, 8))
def test_fewer_than_eight_cases_are_never_enough(n: int) -> None:
    verdict = decide(np.tile([[90.0, 10.0]], (n, 1)), costs=[1, 1])
    assert (verdict.kind, verdict.reason, verdict.cheapest_good_enough) == ("not_enough", "too_few_cases", None)
    assert verdict.more_cases is not None
    assert n + verdict.more_cases >= 8


@pytest.mark.parametrize(("n", "told"), [(1, False), (2, False), (3, True)])
def test_how_many_more_cases_it_takes_is_not_told_of_fewer_than_three(n: int, told: bool) -> None:
    verdict = decide(np.array([[95.0, 5.0], [80.0, 10.0], [90.0, 0.0]])[:n], costs=[1, 1])
    assert verdict.more_cases == 8 - n
    said = sentence(verdict, ["a", "b"])
    assert ("cannot be told from" in said, "run at least 8" in said) == (not told, not told)


def test_fewer_than_eight_families_are_never_enough() -> None:
    scores = graded(70, (10, 0))
    verdict = decide(scores, clusters=[i % 7 for i in range(70)])
    assert (verdict.kind, verdict.reason, verdict.n_clusters) == ("not_enough", "too_few_clusters", 7)
    assert verdict.more_cases is not None
    assert verdict.more_cases >= 10
    assert decide(scores, clusters=[i % 8 for i in range(70)]).kind == "best"


def test_one_model_is_single() -> None:
    verdict = decide(graded(20, (0,) * 1))
    assert (verdict.kind, verdict.best, verdict.tied, verdict.leader, verdict.gaps) == ("single", None, (), 0, ())
    assert verdict.models[0].n == 20


def test_one_model_that_misses_over_five_percent_gets_no_verdict() -> None:
    scores = graded(20, (0,) * 1)
    scores[:2] = np.nan
    verdict = decide(scores)
    assert (verdict.kind, verdict.reason, verdict.leader) == ("not_enough", "missing_scores", None)
    assert verdict.models[0].excluded
    assert sentence(verdict, ["a"]) == "Not enough evidence: a misses over 5% of its scores."


def test_identical_columns_are_tied_and_say_why() -> None:
    column = graded(12, (0,) * 1)
    verdict = decide(np.repeat(column, 3, axis=1))
    assert (verdict.kind, verdict.tied, verdict.reason) == ("tied", (0, 1, 2), "identical_scores")


def test_identical_scores_on_few_cases_do_not_prove_a_cheap_model_good_enough() -> None:
    """Ten equal cases leave room for a model that fails one case in five."""
    column = graded(10, (0,) * 1)
    assert decide(np.repeat(column, 2, axis=1), costs=[1, 2]).cheapest_good_enough is None
    assert decide(np.repeat(graded(200, (0,) * 1), 2, axis=1), costs=[1, 2]).cheapest_good_enough == 0


@pytest.mark.parametrize("scores", [np.empty((0, 3)), np.full((9, 3), np.nan), np.full((9, 1), np.nan)])
def test_nothing_to_compare_is_not_enough(scores: np.ndarray) -> None:
    verdict = decide(scores)
    assert (verdict.kind, verdict.leader, verdict.n) == ("not_enough", None, 0)
    assert all(model.mean is None for model in verdict.models)


def test_a_model_missing_over_five_percent_is_left_out() -> None:
    scores = graded(40, (0, 0, 10))
    scores[:3, 2] = np.nan
    verdict = decide(scores)
    assert [model.excluded for model in verdict.models] == [False, False, True]
    assert verdict.models[2].missing == pytest.approx(0.075)
    assert verdict.models[2].n == 37
    assert verdict.n == 40
    assert verdict.leader != 2


def test_exactly_five_percent_missing_is_kept_and_its_cases_are_left_out_for_all() -> None:
    scores = graded(40, (0, 0, 15))
    scores[:2, 2] = np.nan
    verdict = decide(scores)
    assert verdict.best == 2
    assert verdict.n == 38
    assert {model.n for model in verdict.models} == {38}
    assert verdict.models[0].mean == pytest.approx(scores[2:, 0].mean())


def test_the_one_model_left_of_several_is_compared_with_none_and_nothing_is_claimed() -> None:
    scores = graded(20, (0,) * 3)
    scores[:10, 1] = np.nan
    scores[:, 2] = np.nan
    verdict = decide(scores)
    assert (verdict.kind, verdict.leader, verdict.reason) == ("not_enough", None, "one_model_left")
    assert verdict.scores_missing == ((1, 10, 20), (2, 20, 20))
    said = sentence(verdict, ["a", "b", "c"])
    assert "a alone can be compared" in said
    assert "(b 10 of 20 cases, c 20 of 20 cases); resume the run" in said


def test_binary_scores_use_the_sign_test() -> None:
    wins = np.repeat([[100.0, 0.0]], 7, axis=0)
    same = np.repeat([[100.0, 100.0]], 13, axis=0)
    verdict = decide(np.vstack([wins, same]))
    assert (verdict.kind, verdict.best, verdict.test) == ("best", 0, "sign")
    assert verdict.gaps[0].p == pytest.approx(2 * 0.5**7)
    assert decide(np.vstack([wins[:6], same])).best is None


def test_two_scores_within_the_scale_are_no_promise_that_there_is_no_third() -> None:
    scores = np.full((30, 2), 80.0)
    scores[0, 0] = 100.0
    verdict = decide(scores, [2e6, 1e6])
    assert (verdict.kind, verdict.cheapest_good_enough) == ("not_enough", None)

    rng = np.random.default_rng(1)
    named = 0
    for _ in range(400):
        # The dear model is 100 on a few, the cheap one 0 on a few: 5.1 points apart, and often none of these is seen.
        dear, cheap = np.where(rng.random(30) < 0.05, 100.0, 80.0), np.where(rng.random(30) < 0.051, 0.0, 80.0)
        named += decide(np.column_stack((dear, cheap)), [2e6, 1e6]).cheapest_good_enough == 1
    assert named / 400 < 0.05


def test_fewer_than_six_differences_use_the_permutation_test_and_prove_nothing() -> None:
    scores = np.repeat(graded(30, (0,) * 1), 2, axis=1)
    scores[:5, 0] += [1, 2, 3, 4, 5]
    verdict = decide(scores)
    assert verdict.test == "permutation"
    assert verdict.gaps[0].p == pytest.approx(2 * 0.5**5)
    assert verdict.best is None


def test_a_constant_difference_is_judged_by_its_sign() -> None:
    column = graded(8, (0,) * 1)
    verdict = decide(np.hstack([column, column - 3]))
    assert (verdict.kind, verdict.test) == ("best", "sign")
    assert verdict.gaps[0].p == pytest.approx(2 * 0.5**8)


def test_binary_scores_in_families_flip_whole_families() -> None:
    """Twenty copies of one family count once each: 7 families of 20 wins are 7 wins."""
    families = np.repeat(np.arange(12), 20)
    scores = np.full((240, 2), 100.0)
    scores[families < 7, 1] = 0.0
    verdict = decide(scores, clusters=families)
    assert verdict.test == "cluster permutation"
    assert verdict.gaps[0].p == pytest.approx(2 * 0.5**7)


def test_copies_of_the_same_cases_in_families_prove_no_more_than_the_cases() -> None:
    scores = graded(15, (4, 0))
    once = decide(scores)
    copied = decide(np.repeat(scores, 10, axis=0), clusters=np.repeat(np.arange(15), 10))
    assert copied.test == "cluster-robust paired t"
    assert copied.gaps[0].p == pytest.approx(once.gaps[0].p)
    assert copied.gaps[0].se == pytest.approx(once.gaps[0].se)


def test_families_of_one_are_no_families() -> None:
    scores = graded(30, (0,) * 3)
    alone = decide(scores, clusters=[None] * 30)
    assert alone.n_clusters == 30
    assert alone.gaps == decide(scores).gaps


def test_the_cheapest_good_enough_is_within_the_margin_of_every_rival() -> None:
    scores = graded(80, (0, -1, -20), sd=3.0)
    verdict = decide(scores, costs=[300, 200, 100])
    assert verdict.cheapest_good_enough == 1
    assert decide(scores, costs=[300, np.nan, 100]).cheapest_good_enough == 0
    assert decide(scores, costs=[np.nan] * 3).cheapest_good_enough is None
    assert decide(scores).cheapest_good_enough is None


def test_costs_per_case_count_as_their_mean_over_the_known() -> None:
    scores = graded(12, (0,) * 2, sd=12.0)
    table = np.full((12, 2), np.nan)
    table[:3] = [[100, 10], [200, 20], [300, 30]]
    assert decide(scores, costs=table) == decide(scores, costs=[200, 20])


def test_an_unknown_cost_makes_the_cost_of_more_cases_unknown() -> None:
    verdict = decide(graded(12, (2, 0), sd=12.0), costs=[100, np.nan])
    assert verdict.more_cases is not None
    assert verdict.more_cost_microcents is None


def test_a_later_look_has_a_smaller_share_and_asks_for_more() -> None:
    scores = graded(40, (6.5, 0))
    first, later = decide(scores, look=1), decide(scores, look=5)
    assert (first.alpha, later.alpha) == (0.03, 0.02 / 2**4)
    assert first.kind == "best"
    assert later.kind != "best"


@pytest.mark.parametrize("look", [50, 60, 2_000])
def test_figures_stay_numbers_however_often_a_case_set_was_looked_at(look: int) -> None:
    scores = graded(40, (6.5, 0, 0))
    scores[:, 2] = scores[:, 1]
    verdict = decide(scores, [1.0, 2.0, 3.0], look=look)
    figures = [(gap.low, gap.high, gap.upper, gap.p) for gap in verdict.gaps]
    assert np.isfinite(np.array(figures, dtype=np.float64)).all()


def test_the_shares_of_all_looks_sum_to_five_percent() -> None:
    assert sum(alpha_for_look(look) for look in range(1, 60)) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ([1.0, 2.0], {}, "two: cases x models"),
        (np.empty((3, 0)), {}, "at least one column"),
        ([[101.0, 1.0]], {}, "0-100"),
        ([[-1.0, 1.0]], {}, "0-100"),
        ([[np.inf, 1.0]], {}, "0-100"),
        ([[1.0, 2.0]], {"look": 0}, "look"),
        ([[1.0, 2.0]], {"look": 1.5}, "look"),
        ([[1.0, 2.0]], {"look": True}, "look"),
        ([[1.0, 2.0]], {"margin": -1}, "margin"),
        ([[1.0, 2.0]], {"margin": float("nan")}, "margin"),
        ([[1.0, 2.0]], {"margin": float("inf")}, "margin"),
        ([[1.0, 2.0]], {"costs": [1.0]}, "costs has the shape"),
        ([[1.0, 2.0]], {"costs": [1.0, -1.0]}, "costs must be"),
        ([[1.0, 2.0]], {"costs": [1.0, np.inf]}, "costs must be"),
        ([[1.0, 2.0]], {"costs": [1.0, 1e308]}, "costs must be"),
        ([[1.0, 2.0]], {"costs": [1.0, 10**400]}, "costs must be numbers"),
        ([[1.0, 2.0]], {"costs": ["1", "2"]}, "costs must be numbers"),
        ([[1.0, 2.0]], {"costs": [[1.0], [1.0, 2.0]]}, "costs cannot be read"),
        ([[1.0, 10**400]], {}, "scores must be numbers"),
        ([["1", "2"]], {}, "scores must be numbers"),
        ([[None, 2.0]], {}, "scores must be numbers"),
        ([[object(), 2.0]], {}, "scores must be numbers"),
        ([[1.0], [1.0, 2.0]], {}, "scores cannot be read"),
        ({"a": 1.0}, {}, "scores must be numbers"),
        ([[1.0, 2.0]], {"look": float("inf")}, "look is counted"),
        ([[1.0, 2.0]], {"look": float("nan")}, "look is counted"),
        ([[1.0, 2.0]], {"look": "1"}, "look is counted"),
        ([[1.0, 2.0]], {"look": None}, "look is counted"),
        ([[1.0, 2.0]], {"look": 10**5000}, "look is counted"),
        ([[1.0, 2.0]], {"margin": "5"}, "margin is a number"),
        ([[1.0, 2.0]], {"margin": 10**400}, "margin is a number"),
        ([[1.0, 2.0]], {"margin": object()}, "margin is a number"),
        ([[1.0, 2.0]], {"clusters": 5}, "clusters must be labels"),
        ([[1.0, 2.0]], {"clusters": ["a", "b"]}, "one per case"),
        ([[1.0, 2.0]], {"clusters": [["a"]]}, "not hashable"),
    ],
)
def test_bad_input_is_refused_with_the_reason(scores: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decide(scores, **options)  # pyright: ignore[reportArgumentType]


def test_the_scores_handed_in_are_left_as_they_were() -> None:
    scores = graded(20, (0,) * 3)
    scores[0, 0] = np.nan
    before = scores.copy()
    decide(scores, costs=np.ones(3), clusters=np.arange(20) // 2)
    np.testing.assert_array_equal(scores, before)


def test_a_thousand_cases_of_twelve_models_are_decided_in_50_ms() -> None:
    scores = graded(1_000, (0,) * 12)
    decide(scores)
    spent: list[float] = []
    for _ in range(5):
        begun = time.process_time()
        decide(scores)
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.05

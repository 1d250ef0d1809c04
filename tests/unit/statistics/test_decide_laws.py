"""Laws of `decide` over arbitrary score tables."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from steelyard.statistics import Verdict, decide

LAWS = settings(max_examples=60, deadline=None)

levels = {
    "binary": st.sampled_from([0.0, 100.0]),
    "coarse": st.sampled_from([0.0, 20.0, 40.0, 60.0, 80.0, 100.0]),
    "judge": st.integers(1, 10).map(lambda level: (level - 1) / 9 * 100),
    "any": st.floats(0, 100, allow_subnormal=False),
}


@st.composite
def tables(draw: st.DrawFn, max_cases: int = 24, max_models: int = 5, missing: bool = True) -> np.ndarray:
    shape = (draw(st.integers(0, max_cases)), draw(st.integers(1, max_models)))
    scores = draw(hnp.arrays(np.float64, shape, elements=draw(st.sampled_from(list(levels.values())))))
    if missing and draw(st.booleans()) and scores.size:
        holes = draw(st.lists(st.tuples(st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1)), max_size=4))
        for hole in holes:
            scores[hole] = np.nan
    return scores


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `decide`."""
    scores = draw(tables())
    n, k = scores.shape
    costs = draw(st.none() | st.lists(st.floats(0, 1e9) | st.just(float("nan")), min_size=k, max_size=k))
    labels = st.lists(st.sampled_from("abcdefghijkl") | st.none(), min_size=n, max_size=n)
    return {
        "scores": scores,
        "costs": costs,
        "clusters": draw(st.none() | labels),
        "margin": draw(st.sampled_from([0.0, 2.0, 5.0, 30.0])),
        "look": draw(st.integers(1, 6)),
    }


@LAWS
@given(questions())
def test_the_same_question_has_the_same_answer_bit_for_bit(question: dict[str, Any]) -> None:
    assert repr(decide(**question)) == repr(decide(**question))


@LAWS
@given(questions(), st.randoms(use_true_random=False))
def test_the_order_of_the_cases_changes_nothing_bit_for_bit(question: dict[str, Any], random: Any) -> None:
    order = list(range(question["scores"].shape[0]))
    random.shuffle(order)
    clusters = question["clusters"]
    shuffled: dict[str, Any] = question | {
        "scores": question["scores"][order],
        "clusters": None if clusters is None else [clusters[row] for row in order],
    }
    assert repr(decide(**shuffled)) == repr(decide(**question))


@LAWS
@given(questions(), st.randoms(use_true_random=False))
def test_permuting_the_models_permutes_the_verdict(question: dict[str, Any], random: Any) -> None:
    scores = question["scores"]
    k = scores.shape[1]
    order = list(range(k))
    random.shuffle(order)
    costs = question["costs"]
    permuted: dict[str, Any] = question | {
        "scores": scores[:, order],
        "costs": None if costs is None else [costs[j] for j in order],
    }
    before, after = decide(**question), decide(**permuted)
    means = [model.mean for model in before.models if not model.excluded and model.mean is not None]
    assume(len(set(means)) == len(means))
    assume(costs is None or len({c for c in costs if c == c}) == len([c for c in costs if c == c]))
    assert after.kind == before.kind
    assert after.best == (None if before.best is None else order.index(before.best))
    assert after.leader == (None if before.leader is None else order.index(before.leader))
    assert sorted(order[index] for index in after.tied) == list(before.tied)
    cheapest = after.cheapest_good_enough
    assert (None if cheapest is None else order[cheapest]) == before.cheapest_good_enough
    assert after.more_cases == before.more_cases
    assert [after.models[order.index(index)] for index in range(k)] == list(before.models)
    figures = {order[gap.rival]: (gap.mean, gap.se, gap.p, gap.low, gap.high, gap.upper) for gap in after.gaps}
    assert figures == {gap.rival: (gap.mean, gap.se, gap.p, gap.low, gap.high, gap.upper) for gap in before.gaps}


@LAWS
@given(tables(missing=False), st.sampled_from([8.0, 16.0, 25.0]))
def test_a_constant_added_to_every_score_changes_no_claim(scores: np.ndarray, shift: float) -> None:
    """Scores are multiples of 1/8, so that the shift is exact."""
    scores = np.round(scores * 6) / 8
    before, after = decide(scores), decide(scores + shift)
    assert (before.kind, before.best, before.tied, before.leader) == (after.kind, after.best, after.tied, after.leader)
    for one, other in zip(before.gaps, after.gaps, strict=True):
        assert one.mean == pytest.approx(other.mean, abs=1e-9)
        assert one.p == pytest.approx(other.p, rel=1e-6)


@LAWS
@given(questions())
def test_the_fields_of_a_verdict_agree_with_its_kind(question: dict[str, Any]) -> None:
    verdict = decide(**question)
    if verdict.kind == "best":
        assert verdict.best is not None
        assert verdict.tied == (verdict.best,)
        assert verdict.leader == verdict.best
        assert all(gap.p < verdict.alpha and gap.mean > 0 for gap in verdict.gaps)
    else:
        assert verdict.best is None
    if verdict.kind == "tied":
        assert len(verdict.tied) >= 2
        assert verdict.leader in verdict.tied
        assert list(verdict.tied) == sorted(verdict.tied)
    if verdict.kind in ("not_enough", "single"):
        assert verdict.tied == ()
    if verdict.kind != "not_enough":
        assert verdict.more_cases is None
    assert verdict.more_cases is None or 1 <= verdict.more_cases <= 1_000
    assert verdict.more_cost_microcents is None or verdict.more_cases is not None


@LAWS
@given(questions())
def test_nothing_is_claimed_below_eight_cases_or_families(question: dict[str, Any]) -> None:
    verdict = decide(**question)
    if verdict.n < 8 or (verdict.n_clusters is not None and verdict.n_clusters < 8):
        assert verdict.kind in ("not_enough", "single")
        assert verdict.cheapest_good_enough is None


@LAWS
@given(questions())
def test_every_figure_is_finite_and_in_order(question: dict[str, Any]) -> None:
    verdict = decide(**question)
    for model in verdict.models:
        assert model.excluded == (round(model.missing * question["scores"].shape[0]) * 20 > question["scores"].shape[0])
        if model.low is not None and model.high is not None and model.mean is not None:
            assert 0 <= model.low <= model.mean + 1e-9
            assert model.mean - 1e-9 <= model.high <= 100
    for gap in verdict.gaps:
        assert 0 <= gap.p <= 1
        assert gap.mean >= 0
        assert (gap.low is None) == (gap.high is None) == (gap.se is None)
        if gap.low is not None and gap.high is not None:
            assert -100 <= gap.low <= gap.mean + 1e-9
            assert gap.mean - 1e-9 <= gap.high <= 100
        assert gap.upper >= gap.mean - 1e-9
        assert gap.se is None or np.isfinite(gap.se)


@LAWS
@given(questions())
def test_a_model_left_out_does_not_touch_the_others(question: dict[str, Any]) -> None:
    scores = question["scores"]
    assume(scores.shape[0] > 0)
    lost = np.full((scores.shape[0], 1), np.nan)
    costs = question["costs"]
    wider: dict[str, Any] = question | {
        "scores": np.hstack([scores, lost]),
        "costs": None if costs is None else [*costs, 0.0],
    }
    before, after = decide(**question), decide(**wider)
    assume(scores.shape[1] > 1)
    assert after.models[-1].excluded
    assert (after.kind, after.best, after.tied, after.gaps) == (before.kind, before.best, before.tied, before.gaps)
    assert (after.cheapest_good_enough, after.more_cases) == (before.cheapest_good_enough, before.more_cases)


@LAWS
@given(questions())
def test_a_stored_verdict_comes_back_equal(question: dict[str, Any]) -> None:
    verdict = decide(**question)
    text = json.dumps(verdict.to_json(), allow_nan=False)
    assert Verdict.from_json(json.loads(text)) == verdict


def test_a_stored_verdict_without_its_kind_is_refused() -> None:
    data = decide([[1.0]]).to_json()
    with pytest.raises(ValueError, match="its kind is 'winner'"):
        Verdict.from_json(data | {"kind": "winner"})
    del data["look"]
    with pytest.raises(ValueError, match="it has no look"):
        Verdict.from_json(data)

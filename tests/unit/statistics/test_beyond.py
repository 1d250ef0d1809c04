"""What is said beyond a verdict: gaps that hold at once, and what the next claim takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.statistics import NextClaim, decide, gaps_to_leader, next_claim
from steelyard.statistics.special import Floats


def drawn(seed: int, n: int = 30, k: int = 4, apart: float = 2.0, spread: float = 8.0) -> Floats:
    rng = np.random.default_rng(seed)
    scores = 60 + rng.normal(0, 10, (n, 1)) + rng.normal(0, spread, (n, k)) + apart * np.arange(k)
    return np.clip(scores, 0, 100)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 40), k=st.integers(2, 6))
def test_what_holds_at_once_is_never_narrower_than_what_holds_alone(seed: int, n: int, k: int) -> None:
    scores = drawn(seed, n, k)
    verdict = decide(scores)
    single = {gap.rival: gap for gap in verdict.gaps}
    for gap in gaps_to_leader(scores, verdict):
        alone = single[gap.rival]
        assert alone.low is not None
        assert alone.high is not None
        assert gap.mean == pytest.approx(alone.mean)
        assert gap.low <= alone.low + 1e-9
        assert alone.high <= gap.high + 1e-9


def test_of_two_models_the_one_gap_has_its_own_interval() -> None:
    scores = drawn(3, k=2)
    verdict = decide(scores)
    (gap,) = gaps_to_leader(scores, verdict)
    assert (gap.low, gap.high) == pytest.approx((verdict.gaps[0].low, verdict.gaps[0].high))


def test_a_model_left_out_and_cases_without_all_scores_play_no_part() -> None:
    scores = drawn(4)
    scores[:10, 3] = np.nan
    scores[0, 0] = np.nan
    verdict = decide(scores)
    assert 3 not in verdict.compared
    assert {gap.rival for gap in gaps_to_leader(scores, verdict)} == set(verdict.compared) - {verdict.leader}
    assert gaps_to_leader(scores[:, [0]], decide(scores[:, [0]])) == ()
    with pytest.raises(ValueError, match="The verdict is of 4 models"):
        gaps_to_leader(scores[:, :2], verdict)


def test_the_next_claim_after_a_tie_takes_the_more_cases_the_more_they_vary() -> None:
    """Two models that cannot be told apart, and one far behind that makes it a tie."""
    needed: list[int] = []
    for spread in (14.0, 20.0):
        scores = drawn(1, 40, 3, apart=0.0, spread=spread)
        scores[:, 2] = np.clip(scores[:, 2] - 50, 0, 100)
        verdict = decide(scores)
        assert (verdict.kind, set(verdict.tied)) == ("tied", {0, 1})
        step = next_claim(verdict)
        assert step.claim == "best_of_tied"
        assert step.more_cases is not None
        needed.append(step.more_cases)
    assert needed[0] < needed[1]


def test_cases_like_these_show_no_lead_between_tied_models_that_score_the_same_or_hardly_differ() -> None:
    scores = drawn(1, 40, 3, apart=0.0, spread=14.0)
    scores[:, 1] = scores[:, 0]
    scores[:, 2] = np.clip(scores[:, 2] - 50, 0, 100)
    verdict = decide(scores)
    assert (verdict.kind, verdict.reason, set(verdict.tied)) == ("tied", None, {0, 1})
    assert next_claim(verdict) == NextClaim("none", None)

    scores[0, 1] += 1.0 if scores[0, 1] < 99 else -1.0
    hardly = decide(scores)
    assert set(hardly.tied) == {0, 1}
    step = next_claim(hardly)
    assert step.claim == "best_of_tied"
    assert step.more_cases is None or step.more_cases > 100


def test_of_not_enough_evidence_the_next_claim_is_the_verdicts_own() -> None:
    verdict = decide(drawn(1, 7, 3))
    assert verdict.kind == "not_enough"
    assert next_claim(verdict).more_cases == verdict.more_cases
    shown = decide(drawn(1, 40, 2, apart=30.0))
    assert (shown.kind, next_claim(shown).claim) == ("best", "none")
    same = decide(np.full((12, 2), 80.0))
    assert (same.kind, next_claim(same).claim) == ("tied", "none")

"""A verdict in one sentence: its evidence, and no more than the verdict claims."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.statistics import GapFigures, ModelFigures, Verdict, decide, sentence

NAMES = ("anthropic:x", "openai:y", "google:z")
FIGURES = ModelFigures(n=40, mean=70.0, low=65.0, high=75.0, missing=0.0, excluded=False)
GAP = GapFigures(rival=1, mean=6.2, se=2.0, p=0.004, low=2.1, high=10.3, upper=10.6, test="paired t", n=40)
BEST = Verdict(
    kind="best",
    best=0,
    tied=(0,),
    cheapest_good_enough=None,
    more_cases=None,
    more_cost_microcents=None,
    models=(FIGURES, FIGURES),
    gaps=(GAP,),
    leader=0,
    look=1,
    alpha=0.03,
    margin=5.0,
    n=40,
    n_clusters=None,
    test="paired t",
    reason=None,
    method="decide/1",
)
NOT_ENOUGH = replace(
    BEST,
    kind="not_enough",
    best=None,
    tied=(),
    more_cases=34,
    more_cost_microcents=120_000_000,
    gaps=(replace(GAP, mean=3.1, p=0.2),),
    n=12,
)


def test_best_names_the_rival_that_carries_the_claim_and_its_evidence() -> None:
    assert sentence(BEST, NAMES[:2]) == (
        "anthropic:x is best: 6.2 points ahead of openai:y"
        " (95% interval 2.1 to 10.3, paired t, n = 40, p = .004, look 1, decide/1)."
    )


def test_best_of_several_names_the_least_certain_gap() -> None:
    verdict = replace(BEST, models=(FIGURES,) * 3, gaps=(replace(GAP, p=1e-9, mean=20.0), replace(GAP, rival=2)))
    assert sentence(verdict, NAMES) == (
        "anthropic:x is best: 6.2 points ahead of google:z"
        " (95% interval 2.1 to 10.3, paired t, n = 40, p = .004, look 1, decide/1), the least certain of its 2 leads."
    )


def test_tied_within_the_margin_says_so() -> None:
    verdict = replace(BEST, kind="tied", best=None, tied=(0, 1))
    assert sentence(verdict, NAMES[:2]) == (
        "Tied: anthropic:x, openai:y (within 5 points; paired t, n = 40, look 1, decide/1)."
    )


def test_tied_after_one_fell_behind_does_not_claim_the_margin() -> None:
    verdict = replace(BEST, kind="tied", best=None, tied=(0, 1), models=(FIGURES,) * 3)
    assert sentence(verdict, NAMES) == (
        "Tied: anthropic:x, openai:y (any of them may be best; shown not to be: google:z;"
        " paired t, n = 40, look 1, decide/1)."
    )


def test_identical_scores_are_named_as_such() -> None:
    verdict = replace(BEST, kind="tied", best=None, tied=(0, 1), reason="identical_scores", n_clusters=9)
    assert sentence(verdict, NAMES[:2]) == (
        "Tied: anthropic:x, openai:y (the same score on every case; n = 40 in 9 families, look 1, decide/1)."
    )


def test_not_enough_says_how_many_cases_and_what_they_cost() -> None:
    assert sentence(NOT_ENOUGH, NAMES[:2]) == (
        "Not enough evidence: about 34 more cases, about $1.20; anthropic:x leads by 3.1 points, not proven"
        " (paired t, n = 12, look 1, decide/1)."
    )


def test_not_enough_without_costs_or_within_reach_says_so() -> None:
    unknown = replace(NOT_ENOUGH, more_cost_microcents=None, more_cases=1)
    assert "about 1 more case, cost unknown; " in sentence(unknown, NAMES[:2])
    far = replace(unknown, more_cases=None)
    assert "more than 1,000 more cases would be needed; " in sentence(far, NAMES[:2])


def test_guards_are_named() -> None:
    assert "no claim is made below 8 cases" in sentence(replace(NOT_ENOUGH, reason="too_few_cases"), NAMES[:2])
    families = replace(NOT_ENOUGH, reason="too_few_clusters", n_clusters=5)
    assert "in 5 families" in sentence(families, NAMES[:2])
    assert "no claim is made below 8 families" in sentence(families, NAMES[:2])


def test_the_cheapest_good_enough_comes_with_its_price_when_known() -> None:
    verdict = replace(BEST, cheapest_good_enough=1)
    assert sentence(verdict, NAMES[:2], [9e5, 210_000]).endswith(
        "; cheapest good enough: openai:y ($0.0021 per case), less than 5 points behind any."
    )
    assert "cheapest good enough: openai:y, less than" in sentence(verdict, NAMES[:2])
    one_unknown = sentence(verdict, NAMES[:2], [float("nan"), 210_000])
    assert "cheapest good enough of known cost: openai:y ($0.0021 per case), less than" in one_unknown


def test_models_left_out_are_named() -> None:
    scores = np.full((20, 3), 50.0)
    scores[:, 0] += np.arange(20)
    scores[:4, 2] = np.nan
    text = sentence(decide(scores), NAMES)
    assert text.endswith("; left out for missing over 5% of their scores: google:z.")


def test_no_cases_and_no_common_cases_are_told_apart() -> None:
    assert sentence(decide(np.empty((0, 2))), NAMES[:2]) == "Not enough evidence: there is no case yet."
    assert "misses over 5%" in sentence(decide(np.full((9, 2), np.nan)), NAMES[:2])


def test_one_model_is_described_and_not_compared() -> None:
    text = sentence(replace(BEST, kind="single", best=None, tied=(), gaps=(), models=(FIGURES,), test=None), ["a"])
    assert text == "a scores 70.0 (95% interval 65.0 to 75.0, n = 40, decide/1); there is nothing to compare it with."


def test_a_wrong_number_of_names_is_refused() -> None:
    with pytest.raises(ValueError, match="3 names for 2 models"):
        sentence(BEST, NAMES)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_only_a_best_verdict_reads_is_best_and_every_sentence_is_one(data: st.DataObject) -> None:
    n, k = data.draw(st.integers(0, 14)), data.draw(st.integers(1, 4))
    level = st.sampled_from([0.0, 25.0, 50.0, 100.0, float("nan")])
    scores = np.array(data.draw(st.lists(level, min_size=n * k, max_size=n * k))).reshape(n, k)
    verdict = decide(scores, costs=data.draw(st.none() | st.just([1e5] * k)))
    names = [f"model-{letter}" for letter in "abcd"[:k]]
    text = sentence(verdict, names, [1e5] * k)
    assert ("is best" in text) == (verdict.kind == "best")
    assert text.startswith("Tied") == (verdict.kind == "tied")
    assert ("Not enough evidence" in text) == (verdict.kind == "not_enough")
    assert text.endswith(".")
    assert "\n" not in text
    assert "None" not in text
    assert "nan" not in text
    assert all(names[index] in text for index in verdict.tied)


def test_a_lead_that_rounds_to_nothing_is_said_to_be_small_and_never_to_be_zero() -> None:
    scores = np.full((40, 2), 50.0)
    scores[:, 0] += 0.02 + np.arange(40) * 1e-4
    verdict = decide(scores)
    assert verdict.kind == "best"
    said = sentence(verdict, NAMES[:2])
    assert "best: less than 0.1 points ahead of" in said
    assert "95% interval 0.02 to 0.02" in said

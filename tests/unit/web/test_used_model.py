"""The model in use is measured by the stored verdict, and by nothing the verdict does not say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steelyard.statistics import Verdict
from steelyard.web.used_model import standing_line
from tests.unit.cli.made import report, summary, verdict_of

LEADER, RIVAL, LAST = "openai:model-0", "openai:model-1", "openai:model-2"


def line(model: str, **changes: object) -> str:
    verdict: Verdict = replace(verdict_of(3), **{"cheapest_good_enough": None, **changes})  # type: ignore[arg-type]
    return standing_line(model, report(verdict=verdict))


def test_the_best_and_the_tied_are_called_what_the_verdict_calls_them() -> None:
    assert line(LEADER) == "the best in the last benchmark"
    tied = {"kind": "tied", "best": None, "tied": (0, 1), "leader": 0}
    assert line(LEADER, **tied) == line(RIVAL, **tied) == "tied for best in the last benchmark"
    assert "points below the leading one" in line(LAST, **tied)


def test_a_worse_model_comes_with_how_much_worse_and_how_sure_that_is() -> None:
    gap = next(gap for gap in verdict_of(3).gaps if gap.rival == 1)
    said = f"{gap.mean:.1f} points below the best (95% interval {gap.low:.1f} to {gap.high:.1f}): model-0"
    assert line(RIVAL) == said
    assert line(RIVAL, cheapest_good_enough=1) == f"the cheapest good enough; {said}"


def test_nothing_is_claimed_where_the_verdict_claims_nothing() -> None:
    open_question = {"kind": "not_enough", "best": None, "tied": (), "leader": 0}
    assert line(LEADER, **open_question) == "leading in the last benchmark, not proven"
    assert line(RIVAL, **open_question).endswith(", not proven: model-0")
    assert line(RIVAL, **open_question, gaps=()) == "in the last benchmark, which has too little evidence"


def test_a_model_left_out_for_missing_scores_is_not_ranked() -> None:
    models = verdict_of(3).models
    left_out = (*models[:2], replace(models[2], excluded=True))
    assert line(LAST, models=left_out) == "left out of the last verdict: it misses over 5% of its scores"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("openai:gpt-9", "not among the models of the last benchmark"),
        ("not a reference", "not among the models of the last benchmark"),
        ("a:one", "benchmarked with other settings only: one (temperature 1)"),
        ("b:two", "benchmarked with other settings only"),
    ],
)
def test_a_model_that_was_not_tried_is_said_to_be_so(model: str, said: str) -> None:
    names = ["a:one?temperature=1", "b:two?temperature=1", "b:two?temperature=0"]
    assert standing_line(model, report(names, [summary(name) for name in names])) == said


def test_before_the_first_benchmark_there_is_nothing_to_compare_it_by() -> None:
    assert standing_line(LEADER, None) == "no benchmark yet to compare it by"

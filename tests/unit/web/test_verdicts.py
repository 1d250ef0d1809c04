"""Verdicts in words claim what the verdict claims and no more."""

from __future__ import annotations

from dataclasses import replace

from steelyard.charts.models import Standing
from steelyard.statistics import Verdict
from steelyard.web.verdicts import standings_of, verdict_words
from tests.unit.cli.made import report, summary, verdict_of


def of_kind(count: int, **changes: object) -> Verdict:
    return replace(verdict_of(count), **{"cheapest_good_enough": None, **changes})  # type: ignore[arg-type]


def test_the_best_of_two_is_named_with_its_lead_and_the_interval() -> None:
    models = ["a:model-0", "a:model-1"]
    words = verdict_words(report(models, [summary(name) for name in models], verdict=of_kind(2)))
    claim = "".join(part.text for part in words.claim)
    assert claim.startswith("model-0 is best, ")
    assert " ahead of model-1 (95% interval " in claim
    assert [part.text for part in words.claim if part.model] == ["model-0", "model-1"]


def test_the_best_of_several_is_ahead_of_all_and_its_least_certain_lead_is_told_as_such() -> None:
    words = verdict_words(report())
    assert words.kind == "best"
    assert words.text.startswith("model-0 is best, ahead of all 2 others. Its least certain lead is ")
    assert " over model-1 (95% interval " in words.text


def test_the_cheapest_good_enough_comes_with_its_price_and_what_it_saves() -> None:
    models = ["a:dear", "a:cheap"]
    summaries = [
        summary("a:dear", 90.0, avg_cost_microcents=1_000_000),
        summary("a:cheap", avg_cost_microcents=250_000),
    ]
    words = verdict_words(report(models, summaries, verdict=of_kind(2, cheapest_good_enough=1)))
    assert words.text.endswith("cheap is the cheapest good enough at $0.0025 a case, 75% less than dear.")


def test_no_saving_is_claimed_where_a_cost_is_unknown() -> None:
    models = ["a:dear", "a:cheap"]
    summaries = [summary("a:dear", 90.0, avg_cost_microcents=None), summary("a:cheap", avg_cost_microcents=250_000)]
    words = verdict_words(report(models, summaries, verdict=of_kind(2, cheapest_good_enough=1)))
    assert words.text.endswith("cheap is the cheapest good enough at $0.0025 a case.")


def test_the_best_that_is_also_the_cheapest_good_enough_is_not_named_twice() -> None:
    words = verdict_words(report(verdict=of_kind(3, cheapest_good_enough=0)))
    assert words.text.endswith("It is also the cheapest good enough at $0.0041 a case.")


def test_without_enough_evidence_a_leader_is_not_called_best_and_what_would_help_is_said() -> None:
    verdict = of_kind(
        3, kind="not_enough", best=None, tied=(), leader=1, more_cases=40, more_cost_microcents=320_000_000, reason=None
    )
    found = report(verdict=verdict)
    words = verdict_words(found)
    assert words.text == (
        "Not enough evidence to name a best model. model-1 is leading, which is not proven. "
        "About 40 more cases would settle it, for about $3.20."
    )
    assert standings_of(found)["openai:model-1"] == (Standing.LEADING,)
    assert all(Standing.BEST not in standings for standings in standings_of(found).values())


def test_more_cases_than_can_be_said_are_not_given_a_number() -> None:
    verdict = of_kind(3, kind="not_enough", best=None, tied=(), more_cases=None, reason=None)
    assert "More than 1,000 more cases" in verdict_words(report(verdict=verdict)).text


def test_tied_models_are_all_named_and_one_of_them_leads() -> None:
    found = report(verdict=of_kind(3, kind="tied", best=None, tied=(0, 1), leader=0))
    assert verdict_words(found).text.startswith("model-0 and model-1 are tied: either of them may be the best.")
    assert standings_of(found)["openai:model-0"] == (Standing.TIED, Standing.LEADING)
    assert standings_of(found)["openai:model-1"] == (Standing.TIED,)
    assert standings_of(found)["openai:model-2"] == (Standing.CHEAPEST,)


def test_a_single_model_is_compared_with_nothing() -> None:
    words = verdict_words(report(["a:only"]))
    assert words.kind == "single"
    assert "only scores " in words.text
    assert "nothing to compare" in words.text
    assert standings_of(report(["a:only"])) == {"a:only": ()}

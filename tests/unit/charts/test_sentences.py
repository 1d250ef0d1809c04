"""Each chart says in a sentence what it shows, or what to do where there is nothing to show."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from steelyard.charts import (
    Chart,
    CostDay,
    FeedbackDay,
    ModelFigures,
    Standing,
    cost_trend,
    feedback_trend,
    interval_plot,
    quality_cost,
    quality_history,
)
from steelyard.charts.tradeoff import frontier
from tests.unit.charts.made import LAST, NINE, ODD, USD, cost_days, history, model, run_marks


def days(*figures: tuple[int, float, int, int]) -> list[CostDay]:
    """(days back, dollars, uses, uses of unknown cost)."""
    return [
        CostDay(LAST - timedelta(days=back), round(usd * USD), uses, unknown) for back, usd, uses, unknown in figures
    ]


@pytest.mark.parametrize(
    ("chart", "start"),
    [
        (cost_trend([], run_marks(3), last=LAST), "No use was recorded in the last 90 days."),
        (
            cost_trend(days((3, 0.5, 4, 1)), [], last=LAST),
            "Used on one day so far: at least $0.500 for 4 uses on 19 Nov 2025.",
        ),
        (quality_cost([]), "No model has been benchmarked yet."),
        (interval_plot([model("a:b", None, 0.1)]), "No answer has been graded yet."),
        (quality_history([]), "No run of record yet."),
        (quality_history(history(1)), "One run of record so far: 80.0 of 100 (75.0 to 85.0) by openai:gpt-6"),
        (feedback_trend([], last=LAST), "No feedback in the last 14 days."),
    ],
)
def test_with_too_little_to_draw_a_sentence_says_so_and_nothing_is_drawn(chart: Chart, start: str) -> None:
    assert chart.sentence.startswith(start)
    assert chart.empty
    assert chart.figure() == chart.svg() == ""
    assert chart.png() == b""
    assert chart.spec() == {}
    assert chart.table.columns
    assert chart.document()["sentence"] == chart.sentence


def test_a_trend_says_total_uses_and_average() -> None:
    said = cost_trend(days((0, 1.5, 10, 0), (4, 0.5, 10, 0)), [], last=LAST, span=30).sentence
    assert said == "$2.00 in 30 days for 20 uses, $0.100 a use."


def test_a_trend_with_unknown_costs_says_at_least() -> None:
    said = cost_trend(days((0, 1.0, 6, 1), (4, 1.0, 5, 0)), [], last=LAST, span=30).sentence
    assert said == "At least $2.00 in 30 days for 11 uses, $0.200 a use. The cost of 1 use on 1 day is not known."


def test_a_trend_whose_costs_are_all_unknown_claims_no_cost() -> None:
    chart = cost_trend(days((0, 0, 6, 6), (4, 0, 5, 5)), [], last=LAST, span=30)
    assert chart.empty
    assert chart.sentence == "11 uses in 30 days, none with a known cost: the models' prices are not known."


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (0.72, "28% less than"),
        (1.04, "4% more than"),
        (2.5, "2.5 times as much as"),
        (1, "about the same as"),
    ],
)
def test_a_trend_says_how_the_cost_of_a_use_moved(after: float, words: str) -> None:
    chart = cost_trend(days((0, after, 10, 0), (29, 1.0, 10, 0)), [], last=LAST, span=30)
    assert chart.sentence.endswith(f"In the last 15 days a use cost {words} in the 15 days before.")


def test_days_outside_the_span_are_left_out_and_days_without_use_are_filled() -> None:
    chart = cost_trend(days((0, 1, 1, 0), (2, 1, 1, 0), (3, 9, 9, 0)), [], last=LAST, span=3)
    assert [row[:3] for row in chart.table.rows] == [
        ("2025-11-20", USD, 1),
        ("2025-11-21", 0, 0),
        ("2025-11-22", USD, 1),
    ]


def test_a_days_unknown_cost_is_unknown_in_the_table_not_zero() -> None:
    chart = cost_trend(days((0, 0, 2, 2), (1, 1, 2, 1)), [], last=LAST, span=2)
    assert [row[1] for row in chart.table.rows] == [USD, None]


def test_runs_of_one_day_are_named_together() -> None:
    chart = cost_trend(cost_days(30), run_marks(1, 1), last=LAST, span=30)
    assert chart.table.rows[-2][4] == "2 runs: 3 models, 24 cases; 3 models, 24 cases"
    assert "Benchmark: 2 runs: 3 models, 24 cases; 3 models, 24 cases." in chart.svg()


def test_the_best_and_the_cheapest_good_enough_are_named_with_what_it_saves() -> None:
    assert quality_cost(NINE).sentence == (
        "claude-opus-5 is best: 91.0 of 100 (88.0 to 94.0) for $0.118 a case. claude-sonnet-5 is the cheapest good "
        "enough: 88.5 for $0.0410 a case, 65% less than claude-opus-5."
    )


def test_a_leader_is_not_called_best() -> None:
    said = quality_cost([model("a:x", 90, 0.1, Standing.LEADING, Standing.GOOD_ENOUGH), model("a:y", 80, 0.2)]).sentence
    assert said.startswith("x leads, which is not proven: 90.0 of 100 (87.0 to 93.0) for $0.100 a case.")
    assert said.endswith("It is also the cheapest good enough.")


def test_tied_models_are_named_together() -> None:
    models = [
        model("a:x", 90, 0.1, Standing.TIED, Standing.LEADING),
        model("a:y", 89, 0.2, Standing.TIED),
        model("a:z", 50, 0.1),
    ]
    assert quality_cost(models).sentence == "2 models are tied for best: x and y."


def test_unknown_costs_missing_grades_and_free_models_are_told() -> None:
    said = quality_cost([*NINE, *ODD]).sentence
    assert said.endswith("The cost of 2 models is not known. 1 model has no quality yet.")
    assert quality_cost([ODD[0]]).sentence.endswith("No model here costs anything.")
    assert quality_cost([ODD[1]]).sentence.endswith("No cost is known, so quality alone is drawn.")


def test_models_of_one_name_keep_their_provider() -> None:
    said = quality_cost([model("openai:same", 90, 0.1, Standing.BEST), model("azure:same", 80, 0.1)]).sentence
    assert said.startswith("openai:same is best")


def test_a_history_compares_the_last_run_with_the_one_before() -> None:
    assert quality_history(history(3)).sentence == (
        "80.0 of 100 (75.0 to 85.0) in the last of 3 runs, 1.0 points below the run before; their intervals overlap."
    )


def test_feedback_says_its_share() -> None:
    chart = feedback_trend([FeedbackDay(LAST, 4, 3), FeedbackDay(date(2025, 11, 10), 1, 0)], last=LAST)
    assert chart.sentence == "3 of 5 positive (60%) in 14 days."
    assert chart.table.rows[-1] == ("2025-11-22", 4, 3, 0.75)
    assert chart.table.rows[0][3] is None


def test_the_line_joins_what_no_other_beats_on_both() -> None:
    models = [
        model("dear", 90, 0.10),
        model("beaten", 85, 0.11),
        model("cheap", 70, 0.01),
        model("same cost, worse", 60, 0.01),
        model("free", 50, 0.0),
        model("unknown", 99, None),
    ]
    assert [item.model for item in frontier(models)] == ["free", "cheap", "dear"]


def test_unknown_and_free_models_are_drawn_and_not_dropped() -> None:
    svg = quality_cost([*NINE, *ODD]).svg()
    for words in (
        "smollm2-135m: quality 66.0",
        "no-interval: quality 78.0 of 100, cost unknown",
        ">free<",
        ">unknown<",
    ):
        assert words in svg


def test_what_the_verdict_says_of_a_model_is_written_beside_it() -> None:
    svg = quality_cost(NINE).svg()
    for words in (">best<", ">cheapest good enough<", ">cheapest<"):
        assert words in svg


def test_more_models_than_have_room_keep_their_points() -> None:
    models = [ModelFigures(f"made:m{index}", 40 + index, None, None, 1e6 * 1.2**index, 8) for index in range(30)]
    svg = quality_cost(models).svg()
    assert svg.count("chart-hit") == 30
    assert len(set(re.findall(r">(m\d+)</text>", svg))) == 12

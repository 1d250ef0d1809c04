"""A picture has the size its place was kept for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from steelyard.charts.chart import Chart
from steelyard.charts.costs import CostDay, cost_trend
from steelyard.charts.feedback import FeedbackDay, feedback_trend
from steelyard.charts.history import RunQuality, quality_history
from steelyard.charts.intervals import interval_plot
from steelyard.charts.models import ModelFigures
from steelyard.charts.tradeoff import quality_cost

TODAY = date(2026, 1, 30)
NOW = datetime(2026, 1, 30, tzinfo=UTC)


def models(count: int, cost: float | None) -> list[ModelFigures]:
    return [ModelFigures(f"a:m{i}", 70.0 + i, 60.0 + i, 80.0 + i, cost and cost * (i + 1), 20) for i in range(count)]


CHARTS = {
    "cost trend": cost_trend([CostDay(TODAY - timedelta(days=i), 1000, 2) for i in range(5)], [], last=TODAY, span=30),
    "feedback": feedback_trend([FeedbackDay(TODAY, 3, 2)], last=TODAY),
    "priced": quality_cost(models(5, 1000.0)),
    "unpriced": quality_cost(models(7, None)),
    "many": quality_cost(models(80, None)),
    "intervals": interval_plot(models(45, None)),
    "history": quality_history([RunQuality(NOW - timedelta(days=i), 80.0, 70.0, 90.0, "a:m", 20) for i in range(3)]),
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS.keys())
def test_the_size_known_beforehand_is_the_size_drawn(chart: Chart) -> None:
    assert chart.draw is not None
    for frame in chart.frames:
        drawn = chart.draw(frame).frame
        assert chart.size(frame) == (drawn.width, drawn.height)


def test_a_chart_is_an_svg_document_of_its_own_with_its_title_and_sentence() -> None:
    chart = CHARTS["cost trend"]
    document = chart.svg_file()
    assert document.startswith("<svg xmlns=")
    assert chart.title in document
    assert "<script" not in document

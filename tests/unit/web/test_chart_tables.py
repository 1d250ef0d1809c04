"""A chart's figures as rows: units written, unknown said, text harmless."""

from __future__ import annotations

from steelyard.charts.models import ModelFigures
from steelyard.charts.tradeoff import quality_cost
from steelyard.web.chart_tables import figure_rows


def test_values_are_written_with_their_units_and_what_is_unknown_says_so() -> None:
    rows = figure_rows(quality_cost([ModelFigures("a:b", 88.25, None, None, None, 1200)]))
    assert rows == (
        '<tr><td>a:b</td><td class="num">88.2</td><td class="num">unknown</td><td class="num">unknown</td>'
        '<td class="num">unknown</td><td class="num">1,200</td><td>–</td></tr>\n'
    )


def test_text_is_escaped() -> None:
    rows = figure_rows(quality_cost([ModelFigures("a:<script>", 88.0, 80.0, 90.0, 400_000, 3)]))
    assert "a:&lt;script&gt;" in rows
    assert "<script>" not in rows

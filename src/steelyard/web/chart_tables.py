"""The figures of a chart as the rows of a table, each written with its unit."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from steelyard.charts.tables import Column, Kind, Table, Value
from steelyard.web.filters import UNKNOWN, clip, count, money, percent, points

if TYPE_CHECKING:
    from steelyard.charts import Chart

_WORDS = (Kind.TEXT, Kind.DAY, Kind.TIME)
_MOST_KEPT = 64


def numeric(column: Column) -> bool:
    """Whether a column's values stand at its right edge."""
    return column.kind not in _WORDS


def figure_rows(chart: Chart) -> Markup:
    """The rows of the chart's table as markup. Text is made visible and cut; what is not known says so.

    A year of days takes milliseconds to write, so the rows written last are kept.
    """
    return _rows(chart.table)


@lru_cache(_MOST_KEPT)
def _rows(table: Table) -> Markup:
    shown = [
        (place, column.kind, '<td class="num">' if numeric(column) else "<td>")
        for place, column in enumerate(table.columns)
        if column.shown
    ]
    written = (
        "".join(f"{opening}{escape(_written(row[place], kind))}</td>" for place, kind, opening in shown)
        for row in table.rows
    )
    return Markup("".join(f"<tr>{row}</tr>\n" for row in written))  # noqa: S704 - every value is escaped


def _written(value: Value, kind: Kind) -> str:
    if value is None:
        return "–" if kind is Kind.TEXT else UNKNOWN
    if isinstance(value, str):
        return clip(value, 120)
    match kind:
        case Kind.MONEY:
            return money(value)
        case Kind.POINTS:
            return points(value)
        case Kind.SHARE:
            return percent(value)
        case _:
            return count(int(value))

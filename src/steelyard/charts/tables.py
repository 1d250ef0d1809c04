"""The figures of a chart as a table: beside it in a page, and as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from steelyard.domain.money import usd_digits

Value = str | int | float | bool | None

# A spreadsheet runs a cell that starts with one of these; some take the wide forms of East Asian scripts for them.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Kind(StrEnum):
    """How a page shows a column; a cell of None is unknown, never 0."""

    TEXT = "text"
    DAY = "day"  # ISO 8601
    TIME = "time"  # ISO 8601, UTC
    MONEY = "money"  # microcents
    COUNT = "count"
    POINTS = "points"  # quality, 0-100
    SHARE = "share"  # 0-1


_UNITS = {Kind.MONEY: "USD", Kind.POINTS: "points of 100"}


@dataclass(frozen=True)
class Column:
    """`key` names it in JSON and CSV, `title` in pages; one that is not `shown` is for these files alone."""

    key: str
    title: str
    kind: Kind
    shown: bool = True

    @property
    def unit(self) -> str | None:
        """The unit a heading should show, where the values do not."""
        return _UNITS.get(self.kind)


@dataclass(frozen=True)
class Table:
    """Rows hold one value per column, money in microcents."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]

    def csv(self) -> str:
        """Comma-separated text with a heading line; text that a spreadsheet would run is preceded by an apostrophe.

        Money stands in two columns: `…_usd` to read, `…_microcents` to reckon with.
        """
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\r\n")
        writer.writerow([name for column in self.columns for name in _headings(column)])
        for row in self.rows:
            writer.writerow(
                [cell for value, column in zip(row, self.columns, strict=True) for cell in _cells(value, column)]
            )
        return written.getvalue()

    def records(self) -> list[dict[str, Any]]:
        """The rows as JSON objects, by the columns' keys; money columns as `…_microcents`."""
        keys = [_heading(column) for column in self.columns]
        return [dict(zip(keys, row, strict=True)) for row in self.rows]


def _heading(column: Column) -> str:
    return f"{column.key}_microcents" if column.kind is Kind.MONEY else column.key


def _headings(column: Column) -> tuple[str, ...]:
    return (f"{column.key}_usd", _heading(column)) if column.kind is Kind.MONEY else (_heading(column),)


def _cells(value: Value, column: Column) -> tuple[Value, ...]:
    if column.kind is not Kind.MONEY:
        return (guarded(value),)
    return (usd_digits(value) if isinstance(value, int | float) else None, value)


def guarded(value: Value) -> Value:
    """The value as a CSV cell: text that a spreadsheet would run is preceded by an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value

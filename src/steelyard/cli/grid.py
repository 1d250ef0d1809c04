"""Columns of text that fit a width: as wide as their content, names giving way first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len
from rich.text import Text

GAP = 2


@dataclass(frozen=True)
class Column:
    """A heading, the unit under it, and one text per row. `style` colours the values."""

    heading: str
    unit: str
    values: Sequence[str]
    left: bool = False
    style: str = ""

    @cached_property
    def width(self) -> int:
        return max(cell_len(text) for text in (self.heading, self.unit, *self.values))


def total_width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def heading_lines(columns: Sequence[Column]) -> list[Text]:
    """The headings, and their units where any column has one."""
    lines = [_line([(column, column.heading) for column in columns], "bold")]
    if any(column.unit for column in columns):
        lines.append(_line([(column, column.unit) for column in columns], "dim"))
    return lines


def row(columns: Sequence[Column], index: int) -> Text:
    """The values of one row."""
    return _line([(column, column.values[index]) for column in columns], None)


def fill(text: str, width: int, *, left: bool = True) -> str:
    """The text with spaces up to `width` columns of the screen."""
    space = " " * max(0, width - cell_len(text))
    return text + space if left else space + text


def _line(parts: Sequence[tuple[Column, str]], style: str | None) -> Text:
    line = Text()
    for index, (column, value) in enumerate(parts):
        line.append((" " * GAP if index else "") + fill(value, column.width, left=column.left), style or column.style)
    line.rstrip()
    return line

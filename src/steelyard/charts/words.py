"""How charts write figures and names: money, points, days, names cut to fit."""

from __future__ import annotations

import math
import unicodedata
from datetime import date

from steelyard.domain.money import MICROCENTS_PER_USD

# Control, invisible format (bidi overrides among them), surrogates, private use and unassigned characters.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_THIN = frozenset("iIjl.,:;'|! ")
_NARROW = frozenset('()[]{}ftr-/"*')
_BROAD = frozenset("mwMW@%&…—")
_MOST_NAME = 200


def clean(text: str) -> str:
    """One line that an SVG file may hold and that cannot reorder its neighbours: a name is another's text."""
    spaced = " ".join(text[:_MOST_NAME].split())
    # Unprintable is to Python what is unseen here, and spaces other than the plain one.
    if spaced.isprintable():
        return spaced
    return "".join(char for char in spaced if unicodedata.category(char) not in _UNSEEN)


def text_width(text: str, size: float) -> float:
    """About how many pixels a line takes in a sans-serif of that many pixels: a little more than it will."""
    return size * sum(_advance(char) for char in text)


def _advance(char: str) -> float:
    if char in _THIN:
        return 0.3
    if char in _NARROW:
        return 0.42
    if char in _BROAD:
        return 0.95
    if unicodedata.east_asian_width(char) in "WF":
        return 1.05
    if unicodedata.combining(char):
        return 0.0
    return 0.69 if char.isupper() else 0.59


def shorten(text: str, size: float, width: float) -> str:
    """The text within so many pixels, its middle left out: names differ at their ends (vendor first, settings last)."""
    if text_width(text, size) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        tail = kept // 2
        cut = text[: kept - tail].rstrip() + "…" + text[len(text) - tail :].lstrip()
        if text_width(cut, size) <= width:
            return cut
    return "…"


def short_names(names: list[str], size: float, width: float) -> list[str]:
    """The names cut to fit so many pixels, and still all different if they were."""
    shown = [shorten(name, size, width) for name in names]
    for index, name in enumerate(list(shown)):
        if shown.count(name) > 1:
            mark = f" {index + 1}"
            shown[index] = shorten(names[index], size, width - text_width(mark, size)) + mark
    return shown


def wrap(text: str, size: float, width: float) -> list[str]:
    """The text in lines of at most so many pixels, broken between words."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, size) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


def money(microcents: float) -> str:
    """`$0.0031`, `$0.118`, `$1.84`, `$12,400`; exact zero is `$0`."""
    usd = microcents / MICROCENTS_PER_USD
    if usd == 0:
        return "$0"
    if usd >= 999.5:
        return f"${usd:,.0f}"
    if usd >= 0.995:
        return f"${usd:.2f}"
    significant = 3 if usd >= 0.01 else 2
    decimals = significant - 1 - math.floor(math.log10(usd))
    return f"${usd:.{min(decimals, 8)}f}"


def points(value: float) -> str:
    """A quality of 0-100 with one decimal."""
    return f"{value:.1f}"


def between(low: float | None, high: float | None) -> str:
    """` (86.0 to 91.0)` with its leading space, or nothing where the interval is unknown."""
    return "" if low is None or high is None else f" ({points(low)} to {points(high)})"


def day(value: date) -> str:
    """`24 Nov 2025`: the same for every reader, as charts are drawn once."""
    return f"{value.day} {value:%b %Y}"


def short_day(value: date) -> str:
    """`24 Nov`."""
    return f"{value.day} {value:%b}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 use`, `1,200 uses`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def change(before: float, after: float) -> str:
    """`28% less`, `4% more`, `2.5 times as much`, `about the same`; `before` is above 0."""
    ratio = after / before
    if ratio >= 2:
        return f"{ratio:.1f} times as much" if ratio < 10 else f"{ratio:,.0f} times as much"
    percent = round(100 * (ratio - 1))
    if percent == 0:
        return "about the same"
    return f"{percent}% more" if percent > 0 else f"{-percent}% less"

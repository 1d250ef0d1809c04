"""Text made fit for a terminal: hostile text tamed, names shortened, numbers with their units."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from steelyard.domain.money import dollars

# CSI, OSC (ended by BEL or ST), DCS and the like, and two-character escapes; then their 8-bit spellings.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?"
    r"|\x9b[0-?]*[ -/]*[@-~]|[\x90\x98\x9d\x9e\x9f][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
)
# Control, invisible format (bidi overrides among them), surrogates, private use and unassigned characters.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# What reorders the letters around it: two names that differ in it alone would look the same without.
_REORDERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ASCII = str.maketrans(
    {
        "…": "...",
        "–": "-",
        "—": "-",
        "−": "-",
        "×": "x",
        "·": "-",
        "★": "*",
        "☆": "o",
        "✓": "+",
        "●": "o",
        "━": "=",
        "─": "-",
        "│": "|",
        "┼": "+",
        "├": "|",
        "┤": "|",
        "█": "#",
        "░": ".",
        "’": "'",
        "“": '"',
        "”": '"',
        "µ": "u",
    }
)


def spent(microcents: int, lower_bound: bool) -> str:
    """`$1.84`, `at least $1.84` for a lower bound, `unknown cost` where that bound is nothing."""
    if lower_bound:
        return f"at least {dollars(microcents)}" if microcents else "unknown cost"
    return dollars(microcents)


def safe(text: object, limit: int | None = None) -> str:
    """One line that cannot move the cursor, colour the screen or reorder letters, of at most `limit` columns.

    Escape sequences go, what reorders letters is spelled as `(U+202E)`, line breaks and tabs become one space, other
    unseen characters go.
    """
    tamed = _ESCAPES.sub("", str(text))
    tamed = _REORDERING.sub(lambda found: f"(U+{ord(found[0]):04X})", tamed)
    tamed = "".join(char for char in tamed if char.isspace() or unicodedata.category(char) not in _UNSEEN)
    tamed = re.sub(r"\s+", " ", tamed).strip()
    # A stack of combining marks draws over the lines around it.
    tamed = re.sub(
        r"([\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff]{3})[\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff]+", r"\1", tamed
    )
    if limit is None or cell_len(tamed) <= limit:
        return tamed
    return set_cell_size(tamed, max(0, limit - 1)).rstrip() + "…"


def ascii_only(text: str) -> str:
    """The same text for a terminal that shows ASCII alone; what has no counterpart becomes `?`."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def shorten(text: str, width: int) -> str:
    """At most `width` columns, the middle left out: names differ at their ends (vendor first, settings last)."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) // 2
    head = width - 1 - tail
    start = 0
    while cell_len(text[start:]) > tail:
        start += 1
    return set_cell_size(text, head).rstrip() + "…" + text[start:]


def hang(text: str, width: int, indent: int) -> str:
    """The text wrapped at `width`, every line but the first moved in by `indent`; the text has nothing of that."""
    lines = textwrap.wrap(text, max(20, width - indent), break_on_hyphens=False)
    return ("\n" + " " * indent).join(lines)


def short_names(names: Sequence[str], width: int) -> list[str]:
    """The names at most `width` columns wide and still different from each other."""
    shown = [shorten(safe(name), width) for name in names]
    for index, name in enumerate(shown):
        if shown.count(name) > 1:
            mark = f"#{index + 1}"
            shown[index] = shorten(safe(names[index]), max(1, width - len(mark))) + mark
    return shown


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 case`, `1,200 cases`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def rounded(number: int) -> str:
    """A guess in three digits: `22,500,000`."""
    return f"{float(f'{number:.3g}'):,.0f}"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}%"


def points(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    rounded = round(value, 1) + 0.0
    return f"{rounded:+.1f}" if signed else f"{rounded:.1f}"


def interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """`76.0–88.2`, with signs `+1.2 to +9.3`; empty where unknown."""
    if low is None or high is None:
        return ""
    if signed:
        return f"{points(low, signed=True)} to {points(high, signed=True)}"
    return f"{low:.0f}–{high:.0f}"


def seconds(value: float) -> str:
    """A duration of so many seconds: `0.42 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if value < 10:
        return f"{value:.2g} s" if value < 1 else f"{value:.1f}".removesuffix(".0") + " s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def latency(milliseconds: float | None) -> str:
    """Seconds without their unit, for a column that names it."""
    if milliseconds is None:
        return "–"
    value = milliseconds / 1000
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"

"""Two texts as passages that both have or only one has: by word where that is affordable, else by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from steelyard.web.text.shortest import Kept, Stretch, shortest_edits

_WORD = re.compile(r"\d[\d.,]*\d|\w+|[^\S\n]+|\n|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
# Where a word begins after white space: on either side of it pieces are cut alike, whatever stands further off.
_BORDER = re.compile(r"(?<=\s)(?=\S)")
_NEAR = 2_000
# Each takes about a tenth of a second; past it, coarser pieces.
_MOST_PIECES = 100_000
_MOST_STEPS = 300_000
_LEAST_SHARED = 0.2


@dataclass(frozen=True)
class Passage:
    """A text that both have, that only the first has, or only the second; never empty."""

    kept: Kept
    text: str


def passages(first: str, second: str) -> tuple[list[Passage], bool] | None:
    """The passages, and whether they are cut by line instead of by word.

    Without those of one text they give the other. None when the texts share less than a fifth of the longer, white
    space aside, or finding out would take too long.
    """
    head, tail = _common_ends(first, second)
    inner_first, inner_second = first[head : len(first) - tail], second[head : len(second) - tail]
    for pattern in (_WORD, _LINE):
        inner = _compared(pattern, inner_first, inner_second)
        if inner is None:
            continue
        whole = _joined([Passage(Kept.BOTH, first[:head]), *inner, Passage(Kept.BOTH, first[len(first) - tail :])])
        shared = sum(_weight(item.text) for item in whole if item.kept is Kept.BOTH)
        if shared >= _LEAST_SHARED * max(_weight(first), _weight(second)):
            return whole, pattern is _LINE
    return None


def _weight(text: str) -> int:
    """Characters other than white space."""
    return sum(map(len, text.split()))


def _common_ends(first: str, second: str) -> tuple[int, int]:
    """Lengths of the start and the end that both share, up to where a word begins near the difference."""
    head = _agreement(first, second)
    borders = [match.start() for match in _BORDER.finditer(first, max(0, head - _NEAR), head)]
    head = borders[-1] if borders else 0
    rest_first, rest_second = first[head:][::-1], second[head:][::-1]
    tail = _agreement(rest_first, rest_second)
    start = len(first) - tail
    border = _BORDER.search(first, start + 1, min(len(first), start + _NEAR)) if tail > 1 else None
    return head, len(first) - border.start() if border else 0


def _agreement(first: str, second: str) -> int:
    """How many characters the two start with alike, by halving: comparing slices is fast."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _compared(pattern: re.Pattern[str], first: str, second: str) -> list[Passage] | None:
    pieces = _pieces(pattern, first), _pieces(pattern, second)
    if pieces[0] is None or pieces[1] is None:
        return None
    stretches = shortest_edits(pieces[0], pieces[1], _MOST_STEPS)
    return None if stretches is None else list(_merged(pieces[0], pieces[1], stretches))


def _pieces(pattern: re.Pattern[str], text: str) -> list[str] | None:
    """The text in pieces; None where there are too many."""
    found: list[str] = []
    for match in pattern.finditer(text):
        found.append(match[0])
        if len(found) > _MOST_PIECES:
            return None
    return found


def _merged(first: Sequence[str], second: Sequence[str], stretches: Sequence[Stretch]) -> Iterator[Passage]:
    """The stretches as passages; changes with nothing but blanks kept between them are one change of each side."""
    out, new = "", ""
    for index, stretch in enumerate(stretches):
        side = first if stretch.kept is Kept.FIRST else second
        text = "".join(side[stretch.start : stretch.end])
        if stretch.kept is Kept.FIRST:
            out += text
        elif stretch.kept is Kept.SECOND:
            new += text
        elif out and new and not text.strip() and "\n" not in text and index + 1 < len(stretches):
            out, new = out + text, new + text
        else:
            yield from (Passage(Kept.FIRST, out), Passage(Kept.SECOND, new), Passage(Kept.BOTH, text))
            out, new = "", ""
    yield from (Passage(Kept.FIRST, out), Passage(Kept.SECOND, new))


def _joined(found: Sequence[Passage]) -> list[Passage]:
    """Without empty passages, and neighbours of one kind as one."""
    whole: list[Passage] = []
    for item in found:
        if whole and item.text and whole[-1].kept is item.kept:
            whole[-1] = Passage(item.kept, whole[-1].text + item.text)
        elif item.text:
            whole.append(item)
    return whole

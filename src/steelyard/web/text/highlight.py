"""Evidence a judge quoted, marked in the output it was quoted from."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from markupsafe import Markup

from steelyard.judging.scoring import spellings_of
from steelyard.web.text.odd import lines_of, marked
from steelyard.web.text.plain import SHOWN, block, more


class Place(StrEnum):
    """Where a quote is: a quote without words claims nothing and is nowhere."""

    MARKED = "marked"
    FURTHER_ON = "further on"
    NOT_FOUND = "not found"
    EMPTY = "empty"


@dataclass(frozen=True)
class Highlighted:
    """A block of markup, where each quote is, and how many characters the block does not show."""

    html: Markup
    places: tuple[Place, ...]
    left: int

    @property
    def note(self) -> str | None:
        return more(self.left)


def highlight(text: str, quotes: Sequence[str], limit: int = SHOWN) -> Highlighted:
    """The output as raw text with each quote's first occurrence in a `<mark data-evidence="1 3">`.

    Quotes are numbered from 1 in their order, and found as the judge's are verified: white space aside, in any spelling
    that counts. Where quotes overlap, the shared stretch is a mark of both.
    """
    text = lines_of(text)
    shown = min(limit, len(text))
    words = _Words(text)
    spans: list[tuple[int, int, int]] = []
    places: list[Place] = []
    for number, quote in enumerate(quotes, start=1):
        if not quote.strip():
            places.append(Place.EMPTY)
            continue
        found = next((span for spelling in spellings_of(quote) if (span := words.find(spelling))), None)
        if found is None:
            places.append(Place.NOT_FOUND)
        elif found[0] >= shown:
            places.append(Place.FURTHER_ON)
        else:
            places.append(Place.MARKED)
            spans.append((found[0], min(found[1], shown), number))
    return Highlighted(block(_draw(text, shown, spans)), tuple(places), len(text) - shown)


class _Words:
    """A text with its white space made single blanks, and the way back to where each character stood."""

    def __init__(self, text: str) -> None:
        found = [match.span() for match in re.finditer(r"\S+", text)]
        self.joined = " ".join(text[start:end] for start, end in found)
        self._sources = [start for start, _ in found]
        self._starts: list[int] = []
        at = 0
        for start, end in found:
            self._starts.append(at)
            at += end - start + 1

    def find(self, quote: str) -> tuple[int, int] | None:
        """The (start, end) in the text of the quote's first occurrence; None for no words or no occurrence."""
        wanted = " ".join(quote.split())
        at = self.joined.find(wanted) if wanted else -1
        if at < 0:
            return None
        return self._source(at), self._source(at + len(wanted) - 1) + 1

    def _source(self, at: int) -> int:
        word = bisect_right(self._starts, at) - 1
        return self._sources[word] + at - self._starts[word]


def _draw(text: str, shown: int, spans: Sequence[tuple[int, int, int]]) -> Markup:
    edges = sorted({0, shown, *(edge for start, end, _ in spans for edge in (start, end))})
    drawn: list[Markup] = []
    for start, end in pairwise(edges):
        over = [number for first, last, number in spans if first <= start and end <= last]
        content = marked(text, start, end)
        drawn.append(
            Markup('<mark class="text-evidence" data-evidence="{}">{}</mark>').format(" ".join(map(str, over)), content)
            if over
            else content
        )
    return Markup().join(drawn)

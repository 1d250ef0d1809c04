"""A list that is at hand whole, narrowed by words and shown a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")

PAGE = 20
MOST_WORDS = 200


@dataclass(frozen=True)
class Narrowed(Generic[Row]):
    """`rows` from the place `first` (counted from 0) on, of `total` that fit and `of` there are; `q`: what they fit."""

    rows: Sequence[Row]
    first: int
    total: int
    of: int
    q: str

    @property
    def next(self) -> int | None:
        """Where the next page begins, None at the end."""
        after = self.first + len(self.rows)
        return after if after < self.total else None

    @property
    def previous(self) -> int | None:
        """Where the page before begins, None on the first."""
        return max(0, self.first - PAGE) if self.first else None

    @property
    def searchable(self) -> bool:
        """Whether there is more than a page, or something is being looked for."""
        return self.of > PAGE or bool(self.q)


def narrowed(rows: Sequence[Row], words: Callable[[Row], str], *, q: str = "", first: int = 0) -> Narrowed[Row]:
    """Those of which `words` has every word of `q`, however it is capitalised. Beyond the end it is the first page."""
    wanted = q[:MOST_WORDS].lower().split()
    fitting = [row for row in rows if all(word in words(row).lower() for word in wanted)]
    start = first if first < len(fitting) else 0
    return Narrowed(fitting[start : start + PAGE], start, len(fitting), len(rows), q[:MOST_WORDS].strip())

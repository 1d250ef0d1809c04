"""Whose turn it is at something of which there is too little: tenants share alike, and within each what they send."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import TypeVar

Key = TypeVar("Key")

# Of those let in the longest ago it makes no difference when it was.
_MOST_KNOWN = 1_000


class Shares:
    """What is in hand, of whom (`whose`, a tenant) and for what of theirs (`of`: a run, a key), and who came last.

    Who has the least in hand goes first; among equals whoever was let in the longest ago, or never. So one that has
    little to do waits for one of each of the others at most, however many of theirs came before.
    """

    def __init__(self) -> None:
        self._held: Counter[object] = Counter()
        self._held_of: Counter[tuple[object, object]] = Counter()
        self._let_in: dict[object, int] = {}
        self._let_in_of: dict[tuple[object, object], int] = {}
        self._turns = count(1)

    @property
    def holders(self) -> int:
        """How many have any in hand."""
        return len(self._held)

    def held(self, whose: object) -> int:
        return self._held[whose]

    def took(self, whose: object, of: object) -> None:
        self._held[whose] += 1
        self._held_of[whose, of] += 1
        turn = next(self._turns)
        _note(self._let_in, whose, turn)
        _note(self._let_in_of, (whose, of), turn)

    def gave_back(self, whose: object, of: object) -> None:
        _less(self._held, whose)
        _less(self._held_of, (whose, of))

    def order(self, whose: object, of: object) -> tuple[int, int, int, int]:
        """The least goes first: by tenant, and then by what it is for."""
        key = (whose, of)
        return (self._held[whose], self._let_in.get(whose, 0), self._held_of[key], self._let_in_of.get(key, 0))


def _note(turns: dict[Key, int], key: Key, turn: int) -> None:
    turns.pop(key, None)
    turns[key] = turn
    if len(turns) > _MOST_KNOWN:
        del turns[next(iter(turns))]


def _less(held: Counter[Key], key: Key) -> None:
    held[key] -= 1
    if not held[key]:
        del held[key]

"""The shortest way from one list to another by leaving out and putting in, within a bound on the work."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import Enum


class Kept(Enum):
    BOTH = "both"
    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True)
class Stretch:
    """Items `start` to `end` of the second list, or of the first where only that has them."""

    kept: Kept
    start: int
    end: int


def shortest_edits(first: Sequence[Hashable], second: Sequence[Hashable], most_steps: int) -> list[Stretch] | None:
    """Stretches that read one after the other give the second list, or without SECOND ones and with FIRST ones the
    first. None when it takes more than so many steps. Myers 1986, "An O(ND) difference algorithm", with the common
    start and end taken off.
    """
    numbers: dict[Hashable, int] = {}
    a = [numbers.setdefault(item, len(numbers)) for item in first]
    b = [numbers.setdefault(item, len(numbers)) for item in second]
    head = 0
    while head < len(a) and head < len(b) and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < len(a) - head and tail < len(b) - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    moves = _moves(a[head : len(a) - tail], b[head : len(b) - tail], most_steps)
    if moves is None:
        return None
    kinds = [*([Kept.BOTH] * head), *moves, *([Kept.BOTH] * tail)]
    return _stretches(kinds)


def _moves(a: Sequence[int], b: Sequence[int], most_steps: int) -> list[Kept] | None:
    """One move per item left out, put in or kept; row d of `reached` holds how far on the first list d edits lead on
    the diagonals -d, -d + 2, ... d."""
    n, m = len(a), len(b)
    reached: list[list[int]] = []
    before: list[int] = []
    left = most_steps
    for edits in range(n + m + 1):
        row: list[int] = []
        reached.append(row)
        for index in range(edits + 1):
            # As in `_step`, written out: this is the loop that takes the time.
            if edits == 0:
                x = 0
            elif index == 0 or (index < edits and before[index - 1] < before[index]):
                x = before[index]
            else:
                x = before[index - 1] + 1
            y = x - 2 * index + edits
            if x < n and y < m and a[x] == b[y]:
                start = x
                while x < n and y < m and a[x] == b[y]:
                    x += 1
                    y += 1
                left -= x - start
            row.append(x)
            if x == n and y == m:
                return _walk_back(reached)
        before = row
        left -= edits + 1
        if left < 0:
            return None
    raise AssertionError("leaving out all and putting in all always suffices")


def _step(before: Sequence[int], edits: int, index: int) -> tuple[Kept, int]:
    """The edit that leads furthest on this diagonal, and where on the first list it leads."""
    if edits == 0:
        return Kept.BOTH, 0
    if index == 0 or (index < edits and before[index - 1] < before[index]):
        return Kept.SECOND, before[index]
    return Kept.FIRST, before[index - 1] + 1


def _walk_back(reached: Sequence[Sequence[int]]) -> list[Kept]:
    moves: list[Kept] = []
    index = len(reached[-1]) - 1
    for edits in range(len(reached) - 1, -1, -1):
        move, start = _step(reached[edits - 1], edits, index)
        moves += [Kept.BOTH] * (reached[edits][index] - start)
        if move is not Kept.BOTH:
            moves.append(move)
        # A diagonal's index counts from -d: one edit fewer, and one diagonal to either side.
        index -= move is Kept.FIRST
    return moves[::-1]


def _stretches(kinds: Sequence[Kept]) -> list[Stretch]:
    stretches: list[Stretch] = []
    at = {Kept.FIRST: 0, Kept.SECOND: 0}
    for kind in kinds:
        side = Kept.FIRST if kind is Kept.FIRST else Kept.SECOND
        start = at[side]
        at[side] += 1
        if kind is Kept.BOTH:
            at[Kept.FIRST] += 1
        if stretches and stretches[-1].kept is kind and stretches[-1].end == start:
            stretches[-1] = Stretch(kind, stretches[-1].start, start + 1)
        else:
            stretches.append(Stretch(kind, start, start + 1))
    return stretches

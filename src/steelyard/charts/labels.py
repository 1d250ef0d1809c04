"""Where labels go: beside their points, over nothing, inside the plot; what every plotting library gets wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_NEAR = 9.0
_RINGS = (0.0, 10.0, 22.0, 38.0, 58.0)
_SWEEPS = 3
_POINT = 7.0


@dataclass(frozen=True)
class Box:
    """Pixels; `top` is less than `bottom`."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """The shared area."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across * down if across > 0 and down > 0 else 0.0

    def holds(self, other: Box) -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )

    def length_inside(self, line: Segment) -> float:
        """How much of a straight line lies in the box (Liang & Barsky 1984)."""
        dx, dy = line.x2 - line.x, line.y2 - line.y
        start, end = 0.0, 1.0
        for step, gap in (
            (-dx, line.x - self.left),
            (dx, self.right - line.x),
            (-dy, line.y - self.top),
            (dy, self.bottom - line.y),
        ):
            if step == 0:
                if gap < 0:
                    return 0.0
            elif step < 0:
                start = max(start, gap / step)
            else:
                end = min(end, gap / step)
        return (dx * dx + dy * dy) ** 0.5 * (end - start) if end > start else 0.0


@dataclass(frozen=True)
class Segment:
    x: float
    y: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Anchor:
    """A point and the size of the label it wants."""

    x: float
    y: float
    width: float
    height: float


def place(
    anchors: Sequence[Anchor], bounds: Box, lines: Sequence[Segment] = (), taken: Sequence[Box] = ()
) -> list[Box]:
    """One box per anchor, in the same order, the same for the same input.

    Boxes lie within `bounds` (a label larger than it is put at its upper left), do not overlap each other or `taken`
    where there is room at all, and keep off the points and, as far as may be, off `lines`. Greedy, the most crowded
    first, then improved label by label.
    """
    if not anchors:
        return []
    points = [Box(item.x - _POINT, item.y - _POINT, item.x + _POINT, item.y + _POINT) for item in anchors]
    placed: list[Box | None] = [None] * len(anchors)
    crowding = [sum(abs(a.x - b.x) < 90 and abs(a.y - b.y) < 40 for b in anchors) for a in anchors]
    order = sorted(range(len(anchors)), key=lambda index: (-crowding[index], anchors[index].x, anchors[index].y, index))
    for sweep in range(_SWEEPS):
        moved = False
        for index in order:
            others = [*taken, *(box for at, box in enumerate(placed) if box is not None and at != index)]
            best = _best(anchors[index], bounds, others, points, lines)
            moved = moved or best != placed[index]
            placed[index] = best
        if sweep and not moved:
            break
    return [box for box in placed if box is not None]


def _best(anchor: Anchor, bounds: Box, others: Sequence[Box], points: Sequence[Box], lines: Sequence[Segment]) -> Box:
    def cost(choice: tuple[float, Box]) -> tuple[bool, float]:
        penalty, box = choice
        over = sum(box.overlap(other) for other in others)
        # However little it lies over another, any free place is better.
        return over > 0, (
            penalty
            + 60.0 * over
            + 2.0 * sum(box.overlap(point) for point in points)
            + 1.2 * sum(box.length_inside(line) for line in lines)
        )

    beside = [choice for choice in _beside(anchor) if bounds.holds(choice[1])]
    best = min(beside, key=cost, default=None)
    if best is None or any(best[1].overlap(other) for other in others):
        anywhere = [*beside, *_anywhere(anchor, bounds)]
        best = min(anywhere, key=cost)
    return best[1]


def _beside(anchor: Anchor) -> Iterator[tuple[float, Box]]:
    """Places around the point, ring by ring, with what each costs: right of the point costs least."""
    width, height = anchor.width, anchor.height
    for ring in _RINGS:
        gap = _NEAR + ring
        slant = _NEAR * 0.8 + ring
        for dislike, left, top in (
            (0.0, anchor.x + gap, anchor.y - height / 2),
            (1.5, anchor.x - gap - width, anchor.y - height / 2),
            (2.0, anchor.x - width / 2, anchor.y - gap - height),
            (2.0, anchor.x - width / 2, anchor.y + gap),
            (2.5, anchor.x + slant, anchor.y - slant - height),
            (2.5, anchor.x + slant, anchor.y + slant),
            (3.5, anchor.x - slant - width, anchor.y - slant - height),
            (3.5, anchor.x - slant - width, anchor.y + slant),
        ):
            yield dislike + 1.5 * ring, Box(left, top, left + width, top + height)


def _anywhere(anchor: Anchor, bounds: Box) -> Iterator[tuple[float, Box]]:
    """A grid over the whole plot: far from the point, so the last resort."""
    width, height = anchor.width, anchor.height
    for left in _steps(bounds.left, bounds.right - width, width / 4):
        for top in _steps(bounds.top, bounds.bottom - height, height / 2):
            away = abs(left + width / 2 - anchor.x) + abs(top + height / 2 - anchor.y)
            yield 60.0 + away, Box(left, top, left + width, top + height)


def _steps(low: float, high: float, step: float) -> Iterable[float]:
    count = max(0, int((high - low) / step)) if step > 0 else 0
    return [low + index * step for index in range(count + 1)]

"""A small line of recent figures, as the paths of an SVG a page's macro draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_INSET = 2.0


@dataclass(frozen=True)
class Sparkline:
    """Path data within `width` x `height`: the line, and the area below it. Both are empty without two figures.

    A lone figure between gaps is drawn as a dot: a line of no length with round ends.
    """

    width: int
    height: int
    line: str
    area: str


def sparkline_of(
    values: Sequence[float | None], width: int = 160, height: int = 32, *, from_zero: bool = False
) -> Sparkline:
    """The figures at even steps, their range filling the height; None, NaN and infinities split the line.

    Equal figures lie in the middle. `from_zero` puts zero at the bottom, for amounts.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return Sparkline(width, height, "", "")
    low, high = min(known), max(known)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    pieces: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            pieces.append([])
        else:
            x = _INSET + (width - 2 * _INSET) * index / (len(values) - 1)
            pieces[-1].append((x, _height_of(value, low, high, height)))
    drawn = [piece for piece in pieces if piece]
    return Sparkline(
        width,
        height,
        "".join(f"M{_path(piece if len(piece) > 1 else piece * 2)}" for piece in drawn),
        "".join(_area(piece, height) for piece in drawn if len(piece) > 1),
    )


def _height_of(value: float, low: float, high: float, height: int) -> float:
    # Halved first: the difference of two finite numbers may be infinite.
    span = high / 2 - low / 2
    share = (value / 2 - low / 2) / span if span > 0 else 0.5
    return height - _INSET - (height - 2 * _INSET) * min(1.0, max(0.0, share))


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _area(points: Sequence[tuple[float, float]], height: int) -> str:
    return f"M{points[0][0]:.1f},{height}L{_path(points)}L{points[-1][0]:.1f},{height}Z"

"""The arithmetic of small figures drawn in templates: a sparkline's path, a bar's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spark:
    """SVG paths in a box of 100 x 24; `line` breaks where a value is missing."""

    line: str
    area: str


def spark(values: Sequence[float | None]) -> Spark:
    """Paths through `values`, evenly spaced, from their least (bottom) to their greatest (top).

    None is a gap; a lone value is a short dash; equal values lie in the middle.
    """
    known = [value for value in values if value is not None]
    if not known:
        return Spark("", "")
    low, high = min(known), max(known)
    step = 100 / max(1, len(values) - 1)

    def y(value: float) -> float:
        return 12.0 if high == low else round(22 - 20 * (value - low) / (high - low), 2)

    line: list[str] = []
    area: list[str] = []
    for first, last in _stretches(values):
        points = [(round(index * step, 2), y(values[index] or 0.0)) for index in range(first, last + 1)]
        if len(points) == 1:
            (x, height) = points[0]
            points = [(max(0.0, x - 0.75), height), (min(100.0, x + 0.75), height)]
        path = " L".join(f"{x:g},{height:g}" for x, height in points)
        line.append(f"M{path}")
        area.append(f"M{points[0][0]:g},24 L{path} L{points[-1][0]:g},24 Z")
    return Spark(" ".join(line), " ".join(area))


def _stretches(values: Sequence[float | None]) -> list[tuple[int, int]]:
    """First and last index of each run of known values."""
    found: list[tuple[int, int]] = []
    for index, value in enumerate(values):
        if value is None:
            continue
        if found and found[-1][1] == index - 1:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    return found

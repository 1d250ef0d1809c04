"""The colours a chart may use: by name in code, as light hex in pictures, as classes in pages."""

from __future__ import annotations

from enum import StrEnum


class Ink(StrEnum):
    """A colour's part in a chart; its value is the hex of light pictures, and no two are the same.

    In a page each becomes a class (`chart-fill-text`, `chart-stroke-text`) whose colour charts.css gives for light and
    dark.
    """

    TEXT = "#1a1a1d"
    MUTED = "#62626b"
    GRID = "#e6e6ea"
    AXIS = "#a3a3ac"
    SURFACE = "#fefefe"
    ACCENT = "#2d5bd1"
    AREA = "#dde5f8"
    LINK = "#b5530a"
    GOOD = "#0a7a55"
    BAD = "#bd3a2b"
    CAUTION = "#9a6a00"
    # Lies over a mark, unseen until pointed at or focused.
    HIT = "#010203"


def class_of(attribute: str, colour: str) -> str:
    """The class that stands for a colour: `chart-fill-accent`. ValueError for a colour that is not of this palette."""
    return f"chart-{attribute}-{Ink(colour).name.lower()}"

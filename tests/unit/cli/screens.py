"""Rendering to plain text, as a terminal of a given width and encoding would show it."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.text import Text

from steelyard.cli.report import render
from steelyard.cli.terminal import Screen
from steelyard.services.reports import RunReport


def shown(lines: Iterable[Text | str], width: int = 80, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    screen = Screen(stream, width=width)
    screen.lines(lines)
    buffer = stream.detach()
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(encoding)


def screen_of(report: RunReport, width: int = 80, encoding: str = "utf-8") -> str:
    return shown(render(report, width), width, encoding)

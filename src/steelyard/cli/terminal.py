"""Where output goes: results to standard output, everything else to standard error, in what each can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from steelyard.cli import exits
from steelyard.cli.text import ascii_only

if TYPE_CHECKING:
    from rich.style import StyleType

MIN_WIDTH = 40


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Its reader has what it wants: no fault, which the library would exit with."""
        silence_broken_pipe()
        raise SystemExit(exits.OK)


class Screen:
    """One stream: its width, whether it is a live terminal, and whether it can show more than ASCII."""

    def __init__(self, stream: TextIO, *, width: int | None = None) -> None:
        _never_fail(stream)
        self.console = _Console(
            file=stream, markup=False, highlight=False, emoji=False, width=width, soft_wrap=False, legacy_windows=False
        )
        encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").replace("_", "")
        self.unicode = encoding.startswith("utf")
        self.width = max(MIN_WIDTH, self.console.width)

    @property
    def live(self) -> bool:
        """Whether lines can be redrawn."""
        return self.console.is_terminal and not self.console.is_dumb_terminal

    def line(self, text: str | Text = "", style: StyleType = "") -> None:
        """One paragraph, wrapped at the width; an address that stands alone stays whole, to be copied."""
        shown = self.fit(text if isinstance(text, Text) else Text(text, style=style))
        if " " in shown.plain or "://" not in shown.plain:
            self.console.print(shown, width=self.width, no_wrap=False, overflow="fold")
        else:
            self.console.print(shown, soft_wrap=True)

    def lines(self, texts: Iterable[str | Text]) -> None:
        for text in texts:
            self.line(text)

    def fit_text(self, text: str) -> Text:
        return self.fit(Text(text))

    def fit(self, text: Text) -> Text:
        """The text in characters this stream can show."""
        if self.unicode:
            return text
        shown = Text(style=text.style)
        for part in text.split("\n", include_separator=True, allow_blank=True):
            for span in part.divide(sorted({edge for s in part.spans for edge in (s.start, s.end)})):
                style = span.spans[0].style if span.spans else ""
                shown.append(ascii_only(span.plain), style)
        return shown


class Terminal:
    """Both streams of the process. `json_out`: standard output is for JSON alone, so results go to standard error."""

    def __init__(self, *, json_out: bool = False, quiet: bool = False) -> None:
        self.err = Screen(sys.stderr)
        self.out = self.err if json_out else Screen(sys.stdout)
        self.quiet = quiet

    def say(self, text: str | Text = "", style: StyleType = "") -> None:
        """A remark on the way to the result; silent with --quiet."""
        if not self.quiet:
            self.err.line(text, style)

    def warn(self, text: str) -> None:
        """A remark worth seeing; silent with --quiet."""
        self.say(text, "yellow")


def _never_fail(stream: TextIO) -> None:
    """Show `?` for what the encoding lacks, rather than fail in the middle of a report."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def silence_broken_pipe() -> None:
    """Make the flush at exit quiet after the reader of our output has gone away."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError):
            continue

"""Tie-breaks as a run's page shows them, beside its verdict. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from steelyard.domain.tie_breaks import UNDER_WAY, TieBreakStatus
from steelyard.services.reports import RunReport
from steelyard.services.tie_break_words import TieBreakWords, can_be_broken, tie_break_words
from steelyard.storage.tie_breaks import TieBreakRow
from steelyard.web.model_names import short_names

Tone = Literal["good", "warn", "bad", "neutral"]


@dataclass(frozen=True)
class TieBreakView:
    """One tie-break. `goes_on`: something of it is left that asking again would do."""

    row: TieBreakRow
    words: TieBreakWords
    tone: Tone
    under_way: bool
    goes_on: bool


@dataclass(frozen=True)
class TieView:
    """What a tied run's page has: the tie-breaks there are, and whether one waits for its end."""

    shown: tuple[TieBreakView, ...]

    @property
    def under_way(self) -> bool:
        return any(one.under_way for one in self.shown)


def tie_view(report: RunReport) -> TieView | None:
    """None where there is no tie to break, nor one that was."""
    if not report.tie_breaks and not can_be_broken(report):
        return None
    return tie_breaks_view(report.tie_breaks, report.names)


def tie_breaks_view(rows: Sequence[TieBreakRow], models: Sequence[str]) -> TieView:
    """The tie-breaks of a run of these models, the first asked for first."""
    names = short_names(models)
    return TieView(tuple(_view(row, tie_break_words(row, names, rows)) for row in rows))


def _view(row: TieBreakRow, words: TieBreakWords) -> TieBreakView:
    ended = row.status not in UNDER_WAY
    return TieBreakView(
        row=row,
        words=words,
        tone="neutral" if not ended else "bad" if words.bad else "good" if words.named is not None else "warn",
        under_way=not ended,
        goes_on=ended and row.status != TieBreakStatus.REFUSED and row.error_message is not None,
    )

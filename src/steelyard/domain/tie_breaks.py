"""A pairwise tie-break: how far it has come, and which of two outputs a judge preferred."""

from __future__ import annotations

from enum import StrEnum


class TieBreakStatus(StrEnum):
    """STOPPED: its budget was spent. REFUSED: its judge did not prefer golden outputs over junk."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    FAILED = "failed"


UNDER_WAY = (TieBreakStatus.PENDING, TieBreakStatus.RUNNING)


class Preference(StrEnum):
    """What a judge said of two outputs in the order they were shown."""

    FIRST = "first"
    SECOND = "second"
    NEITHER = "neither"

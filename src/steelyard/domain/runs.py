"""Benchmark runs and their cells: names, states and counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# The cause of a stop: the run's judge failed its examination.
JUDGE_REFUSED = "judge_refused"


class Arm(StrEnum):
    WITH_SKILL = "with_skill"
    WITHOUT_SKILL = "without_skill"


class RunStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class CellState(StrEnum):
    """answered: committed, not graded yet; judged: graded as far as asked; failed: no usable answer."""

    ANSWERED = "answered"
    JUDGED = "judged"
    FAILED = "failed"


@dataclass(frozen=True)
class RunCounts:
    """Cells by fate. answered + failed + missing = planned; answered includes reused and judged.

    failed: the model's own failures, which score 0; missing: outages, and cells never called.
    """

    planned: int
    answered: int
    judged: int
    failed: int
    missing: int
    reused: int

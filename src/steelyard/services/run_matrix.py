"""The matrix of a run: what one cell of it is, and which cases a filter keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from steelyard.domain.calls import FailureKind
from steelyard.execution.outcome import compared_arm
from steelyard.execution.plan import Plan
from steelyard.storage import matrix
from steelyard.storage.database import Connection
from steelyard.storage.matrix import MatrixCounts

TITLE_LENGTH = 120


class MatrixFilter(StrEnum):
    """Which cases the matrix shows.

    differ: the models are further apart than the margin, or some pass and some do not; not_passed: some model does not
    pass (both in the compared arm); failures: any cell failed, its judge included.
    """

    ALL = "all"
    DIFFER = "differ"
    NOT_PASSED = "not_passed"
    FAILURES = "failures"


class CellLook(StrEnum):
    """What a cell of the matrix is, beyond its number.

    graded: a quality but no pass to tell; ungraded: an answer without a grade; outage: no answer, and not the model's
    fault; waiting: not come to its end in a run under way; missing: the same in a run that has ended.
    """

    PASSED = "passed"
    NOT_PASSED = "not_passed"
    GRADED = "graded"
    FAILED = "failed"
    OUTAGE = "outage"
    UNGRADED = "ungraded"
    WAITING = "waiting"
    MISSING = "missing"


@dataclass(frozen=True)
class MatrixCell:
    """One model and arm on one case: mean quality over its trials, and a short label that says it without colour."""

    model: str
    arm: str
    look: CellLook
    label: str
    quality: float | None
    passed: bool | None
    failure_kind: str | None
    trials: int


@dataclass(frozen=True)
class MatrixRow:
    """One case; `cells` in the order of the page's columns."""

    index: int
    case_id: UUID
    key: str
    title: str
    family: str | None
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class MatrixPage:
    """Some rows of the matrix. `total` of the run's `cases` match the filter; `columns` are (model, arm)."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[MatrixRow, ...]
    only: MatrixFilter
    cases: int
    total: int
    offset: int
    size: int

    @property
    def previous_offset(self) -> int | None:
        return None if self.offset == 0 else max(0, self.offset - self.size)

    @property
    def next_offset(self) -> int | None:
        return self.offset + self.size if self.offset + self.size < self.total else None


async def matching_cases(connection: Connection, run_id: UUID, plan: Plan, only: MatrixFilter) -> Sequence[int]:
    """The indexes of the run's cases the filter keeps, ascending."""
    arm = compared_arm(plan).value
    match only:
        case MatrixFilter.ALL:
            return range(len(plan.case_ids))
        case MatrixFilter.DIFFER:
            return await matrix.differing_cases(connection, run_id, arm, plan.margin)
        case MatrixFilter.NOT_PASSED:
            return await matrix.not_passed_cases(connection, run_id, arm)
        case MatrixFilter.FAILURES:
            return await matrix.failing_cases(connection, run_id)


def matrix_cell(model: str, arm: str, counts: MatrixCounts | None, *, under_way: bool) -> MatrixCell:
    """What the matrix shows of these trials; None where none is stored yet."""
    if counts is None:
        look = CellLook.WAITING if under_way else CellLook.MISSING
        return MatrixCell(model, arm, look, "…" if under_way else "–", None, None, None, 0)
    passed = 2 * counts.passed > counts.told if counts.told else None
    kind = counts.failure_kind
    if counts.quality is not None:
        all_failed = counts.failed == counts.trials
        look = (
            CellLook.FAILED
            if all_failed
            else CellLook.GRADED
            if passed is None
            else CellLook.PASSED
            if passed
            else CellLook.NOT_PASSED
        )
        label = f"0 {_spelled(kind)}" if all_failed and kind else f"{counts.quality:.0f}"
    elif counts.ended < counts.trials and under_way:
        look, label = CellLook.WAITING, "…"
    elif counts.failed == counts.trials:
        look, label = CellLook.OUTAGE, _spelled(kind) if kind else "–"
    else:
        look, label = CellLook.UNGRADED, "not graded"
    return MatrixCell(model, arm, look, label, counts.quality, passed, kind, counts.trials)


def first_line(text: str, length: int = TITLE_LENGTH) -> str:
    """The first line that says anything, cut at `length` characters."""
    line = next((stripped for line in text.splitlines() if (stripped := " ".join(line.split()))), "")
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _spelled(kind: str) -> str:
    return FailureKind(kind).value.replace("_", " ")

"""The matrix of a run: what one cell of it is, and which cases a filter keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from steelyard.domain.calls import FailureKind
from steelyard.domain.races import RaceStanding
from steelyard.execution.plan import Plan
from steelyard.execution.scores import compared_arm
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
    fault; waiting: not come to its end in a run under way; missing: the same in a run that has ended;
    spared: not called for by a race.
    """

    PASSED = "passed"
    NOT_PASSED = "not_passed"
    GRADED = "graded"
    FAILED = "failed"
    OUTAGE = "outage"
    UNGRADED = "ungraded"
    WAITING = "waiting"
    MISSING = "missing"
    SPARED = "spared"


@dataclass(frozen=True)
class Spared:
    """Not called for, as a race had dropped the model, or else was over, after so many cases."""

    cases: int
    dropped: bool


@dataclass(frozen=True)
class MatrixCell:
    """One model and arm on one case: mean quality over its trials, and a short label that says it without colour.

    `spared` says why a race did not call for it.
    """

    model: str
    arm: str
    look: CellLook
    label: str
    quality: float | None
    passed: bool | None
    failure_kind: str | None
    trials: int
    spared: Spared | None = None


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


class SparedCells:
    """Which cells a race does not call for any more, as it stands."""

    def __init__(self, plan: Plan, race: Mapping[str, Any] | None) -> None:
        """`race` is how it stands, as stored; None for a run without one."""
        self._standing = None if race is None else RaceStanding.from_json(race)
        self._places: dict[int, int] = {}
        if self._standing is not None and self._standing.cells_not_called:
            # Imported for a race alone, as it takes numpy.
            from steelyard.execution.rounds import race_of

            self._places = {case: place for place, case in enumerate(race_of(plan).order)}

    def why(self, model: str, case: int) -> Spared | None:
        """Why the model is not called for the case at this index; None where it is."""
        if self._standing is None or case not in self._places:
            return None
        cases = self._standing.cases_of(model)
        if self._places[case] < cases:
            return None
        return Spared(cases, dropped=self._standing.gone(model) is not None)


def matrix_cell(
    model: str, arm: str, counts: MatrixCounts | None, *, under_way: bool, spared: Spared | None = None
) -> MatrixCell:
    """What the matrix shows of these trials; None where none is stored yet."""
    if counts is None and spared is not None:
        return MatrixCell(model, arm, CellLook.SPARED, "·", None, None, None, 0, spared)
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

"""Decisions on what waits or waited: who decided what, when and why, in words; refused to whom has not seen them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from steelyard.domain.cases import CaseChange, CaseStatus
from steelyard.domain.errors import Conflict
from steelyard.domain.feedback import FeedbackStatus
from steelyard.storage import case_changes
from steelyard.storage.case_queue import RatedOutput
from steelyard.storage.cases import CaseEntry
from steelyard.storage.database import Connection
from steelyard.storage.feedback import FeedbackRow

_MADE_BY = {
    CaseStatus.ACCEPTED: (CaseChange.ACCEPTED, CaseChange.ADDED),
    CaseStatus.REJECTED: (CaseChange.REJECTED,),
    CaseStatus.PENDING: (CaseChange.PROPOSED,),
}


@dataclass(frozen=True)
class Decision:
    """What was done, as "rejected"; by whom, when and why, as far as that was kept."""

    what: str
    who: str | None
    why: str
    at: datetime | None

    @property
    def words(self) -> str:
        """`rejected by Bob on 2026-07-01 at 09:30 UTC: “Never seen.”`."""
        by = f" by {self.who}" if self.who else ""
        at = f" on {self.at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC" if self.at else ""
        why = f": “{' '.join(self.why.split())}”" if self.why.strip() else ""
        return f"{self.what}{by}{at}{why}"


async def decision_on_case(connection: Connection, entry: CaseEntry) -> Decision:
    """What made the case what it is: out of use where it is that, else of its status."""
    for row in reversed(await case_changes.of_case(connection, entry.id)):
        if entry.retired_at is not None:
            made = row.previous_case_id == entry.id or (
                row.case_id == entry.id and row.change == CaseChange.RETIRED.value
            )
        else:
            made = row.change in _MADE_BY[entry.status]
        if made:
            return Decision(row.change, row.who, row.why, row.changed_at)
    if entry.retired_at is not None:
        return Decision("edited or retired", None, "", entry.retired_at)
    return Decision(entry.status.value, None, "", entry.decided_at)


def decision_on_example(row: FeedbackRow) -> Decision:
    """Of feedback that was decided on."""
    what = "made a golden case" if row.status == FeedbackStatus.ACCEPTED else row.status
    return Decision(what, row.decided_by, row.decided_why or "", row.decided_at)


async def refuse_decided_case(
    connection: Connection, entry: CaseEntry, seen: CaseStatus | None, wanted: CaseStatus | None = None
) -> None:
    """Raises Conflict where the case is not of the status it was `seen` at, or is what is `wanted` already.

    Nothing is refused where it is not known what was seen.
    """
    if seen is None or (entry.status is seen and entry.status is not wanted):
        return
    decision = await decision_on_case(connection, entry)
    raise Conflict(
        f"This golden case was {decision.words}.",
        kept="That stays as it is.",
        next_step="To decide otherwise all the same, open the case's page, or use"
        f" `steelyard cases accept {entry.id}` or `steelyard cases reject {entry.id}`.",
    )


async def refuse_out_of_use(connection: Connection, entry: CaseEntry) -> None:
    """Raises Conflict where the case is retired."""
    if entry.retired_at is None:
        return
    decision = await decision_on_case(connection, entry)
    raise Conflict(
        f"This golden case is out of use: it was {decision.words}.",
        kept="That stays as it is.",
        next_step="Look at the skill's cases again; a retired one can be brought back there.",
    )


def refuse_decided_example(row: FeedbackRow, seen: FeedbackStatus = FeedbackStatus.NEW) -> None:
    """Raises Conflict where a user's example is a case already, or is not of the status it was `seen` at."""
    if row.golden_case_id is not None:
        raise Conflict(
            f"This example is a golden case already: it was {decision_on_example(row).words}.",
            kept="That stays as it is.",
            next_step="Look at the skill's cases again; to decide otherwise, reject or retire that case.",
        )
    if row.status != seen:
        raise Conflict(
            f"This example was {decision_on_example(row).words}.",
            kept="That stays as it is.",
            next_step="To accept it all the same, open its page from the history of the skill's cases, or use"
            f" `steelyard cases accept {row.id}`.",
        )


def refuse_decided_output(output: RatedOutput) -> None:
    """Raises Conflict where it was decided what becomes of a disputed output."""
    if output.decided_at is None:
        return
    what = "rejected" if output.golden_case_id is None else "made a pending case"
    decision = Decision(what, output.decided_by, output.decided_why or "", output.decided_at)
    raise Conflict(
        f"This output was {decision.words}.",
        kept="That stays as it is.",
        next_step="Look at the skill's cases; one of this input can be added there all the same.",
    )

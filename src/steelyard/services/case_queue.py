"""The queue of what waits to become a golden case: listed with what it is nearly the same as, and decided on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.cases import CaseSource, CaseStatus, WaitingKind
from steelyard.domain.errors import CaseError, Conflict, InputError, NotFound
from steelyard.domain.feedback import FeedbackStatus
from steelyard.services.case_decisions import Decision, decision_on_example, refuse_decided_output
from steelyard.services.case_text import CaseDraft
from steelyard.services.case_words import by_of
from steelyard.services.cases import CaseService, put_draft
from steelyard.services.feedback import FeedbackService
from steelyard.services.tokens import read_place, write_place
from steelyard.skills.cases.duplicates import NEAR_DUPLICATE, similar_to
from steelyard.storage import case_queue, feedback, standing
from steelyard.storage.case_queue import CaseText, Waiting
from steelyard.storage.cases import CaseEntry
from steelyard.storage.database import Connection, Database
from steelyard.storage.feedback import FeedbackRow

MOST_COUNTED = 1_000
MOST_COMPARED = 3_000
MOST_ALIKE = 3
MAX_LIMIT = 200
_CASES = (WaitingKind.DRAFTED, WaitingKind.PROPOSED)
_AS_FEEDBACK = {
    CaseStatus.PENDING: FeedbackStatus.NEW,
    CaseStatus.ACCEPTED: FeedbackStatus.ACCEPTED,
    CaseStatus.REJECTED: FeedbackStatus.REJECTED,
}
_PREFIX = re.compile(r"[0-9a-f][0-9a-f-]{3,35}\Z")


@dataclass(frozen=True)
class Alike:
    """A case that says nearly the same, and how much of it: 1 where all word triples are the same."""

    case: CaseText
    similarity: float


@dataclass(frozen=True)
class QueueItem:
    """What waits, with the cases it is nearly the same as, the nearest first."""

    waiting: Waiting
    alike: tuple[Alike, ...]


@dataclass(frozen=True)
class QueuePage:
    """Some of the queue, the token of the next page, and how much of each kind waits, of each at most 1,000."""

    items: tuple[QueueItem, ...]
    next: str | None
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Rejected:
    """How many were rejected at once, and how many were not: they were decided on meanwhile."""

    done: int
    missed: int


class CaseQueue:
    """Use cases on the queue, for one tenant at a time."""

    def __init__(self, database: Database, cases: CaseService, feedback: FeedbackService) -> None:
        self._database = database
        self._cases = cases
        self._feedback = feedback

    async def page(
        self,
        tenant_id: UUID,
        *,
        skill_id: UUID | None = None,
        kind: WaitingKind | None = None,
        after: str | None = None,
        limit: int = 25,
    ) -> QueuePage:
        """What has waited longest first, from where `after` left off. Raises InputError on a token of no meaning."""
        if not 1 <= limit <= MAX_LIMIT:
            raise InputError(f"A page has 1 to {MAX_LIMIT} rows, not {limit:,}.")
        place = None if after is None else read_place(after)
        async with self._database.tenant(tenant_id) as connection:
            rows = await case_queue.waiting(connection, skill_id=skill_id, kind=kind, after=place, limit=limit + 1)
            counts = await case_queue.count_waiting(connection, skill_id, most=MOST_COUNTED)
            shown = rows[:limit]
            others = await _others(connection, shown)
        last = shown[-1] if len(rows) > limit else None
        token = None if last is None else write_place(last.since, last.id)
        # Texts of thousands of cases take a second to compare, and other pages must not wait for it.
        alike = await asyncio.to_thread(_alike, shown, others)
        return QueuePage(tuple(QueueItem(row, alike.get(row.id, ())) for row in shown), token, counts)

    async def count(self, tenant_id: UUID, skill_id: UUID | None = None) -> int:
        """How much waits, of each kind at most 1,000."""
        async with self._database.tenant(tenant_id) as connection:
            return sum((await case_queue.count_waiting(connection, skill_id, most=MOST_COUNTED)).values())

    async def find(
        self, tenant_id: UUID, id_prefix: str, *, none: str = "No case starts with"
    ) -> Waiting | CaseEntry | FeedbackRow:
        """What waits under that id or its start, else the case or the user's example of it, decided on or not.

        Raises NotFound, which says `none` and the id where nothing is there.
        """
        prefix = id_prefix.strip().lower()
        found: list[Waiting] = []
        ids: list[UUID] = []
        examples: list[UUID] = []
        if _PREFIX.match(prefix):
            async with self._database.tenant(tenant_id) as connection:
                found = await case_queue.waiting(
                    connection, skill_id=None, kind=None, after=None, limit=2, id_prefix=prefix
                )
                ids = await case_queue.cases_starting(connection, prefix)
                examples = await feedback.examples_starting(connection, prefix)
        if len({*(row.id for row in found), *ids, *examples}) != 1:
            several = bool(found or ids or examples)
            raise NotFound(
                f"{'Several cases start with' if several else none} '{id_prefix}'.",
                next_step="`steelyard skills list` shows the skills, `steelyard cases list SKILL` the ids of its cases;"
                " give four characters of one at least.",
            )
        if found:
            return found[0]
        if ids:
            return await self._cases.get(tenant_id, ids[0])
        return await self._feedback.get(tenant_id, examples[0])

    async def decision(self, tenant_id: UUID, found: Waiting | CaseEntry | FeedbackRow) -> Decision | None:
        """What was decided on it; None where it waits."""
        if isinstance(found, Waiting):
            return None
        if isinstance(found, CaseEntry):
            return None if found.status is CaseStatus.PENDING else await self._cases.decision(tenant_id, found)
        return None if found.status == FeedbackStatus.NEW else decision_on_example(found)

    async def accept(
        self,
        tenant_id: UUID,
        kind: WaitingKind,
        item_id: UUID,
        *,
        who: str | None = None,
        why: str = "",
        seen: CaseStatus = CaseStatus.PENDING,
    ) -> CaseEntry:
        """Make an accepted case of it; of one that was decided on only where it was `seen` as that.

        Raises NotFound, Conflict where it was decided on meanwhile or the same is in use, CaseError where nothing says
        what a good output is.
        """
        if kind in _CASES:
            return await self._cases.accept(tenant_id, item_id, who=who, why=why, seen=seen)
        if kind is WaitingKind.DISAGREEMENT:
            raise CaseError(
                "Nobody has said what a good output is.",
                next_step="Make a pending case of it first, and write the expected output there.",
            )
        return await self._cases.accept_example(tenant_id, item_id, who=who, why=why, seen=_AS_FEEDBACK[seen])

    async def propose(
        self, tenant_id: UUID, kind: WaitingKind, item_id: UUID, *, who: str | None = None, why: str = ""
    ) -> CaseEntry:
        """Make a pending case of an example or an output, what is expected of it to be filled in.

        Raises NotFound, Conflict where it was decided on meanwhile or the same is in use.
        """
        if kind in _CASES:
            return await self._cases.get(tenant_id, item_id)
        if kind is not WaitingKind.DISAGREEMENT:
            return await self._cases.propose_example(tenant_id, item_id, author=who)
        by = by_of(who, why or "A person and the judge disagree on an output for this input.")
        async with self._database.tenant(tenant_id) as connection:
            output = await case_queue.rated_output(connection, item_id)
            await standing.lock_skill(connection, output.skill_id)
            refuse_decided_output(await case_queue.rated_output(connection, item_id))
            draft = CaseDraft(output.input)
            entry = await put_draft(
                connection,
                tenant_id,
                output.skill_id,
                draft,
                CaseSource.DISAGREEMENT,
                CaseStatus.PENDING,
                by.who,
                by,
            )
            if not await case_queue.decide_output(connection, tenant_id, item_id, by, entry.id):
                refuse_decided_output(await case_queue.rated_output(connection, item_id))
            return entry

    async def reject(
        self,
        tenant_id: UUID,
        kind: WaitingKind,
        item_id: UUID,
        *,
        why: str,
        who: str | None = None,
        seen: CaseStatus = CaseStatus.PENDING,
    ) -> None:
        """It becomes no case; one that was accepted is rejected only where it was `seen` as that.

        Raises NotFound, Conflict where it was decided on meanwhile, InputError without a reason.
        """
        if kind in _CASES:
            await self._cases.reject(tenant_id, item_id, why=why, who=who, seen=seen)
        elif kind is not WaitingKind.DISAGREEMENT:
            await self._feedback.reject(tenant_id, item_id, why=why, who=who)
        else:
            by = by_of(who, why, needs_why=True)
            async with self._database.tenant(tenant_id) as connection:
                refuse_decided_output(await case_queue.rated_output(connection, item_id))
                if not await case_queue.decide_output(connection, tenant_id, item_id, by, None):
                    refuse_decided_output(await case_queue.rated_output(connection, item_id))

    async def reject_all(
        self, tenant_id: UUID, items: Sequence[tuple[WaitingKind, UUID]], *, why: str, who: str | None = None
    ) -> Rejected:
        """Reject each once for one reason; what was decided on meanwhile, or is gone, stays as it is.

        Raises InputError without a reason.
        """
        by_of(who, why, needs_why=True)
        done = 0
        each = dict.fromkeys(items)
        for kind, item_id in each:
            try:
                await self.reject(tenant_id, kind, item_id, why=why, who=who)
            except (Conflict, NotFound):
                continue
            done += 1
        return Rejected(done, len(each) - done)


async def _others(connection: Connection, rows: Sequence[Waiting]) -> dict[UUID, Sequence[CaseText]]:
    """By skill, the cases that its rows are compared with."""
    found: dict[UUID, Sequence[CaseText]] = {}
    for row in rows:
        if row.skill_id not in found:
            found[row.skill_id] = await case_queue.texts_to_compare(connection, row.skill_id, limit=MOST_COMPARED)
    return found


def _alike(rows: Sequence[Waiting], others: Mapping[UUID, Sequence[CaseText]]) -> dict[UUID, tuple[Alike, ...]]:
    found: dict[UUID, tuple[Alike, ...]] = {}
    for skill_id, cases in others.items():
        mine = [row for row in rows if row.skill_id == skill_id]
        near = similar_to([row.input for row in mine], [case.input for case in cases], NEAR_DUPLICATE)
        for row, pairs in zip(mine, near, strict=True):
            alike = [Alike(cases[place], share) for place, share in pairs if cases[place].id != row.id]
            found[row.id] = tuple(sorted(alike, key=lambda one: (-one.similarity, one.case.key))[:MOST_ALIKE])
    return found

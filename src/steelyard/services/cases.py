"""Golden cases one by one: add, propose, edit, accept, reject, retire, and make one of a user's training example.

A folder's cases follow the folder: what is edited or retired of them here lasts until the folder is added again with
another text. A rejected one stays rejected. Cases written here and training examples are never touched by a folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.cases import By, CaseSource, CaseStatus
from steelyard.domain.check_limits import refuse_large
from steelyard.domain.errors import Conflict, Forbidden
from steelyard.domain.feedback import FeedbackStatus, FeedbackType
from steelyard.execution.apart import apart
from steelyard.services.case_decisions import (
    Decision,
    decision_on_case,
    refuse_decided_case,
    refuse_decided_example,
    refuse_out_of_use,
)
from steelyard.services.case_text import CaseDraft, case_of, free_key, refuse_double, refuse_incomplete, same_case
from steelyard.services.case_words import by_of
from steelyard.services.tokens import read_place, write_place
from steelyard.storage import case_changes, cases, feedback, standing
from steelyard.storage.case_changes import ChangeRow
from steelyard.storage.cases import CaseCounts, CaseEntry
from steelyard.storage.database import Connection, Database
from steelyard.storage.folder_cases import take_place
from steelyard.storage.once import bind
from steelyard.storage.skills import name_of


@dataclass(frozen=True)
class CasePage:
    """Some of a skill's cases, how many are listed so in all, and how many there are of each status."""

    entries: tuple[CaseEntry, ...]
    total: int
    counts: CaseCounts


class CaseService:
    """Use cases on golden cases, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self,
        tenant_id: UUID,
        skill_id: UUID,
        *,
        status: CaseStatus | None = None,
        source: CaseSource | None = None,
        retired: bool = False,
    ) -> Sequence[CaseEntry]:
        """A skill's cases in use of whatever status, ad-hoc ones only when asked for; or its retired ones."""
        async with self._database.tenant(tenant_id) as connection:
            return await cases.list_cases(connection, skill_id, status=status, source=source, retired=retired)

    async def page(
        self,
        tenant_id: UUID,
        skill_id: UUID,
        *,
        status: CaseStatus | None = None,
        retired: bool = False,
        number: int = 1,
        size: int = 25,
    ) -> CasePage:
        """The page of that number, from 1, of `list`: those that wait for a decision first, then the oldest."""
        async with self._database.tenant(tenant_id) as connection:
            counts = await cases.count_cases(connection, skill_id)
            in_use = {
                CaseStatus.PENDING: counts.pending,
                CaseStatus.ACCEPTED: counts.accepted,
                CaseStatus.REJECTED: counts.rejected,
            }
            total = counts.retired if retired else sum(in_use.values()) if status is None else in_use[status]
            number = max(1, min(number, -(-total // size)))
            entries = await cases.page_of_cases(
                connection, skill_id, status=status, retired=retired, offset=(number - 1) * size, limit=size
            )
        return CasePage(tuple(entries), total, counts)

    async def after(
        self,
        tenant_id: UUID,
        skill_id: UUID,
        *,
        status: CaseStatus | None = None,
        retired: bool = False,
        after: str | None = None,
        limit: int = 50,
    ) -> tuple[Sequence[CaseEntry], str | None]:
        """At most `limit` of `list`, the oldest first, and the token of those after them. Raises InputError."""
        place = None if after is None else read_place(after)
        async with self._database.tenant(tenant_id) as connection:
            found = await cases.cases_after(
                connection, skill_id, status=status, retired=retired, after=place, limit=limit + 1
            )
        shown = found[:limit]
        return shown, write_place(shown[-1].created_at, shown[-1].id) if len(found) > limit else None

    async def counts(self, tenant_id: UUID, skill_id: UUID) -> CaseCounts:
        """How many cases there are of each status."""
        async with self._database.tenant(tenant_id) as connection:
            return await cases.count_cases(connection, skill_id)

    async def get(self, tenant_id: UUID, case_id: UUID) -> CaseEntry:
        """One case, retired or not. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await cases.get_case(connection, case_id)

    async def as_now(self, tenant_id: UUID, entry: CaseEntry) -> CaseEntry | None:
        """What a retired case has become: the one in use under its name; None where it was retired or renamed."""
        async with self._database.tenant(tenant_id) as connection:
            return await cases.case_in_use(connection, entry.skill_id, entry.case.case_id, entry.case.source)

    async def add(
        self, tenant_id: UUID, skill_id: UUID, draft: CaseDraft, *, author: str | None = None, why: str = ""
    ) -> CaseEntry:
        """An accepted case, written here. Raises CaseError, Conflict where the same is there, NotFound."""
        return await self._add(tenant_id, skill_id, draft, CaseStatus.ACCEPTED, author, why)

    async def propose(
        self, tenant_id: UUID, skill_id: UUID, draft: CaseDraft, *, author: str | None = None, why: str = ""
    ) -> CaseEntry:
        """A pending case, which no run uses until it is accepted. Raises CaseError, Conflict, NotFound."""
        return await self._add(tenant_id, skill_id, draft, CaseStatus.PENDING, author, why)

    async def edit(
        self,
        tenant_id: UUID,
        case_id: UUID,
        draft: CaseDraft,
        *,
        author: str | None = None,
        why: str = "",
        accept: bool = False,
        decides: bool = True,
        seen: CaseStatus | None = None,
    ) -> CaseEntry:
        """The case with its new text, which is a new row of the same source and status where anything changed.

        The old row is retired: results keep pointing at what they were measured on. With `accept` it is accepted as
        well. `seen` is the status the editor was shown, where that is known. Who edits without `decides` may not decide
        on cases: Forbidden to accept one, or to change an accepted one. Raises CaseError, Conflict where it was decided
        on since or is out of use, NotFound.
        """
        by = by_of(author, why)
        await _refuse_unusable(tenant_id, draft)
        async with self._database.tenant(tenant_id) as connection:
            old = await self._in_use(connection, case_id)
            await refuse_decided_case(connection, old, seen)
            if not decides and (accept or old.status is CaseStatus.ACCEPTED):
                raise _may_not_decide(accept)
            waits = old.status is CaseStatus.PENDING and not accept
            case = case_of(draft, old.case.source, draft.key or old.case.case_id, old.case, complete=not waits)
            case_id = old.id
            back = accept and old.status is CaseStatus.REJECTED
            if back or not same_case(case, old.case):
                others = await cases.live_keys(connection, old.skill_id)
                if not back:
                    others.pop(old.case.case_id, None)
                refuse_double(case, others)
            if not same_case(case, old.case):
                name = _author(case.source, author, old.author)
                case_id = await cases.replace_case(connection, tenant_id, old, case, author=name, by=by)
            if accept:
                await take_place(connection, await cases.get_case(connection, case_id), by)
                await cases.decide_case(connection, old.skill_id, case_id, CaseStatus.ACCEPTED, by)
            return await cases.get_case(connection, case_id)

    async def accept(
        self,
        tenant_id: UUID,
        case_id: UUID,
        *,
        who: str | None = None,
        why: str = "",
        seen: CaseStatus | None = None,
    ) -> CaseEntry:
        """From now on runs use it. `seen` is the status whoever decides was shown, where that is known.

        Raises NotFound, Conflict where it was decided on since, is out of use or its key is taken, CaseError where
        nothing says what a good output is.
        """
        by = by_of(who, why)
        async with self._database.tenant(tenant_id) as connection:
            entry = await self._in_use(connection, case_id)
            await refuse_decided_case(connection, entry, seen, CaseStatus.ACCEPTED)
            refuse_incomplete(entry.case)
            if entry.status is CaseStatus.REJECTED:
                refuse_double(entry.case, await cases.live_keys(connection, entry.skill_id))
            await take_place(connection, entry, by)
            await cases.decide_case(connection, entry.skill_id, case_id, CaseStatus.ACCEPTED, by)
            return await cases.get_case(connection, case_id)

    async def reject(
        self, tenant_id: UUID, case_id: UUID, *, why: str, who: str | None = None, seen: CaseStatus | None = None
    ) -> CaseEntry:
        """No run uses it, even when its folder is added again. `seen` is the status whoever decides was shown.

        Raises NotFound, Conflict where it was decided on since or is out of use, InputError without a reason.
        """
        by = by_of(who, why, needs_why=True)
        async with self._database.tenant(tenant_id) as connection:
            entry = await self._in_use(connection, case_id)
            await refuse_decided_case(connection, entry, seen, CaseStatus.REJECTED)
            await cases.decide_case(connection, entry.skill_id, case_id, CaseStatus.REJECTED, by)
            return await cases.get_case(connection, case_id)

    async def retire(self, tenant_id: UUID, case_id: UUID, *, who: str | None = None, why: str = "") -> CaseEntry:
        """Take it out of use; results that were measured on it keep it. Raises NotFound."""
        return await self._set_retired(tenant_id, case_id, True, who, why)

    async def restore(self, tenant_id: UUID, case_id: UUID, *, who: str | None = None, why: str = "") -> CaseEntry:
        """Bring a retired case back as it was. Raises NotFound, Conflict where the same is in use."""
        return await self._set_retired(tenant_id, case_id, False, who, why)

    async def changes(self, tenant_id: UUID, case_id: UUID) -> Sequence[ChangeRow]:
        """The history of a case, of what it was and became by being edited too, the oldest first."""
        async with self._database.tenant(tenant_id) as connection:
            return await case_changes.of_case(connection, case_id)

    async def decision(self, tenant_id: UUID, entry: CaseEntry) -> Decision:
        """Who made the case what it is, when and why."""
        async with self._database.tenant(tenant_id) as connection:
            return await decision_on_case(connection, entry)

    async def example_changes(self, tenant_id: UUID, feedback_id: UUID) -> Sequence[ChangeRow]:
        """The history of a user's example and of the case made of it, the oldest first. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            row = await feedback.get_feedback(connection, feedback_id)
            if row.golden_case_id is not None:
                return await case_changes.of_case(connection, row.golden_case_id)
            return await case_changes.of_example(connection, feedback_id)

    async def history(
        self, tenant_id: UUID, skill_id: UUID, *, before: int | None = None, limit: int = 100
    ) -> Sequence[ChangeRow]:
        """The changes of a skill's cases, the newest first, from below that `seq` on."""
        async with self._database.tenant(tenant_id) as connection:
            return await case_changes.of_skill(connection, skill_id, before=before, limit=limit)

    async def accept_example(
        self,
        tenant_id: UUID,
        feedback_id: UUID,
        draft: CaseDraft | None = None,
        *,
        author: str | None = None,
        who: str | None = None,
        why: str = "",
        seen: FeedbackStatus = FeedbackStatus.NEW,
    ) -> CaseEntry:
        """Make an accepted case of a user's example, as it is or as edited in `draft`, and accept the feedback.

        `author` of the case is whoever gave the example unless named, `who` is whoever accepts it. One that was
        rejected is brought back where it was `seen` as that. Raises NotFound, CaseError, Conflict where it was decided
        on since or the same is in use.
        """
        return await self._of_example(tenant_id, feedback_id, draft, CaseStatus.ACCEPTED, author, who, why, seen)

    async def propose_example(
        self,
        tenant_id: UUID,
        feedback_id: UUID,
        draft: CaseDraft | None = None,
        *,
        author: str | None = None,
        seen: FeedbackStatus = FeedbackStatus.NEW,
    ) -> CaseEntry:
        """Make a pending case of a user's example, for another member to accept, and accept the feedback.

        Raises as `accept_example`.
        """
        return await self._of_example(tenant_id, feedback_id, draft, CaseStatus.PENDING, author, author, "", seen)

    async def example_draft(self, tenant_id: UUID, feedback_id: UUID) -> CaseDraft:
        """A user's example as a draft to edit. Raises NotFound, Conflict."""
        async with self._database.tenant(tenant_id) as connection:
            return _example_draft(await feedback.get_feedback(connection, feedback_id))

    async def _add(
        self, tenant_id: UUID, skill_id: UUID, draft: CaseDraft, status: CaseStatus, author: str | None, why: str
    ) -> CaseEntry:
        by, source = by_of(author, why), CaseSource.WRITTEN
        await _refuse_unusable(tenant_id, draft)
        async with self._database.tenant(tenant_id) as connection:
            await standing.lock_skill(connection, skill_id)
            entry = await put_draft(connection, tenant_id, skill_id, draft, source, status, author, by)
            await bind(connection, entry.id)
            return entry

    async def _of_example(
        self,
        tenant_id: UUID,
        feedback_id: UUID,
        draft: CaseDraft | None,
        status: CaseStatus,
        author: str | None,
        who: str | None,
        why: str,
        seen: FeedbackStatus,
    ) -> CaseEntry:
        by = by_of(who or author, why)
        if draft is not None:
            await _refuse_unusable(tenant_id, draft)
        async with self._database.tenant(tenant_id) as connection:
            row = await feedback.get_feedback(connection, feedback_id)
            await standing.lock_skill(connection, row.skill_id)
            row = await feedback.get_feedback(connection, feedback_id)
            example = _example_draft(row)
            refuse_decided_example(row, seen)
            given = row.feedback_type == FeedbackType.TRAINING_EXAMPLE
            source = CaseSource.TRAINING_EXAMPLE if given else CaseSource.PRODUCTION
            name = author or row.author
            entry = await put_draft(connection, tenant_id, row.skill_id, draft or example, source, status, name, by)
            await feedback.decide_feedback(connection, feedback_id, FeedbackStatus.ACCEPTED, by, entry.id)
            return entry

    async def _set_retired(self, tenant_id: UUID, case_id: UUID, retired: bool, who: str | None, why: str) -> CaseEntry:
        by = by_of(who, why)
        async with self._database.tenant(tenant_id) as connection:
            entry = await cases.get_case(connection, case_id)
            await standing.lock_skill(connection, entry.skill_id)
            if not retired and entry.retired_at is not None:
                refuse_double(entry.case, await cases.live_keys(connection, entry.skill_id))
            await cases.retire_case(connection, entry.skill_id, case_id, by, retired=retired)
            return await cases.get_case(connection, case_id)

    async def _in_use(self, connection: Connection, case_id: UUID) -> CaseEntry:
        """The case, its skill locked. Raises Conflict where it is retired."""
        entry = await cases.get_case(connection, case_id)
        await standing.lock_skill(connection, entry.skill_id)
        entry = await cases.get_case(connection, case_id)
        await refuse_out_of_use(connection, entry)
        return entry


async def put_draft(
    connection: Connection,
    tenant_id: UUID,
    skill_id: UUID,
    draft: CaseDraft,
    source: CaseSource,
    status: CaseStatus,
    author: str | None,
    by: By,
) -> CaseEntry:
    """Keep a draft as a case of that source, its skill being locked. Raises CaseError, Conflict, NotFound."""
    await name_of(connection, skill_id)
    key = draft.key or free_key(await cases.used_keys(connection, skill_id))
    proposal = source is not CaseSource.WRITTEN and status is CaseStatus.PENDING
    case = case_of(draft, source, key, complete=not proposal)
    refuse_double(case, await cases.live_keys(connection, skill_id))
    case_id = await cases.put_case(connection, tenant_id, skill_id, case, status=status, author=author, by=by)
    return await cases.get_case(connection, case_id)


def _may_not_decide(accept: bool) -> Forbidden:
    return Forbidden(
        "It takes the right to accept golden cases to accept this one."
        if accept
        else "This golden case is accepted: it takes the right to accept golden cases to change it.",
        kept="Nothing was changed.",
        next_step="Save it without accepting it; an admin decides on it in the queue."
        if accept
        else "Propose yours as a case of its own, under another name; an admin accepts it and retires this one.",
    )


async def _refuse_unusable(tenant_id: UUID, draft: CaseDraft) -> None:
    """Before the database is asked for anything: this may take seconds. Raises CaseError."""
    refuse_large(draft.checks)
    await apart().refuse_unusable(tenant_id, draft.checks)


def _example_draft(row: feedback.FeedbackRow) -> CaseDraft:
    """An output that was blamed, or that nothing is said of, is not what is expected."""
    if not (row.example_input or "").strip():
        raise Conflict("Only feedback that carries an input can become a golden case.")
    if row.golden_case_id is not None:
        refuse_decided_example(row)
    given = row.feedback_type == FeedbackType.TRAINING_EXAMPLE or row.positive
    return CaseDraft(row.example_input or "", row.expected_output or (row.example_output if given else None) or "")


def _author(source: CaseSource, author: str | None, before: str | None) -> str | None:
    """Whose an edited case is. A drafted one stays its model's: the history has who edited it."""
    if source is CaseSource.DRAFTED:
        return before
    # A folder's case with an author, even an unnamed one, is known for edited.
    return author or before or ("" if source is CaseSource.FILE else None)

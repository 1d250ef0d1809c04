"""The history of golden cases: who changed what, when and why. Rows are added, never changed.

Every function that writes here belongs into the transaction of the change itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from steelyard.domain.cases import By, CaseChange
from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row

_OUT = (CaseChange.RETIRED,)
_IN = (CaseChange.PROPOSED, CaseChange.ADDED, CaseChange.RESTORED)


@dataclass(frozen=True)
class ChangeRow:
    """One change. The digests are of the case's text, None where it was not, or is no longer, in use.

    `previous_case_id` is the row that an edited case was before. A user's example that was rejected has no case, and a
    `feedback_id` in place of one. `seq` grows with time. `who_id` is of the member or API key called `who`.
    """

    seq: int
    case_id: UUID | None
    feedback_id: UUID | None
    previous_case_id: UUID | None
    case_key: str
    source: str
    change: str
    who: str
    why: str
    digest_before: str | None
    digest_after: str | None
    changed_at: datetime
    who_id: UUID | None = None


_ROW = """SELECT seq, case_id, feedback_id, previous_case_id, case_key, source, change, who, why, digest_before,
                 digest_after, changed_at, who_id
            FROM case_changes"""


async def note(connection: Connection, change: CaseChange, case_ids: Sequence[UUID], by: By) -> None:
    """Note a change of those cases, as they are after it."""
    if not case_ids:
        return
    await connection.execute(
        """INSERT INTO case_changes (tenant_id, skill_id, case_id, case_key, source, change, who, why,
                                     digest_before, digest_after)
           SELECT c.tenant_id, c.skill_id, c.id, c.case_key, c.source, %(change)s, %(who)s, %(why)s,
                  CASE WHEN NOT %(came)s THEN c.digest END, CASE WHEN NOT %(went)s THEN c.digest END
             FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS told (id, place) JOIN golden_cases c ON c.id = told.id
            ORDER BY told.place""",
        {
            "change": change.value,
            "who": clean(by.who),
            "why": clean(by.why),
            "came": change in _IN,
            "went": change in _OUT,
            "ids": list(case_ids),
        },
    )


async def note_edits(connection: Connection, edited: Mapping[UUID, UUID], by: By) -> None:
    """Note that cases were edited; `edited` has the row each was by the row it is."""
    if not edited:
        return
    await connection.execute(
        """INSERT INTO case_changes (tenant_id, skill_id, case_id, previous_case_id, case_key, source, change, who, why,
                                     digest_before, digest_after)
           SELECT c.tenant_id, c.skill_id, c.id, old.id, c.case_key, c.source, 'edited', %s, %s, old.digest, c.digest
             FROM unnest(%s::uuid[], %s::uuid[]) AS told (new, old)
             JOIN golden_cases c ON c.id = told.new JOIN golden_cases old ON old.id = told.old""",
        (clean(by.who), clean(by.why), list(edited), list(edited.values())),
    )


async def note_rejected_example(connection: Connection, feedback_id: UUID, by: By) -> None:
    """Note that a user's example became no case."""
    await connection.execute(
        """INSERT INTO case_changes (tenant_id, skill_id, feedback_id, case_key, source, change, who, why)
           SELECT tenant_id, skill_id, id, 'example ' || left(id::text, 8),
                  CASE WHEN feedback_type = 'training_example' THEN 'training_example' ELSE 'production' END,
                  'rejected', %s, %s
             FROM skill_feedback WHERE id = %s""",
        (clean(by.who), clean(by.why), feedback_id),
    )


async def of_example(connection: Connection, feedback_id: UUID) -> list[ChangeRow]:
    """Every rejection of a user's example, the oldest first; what became of its case is in the history of that."""
    async with connection.cursor(row_factory=record_row(ChangeRow)) as cursor:
        await cursor.execute((_ROW + " WHERE feedback_id = %s ORDER BY seq").encode(), (feedback_id,))
        return await cursor.fetchall()


async def of_case(connection: Connection, case_id: UUID) -> list[ChangeRow]:
    """Every change of the case and of what it was and became by being edited, the oldest first.

    Rejections of the example that it was made of are among them.
    """
    async with connection.cursor(row_factory=record_row(ChangeRow)) as cursor:
        await cursor.execute(
            (
                """WITH RECURSIVE line (id) AS (
                       SELECT %s::uuid
                       UNION
                       SELECT CASE WHEN h.case_id = line.id THEN h.previous_case_id ELSE h.case_id END
                         FROM line JOIN case_changes h ON h.previous_case_id IS NOT NULL
                              AND line.id IN (h.case_id, h.previous_case_id))
                """
                + _ROW
                + """ WHERE case_id IN (SELECT id FROM line)
                       OR feedback_id IN (SELECT f.id FROM skill_feedback f
                                           WHERE f.golden_case_id IN (SELECT id FROM line))
                    ORDER BY seq"""
            ).encode(),
            (case_id,),
        )
        return await cursor.fetchall()


async def of_skill(connection: Connection, skill_id: UUID, *, before: int | None, limit: int) -> list[ChangeRow]:
    """The changes of a skill's cases, the newest first, from below a `seq` on."""
    async with connection.cursor(row_factory=record_row(ChangeRow)) as cursor:
        await cursor.execute(
            (_ROW + " WHERE skill_id = %s AND (%s::bigint IS NULL OR seq < %s) ORDER BY seq DESC LIMIT %s").encode(),
            (skill_id, before, before, limit),
        )
        return await cursor.fetchall()

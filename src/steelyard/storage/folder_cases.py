"""A folder's golden cases, kept in step with it, and what of them it does not overturn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from steelyard.domain.cases import By, CaseChange, CaseSource, CaseStatus, GoldenCase
from steelyard.storage import case_changes, standing
from steelyard.storage.cases import INSERT, NATURAL, CaseEntry, row_digest, values_of
from steelyard.storage.database import Connection, clean

_OF_FOLDER = "As its folder or file has it."
_WAITS = "Its folder or file has it so; somebody decided on this case by hand before."
_GAVE_WAY = "Another text of it was accepted."


@dataclass(frozen=True)
class Held:
    """What of a skill's cases somebody decided by hand: keys of the folder's cases, digests of any that were rejected.

    `accepted` are rows of the folder's that are in use as somebody accepted or edited them.
    """

    keys: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    accepted: frozenset[UUID] = frozenset()

    def holds(self, key: str, digest: str) -> bool:
        """Whether a folder's case of that key and text has to wait."""
        return key in self.keys or digest in self.rejected


async def sync_cases(
    connection: Connection,
    tenant_id: UUID,
    skill_id: UUID,
    cases: Sequence[GoldenCase],
    *,
    source: CaseSource,
    retire: bool = True,
    decides: bool = True,
    by: By | None = None,
) -> list[UUID]:
    """Make `cases` the skill's cases of that source, in order; returns their row ids.

    A case whose text changed is a new row and the old one is retired, so that results keep pointing
    at what they were measured on. Only a folder's cases are a whole that others can have dropped out of: cases of any
    other source, and a folder's unless `retire`, are added and retire nothing.

    Without `decides` a folder overturns nothing that somebody decided by hand: another text of such a case waits, and
    one that was accepted stays in use. So it does while a text of it waits, whoever tells of that.
    """
    had: dict[UUID, tuple[str, bool]] = {}
    held = Held()
    if source is not CaseSource.AD_HOC:
        await standing.lock_skill(connection, skill_id)
        cursor = await connection.execute(
            "SELECT id, case_key, retired_at IS NULL AS in_use FROM golden_cases WHERE skill_id = %s AND source = %s",
            (skill_id, source.value),
        )
        had = {row["id"]: (row["case_key"], row["in_use"]) for row in await cursor.fetchall()}
        if not decides:
            held = await decided_by_hand(connection, skill_id)
    ids: list[UUID] = []
    waiting: list[UUID] = []
    for case in cases:
        status = CaseStatus.PENDING if held.holds(clean(case.case_id), row_digest(case)) else CaseStatus.ACCEPTED
        cursor = await connection.execute(
            INSERT
            + """ON CONFLICT (tenant_id, skill_id, case_key, digest, source) DO UPDATE
                    SET retired_at = NULL, extra = EXCLUDED.extra,
                        author = CASE WHEN golden_cases.retired_at IS NULL AND EXCLUDED.status = 'pending'
                                      THEN golden_cases.author ELSE EXCLUDED.author END,
                        status = CASE WHEN golden_cases.retired_at IS NOT NULL AND golden_cases.status = 'accepted'
                                      THEN EXCLUDED.status ELSE golden_cases.status END
                 RETURNING id, status""",
            values_of(tenant_id, skill_id, case, source, status, None),
        )
        row = await cursor.fetchone()
        assert row is not None
        ids.append(row["id"])
        if row["status"] == CaseStatus.PENDING.value:
            waiting.append(row["id"])
    retired: dict[str, UUID] = {}
    if retire and source is CaseSource.FILE:
        cursor = await connection.execute(
            """UPDATE golden_cases SET retired_at = now()
                WHERE skill_id = %(skill)s AND source = %(source)s AND retired_at IS NULL AND id <> ALL(%(told)s)
                      AND NOT (status = 'accepted' AND (
                          id = ANY(%(held)s)
                          OR case_key IN (SELECT w.case_key FROM golden_cases w WHERE w.id = ANY(%(waiting)s))))
               RETURNING id, case_key""",
            {
                "skill": skill_id,
                "source": source.value,
                "told": ids,
                "held": list(held.accepted),
                "waiting": waiting,
            },
        )
        retired = {row["case_key"]: row["id"] for row in await cursor.fetchall()}
    if source is not CaseSource.AD_HOC:
        await _note_sync(connection, had, dict.fromkeys(ids), waiting, retired, by or By(why=_OF_FOLDER))
        await standing.refresh_cases(connection, skill_id)
    return ids


async def decided_by_hand(connection: Connection, skill_id: UUID) -> Held:
    """What a folder must not overturn, its skill being locked. What waits, or was edited, is held as well."""
    cursor = await connection.execute(
        """SELECT id, case_key, digest, source, status, retired_at,
                  decided_at IS NOT NULL OR author IS NOT NULL OR status <> 'accepted' AS by_hand
             FROM golden_cases
            WHERE skill_id = %s AND source <> 'ad_hoc'
              AND (source = 'file' OR status = 'rejected')""",
        (skill_id,),
    )
    rows = [row for row in await cursor.fetchall() if row["by_hand"]]
    of_folder = [row for row in rows if row["source"] == CaseSource.FILE.value]
    return Held(
        frozenset(row["case_key"] for row in of_folder),
        frozenset(row["digest"] for row in rows if row["status"] == CaseStatus.REJECTED.value),
        frozenset(row["id"] for row in of_folder if row["status"] == "accepted" and row["retired_at"] is None),
    )


async def any_decided(connection: Connection, skill_id: UUID) -> bool:
    """Whether somebody decided by hand on any of a skill's cases."""
    cursor = await connection.execute(
        """SELECT 1 FROM golden_cases WHERE skill_id = %s AND source <> 'ad_hoc' AND decided_at IS NOT NULL LIMIT 1""",
        (skill_id,),
    )
    return await cursor.fetchone() is not None


async def take_place(connection: Connection, entry: CaseEntry, by: By) -> None:
    """Retire the other accepted cases of a folder's case that waited under their key, its skill being locked."""
    if entry.case.source is not CaseSource.FILE or entry.status is not CaseStatus.PENDING:
        return
    cursor = await connection.execute(
        """UPDATE golden_cases SET retired_at = now()
            WHERE skill_id = %s AND case_key = %s AND source = 'file' AND status = 'accepted' AND retired_at IS NULL
              AND id <> %s RETURNING id""",
        (entry.skill_id, clean(entry.case.case_id), entry.id),
    )
    gone = [row["id"] for row in await cursor.fetchall()]
    await case_changes.note(connection, CaseChange.RETIRED, gone, replace(by, why=_GAVE_WAY))


async def folder_keys(connection: Connection, skill_id: UUID, *, but_held: bool = False) -> list[str]:
    """The keys of the folder's cases in use, in order, rejected ones left out, `but_held` those that stay anyway."""
    held = (await decided_by_hand(connection, skill_id)).accepted if but_held else ()
    cursor = await connection.execute(
        f"""SELECT case_key FROM golden_cases
             WHERE skill_id = %s AND source = 'file' AND retired_at IS NULL AND status <> 'rejected' AND id <> ALL(%s)
             ORDER BY {NATURAL}""",
        (skill_id, list(held)),
    )
    return [row["case_key"] for row in await cursor.fetchall()]


async def _note_sync(
    connection: Connection,
    had: Mapping[UUID, tuple[str, bool]],
    told: Collection[UUID],
    waiting: Collection[UUID],
    retired: Mapping[str, UUID],
    by: By,
) -> None:
    """Note what a folder has done: `had` is (key, in use) before, `told` its rows, of which some are `waiting`.

    `retired` are those it dropped.
    """
    came = [case_id for case_id in told if case_id not in had or not had[case_id][1]]
    await case_changes.note(
        connection, CaseChange.PROPOSED, [case_id for case_id in came if case_id in waiting], replace(by, why=_WAITS)
    )
    new = [case_id for case_id in came if case_id not in had and case_id not in waiting]
    back = [case_id for case_id in came if case_id in had and case_id not in waiting]
    keys = await _keys_of(connection, [*new, *back])
    edited = {case_id: retired[key] for case_id, key in keys.items() if key in retired}
    gone = [case_id for case_id in retired.values() if case_id not in set(edited.values())]
    await case_changes.note_edits(connection, edited, by)
    for change, ids in (
        (CaseChange.ADDED, [case_id for case_id in new if case_id not in edited]),
        (CaseChange.RESTORED, [case_id for case_id in back if case_id not in edited]),
        (CaseChange.RETIRED, gone),
    ):
        await case_changes.note(connection, change, ids, by)


async def _keys_of(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    cursor = await connection.execute("SELECT id, case_key FROM golden_cases WHERE id = ANY(%s)", (list(ids),))
    return {row["id"]: row["case_key"] for row in await cursor.fetchall()}

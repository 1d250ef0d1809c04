"""Golden cases: added, edited, decided and retired one by one, and read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.cases import By, CaseChange, CaseSource, CaseStatus, Check, GoldenCase
from steelyard.domain.errors import NotFound
from steelyard.storage import case_changes, standing
from steelyard.storage.database import Connection, clean, clean_json


@dataclass(frozen=True)
class CaseRow:
    """A golden case with its row id."""

    id: UUID
    case: GoldenCase


@dataclass(frozen=True)
class CaseEntry:
    """A golden case as its owner sees it; a retired one is out of use but still what old results were measured on.

    `author` of a folder's case is None until it is edited here, then who did that, "" where no name was given.
    """

    id: UUID
    skill_id: UUID
    case: GoldenCase
    status: CaseStatus
    author: str | None
    created_at: datetime
    decided_at: datetime | None
    retired_at: datetime | None


@dataclass(frozen=True)
class CaseCounts:
    """A skill's cases by status, ad-hoc ones left out; `retired` ones are in no other count."""

    pending: int
    accepted: int
    rejected: int
    retired: int


INSERT = """INSERT INTO golden_cases (tenant_id, skill_id, case_key, digest, input, expected_output, assertions,
                                       checks, files, family, case_set, source, extra, status, author)
             VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
             """
# case-2 before case-10.
NATURAL = """regexp_replace(case_key, '[0-9]+$', ''), substring(case_key from '[0-9]+$')::numeric, case_key, id"""
_CASES = """SELECT id, skill_id, case_key, input, expected_output, assertions, checks, files, family, case_set, source,
                   extra, status, author, created_at, decided_at, retired_at
              FROM golden_cases"""


async def accepted_cases(connection: Connection, skill_id: UUID) -> list[CaseRow]:
    """The accepted cases in use, oldest first and case-2 before case-10, ad-hoc ones left out."""
    cursor = await connection.execute(
        f"""{_CASES} WHERE skill_id = %s AND status = 'accepted' AND retired_at IS NULL AND source <> 'ad_hoc'
             ORDER BY created_at, {NATURAL}""",
        (skill_id,),
    )
    return [CaseRow(row["id"], _golden_case(row)) for row in await cursor.fetchall()]


async def cases_by_id(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, GoldenCase]:
    """The cases of those ids, retired ones included."""
    cursor = await connection.execute(_CASES + " WHERE id = ANY(%s)", (list(ids),))
    return {row["id"]: _golden_case(row) for row in await cursor.fetchall()}


async def list_cases(
    connection: Connection,
    skill_id: UUID,
    *,
    status: CaseStatus | None = None,
    source: CaseSource | None = None,
    retired: bool = False,
) -> list[CaseEntry]:
    """The skill's cases, oldest first and case-2 before case-10.

    Ad-hoc ones are left out unless asked for by `source`; retired ones come only with `retired`.
    """
    cursor = await connection.execute(
        f"""{_CASES} WHERE skill_id = %s AND (%s::text IS NULL OR status = %s) AND (retired_at IS NOT NULL) = %s
                AND CASE WHEN %s::text IS NULL THEN source <> 'ad_hoc' ELSE source = %s END
              ORDER BY created_at, {NATURAL}""",
        (skill_id, status, status, retired, source, source),
    )
    return [_entry(row) for row in await cursor.fetchall()]


async def page_of_cases(
    connection: Connection, skill_id: UUID, *, status: CaseStatus | None, retired: bool, offset: int, limit: int
) -> list[CaseEntry]:
    """Some of `list_cases`, those that wait for a decision first."""
    cursor = await connection.execute(
        f"""{_CASES} WHERE skill_id = %s AND (%s::text IS NULL OR status = %s) AND (retired_at IS NOT NULL) = %s
                AND source <> 'ad_hoc'
              ORDER BY status = 'pending' DESC, created_at, {NATURAL} OFFSET %s LIMIT %s""",
        (skill_id, status, status, retired, offset, limit),
    )
    return [_entry(row) for row in await cursor.fetchall()]


async def cases_after(
    connection: Connection,
    skill_id: UUID,
    *,
    status: CaseStatus | None,
    retired: bool,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[CaseEntry]:
    """Some of the same, the oldest first, from after the case created then with that id on."""
    moment, case_id = after or (None, None)
    cursor = await connection.execute(
        f"""{_CASES} WHERE skill_id = %s AND (%s::text IS NULL OR status = %s) AND (retired_at IS NOT NULL) = %s
                AND source <> 'ad_hoc' AND (%s::timestamptz IS NULL OR (created_at, id) > (%s::timestamptz, %s::uuid))
              ORDER BY created_at, id LIMIT %s""",
        (skill_id, status, status, retired, moment, moment, case_id, limit),
    )
    return [_entry(row) for row in await cursor.fetchall()]


async def count_cases(connection: Connection, skill_id: UUID) -> CaseCounts:
    """The skill's cases, counted."""
    cursor = await connection.execute(
        """SELECT count(*) FILTER (WHERE retired_at IS NULL AND status = 'pending')::int AS pending,
                  count(*) FILTER (WHERE retired_at IS NULL AND status = 'accepted')::int AS accepted,
                  count(*) FILTER (WHERE retired_at IS NULL AND status = 'rejected')::int AS rejected,
                  count(*) FILTER (WHERE retired_at IS NOT NULL)::int AS retired
             FROM golden_cases WHERE skill_id = %s AND source <> 'ad_hoc'""",
        (skill_id,),
    )
    row = await cursor.fetchone()
    assert row is not None
    return CaseCounts(row["pending"], row["accepted"], row["rejected"], row["retired"])


async def get_case(connection: Connection, case_id: UUID) -> CaseEntry:
    """One case, retired or not. Raises NotFound."""
    cursor = await connection.execute(_CASES + " WHERE id = %s", (case_id,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such golden case.")
    return _entry(row)


async def case_in_use(connection: Connection, skill_id: UUID, key: str, source: CaseSource) -> CaseEntry | None:
    """The skill's case of that key and source that is not retired: what an edited one has become."""
    cursor = await connection.execute(
        _CASES
        + """ WHERE skill_id = %s AND case_key = %s AND source = %s AND retired_at IS NULL
              ORDER BY status <> 'rejected' DESC, created_at DESC, id LIMIT 1""",
        (skill_id, clean(key), source.value),
    )
    row = await cursor.fetchone()
    return None if row is None else _entry(row)


async def live_keys(connection: Connection, skill_id: UUID) -> dict[str, str]:
    """Digest by key of the skill's cases in use, rejected and ad-hoc ones left out."""
    cursor = await connection.execute(
        """SELECT case_key, digest FROM golden_cases
            WHERE skill_id = %s AND retired_at IS NULL AND status <> 'rejected' AND source <> 'ad_hoc'""",
        (skill_id,),
    )
    return {row["case_key"]: row["digest"] for row in await cursor.fetchall()}


async def used_keys(connection: Connection, skill_id: UUID) -> set[str]:
    """Every key the skill's cases ever had."""
    cursor = await connection.execute("SELECT DISTINCT case_key FROM golden_cases WHERE skill_id = %s", (skill_id,))
    return {row["case_key"] for row in await cursor.fetchall()}


async def put_case(
    connection: Connection,
    tenant_id: UUID,
    skill_id: UUID,
    case: GoldenCase,
    *,
    status: CaseStatus,
    author: str | None,
    by: By,
) -> UUID:
    """Add a case of `case.source`; one with this very key and text comes back into use with this status."""
    case_id = await _put(connection, tenant_id, skill_id, case, status, author)
    change = CaseChange.PROPOSED if status is CaseStatus.PENDING else CaseChange.ADDED
    await case_changes.note(connection, change, [case_id], by)
    await standing.refresh_cases(connection, skill_id)
    return case_id


async def replace_case(
    connection: Connection, tenant_id: UUID, old: CaseEntry, case: GoldenCase, *, author: str | None, by: By
) -> UUID:
    """Put a case in the place of one that is retired for it, with the status of that one; returns the new row's id."""
    await connection.execute("UPDATE golden_cases SET retired_at = now() WHERE id = %s", (old.id,))
    case_id = await _put(connection, tenant_id, old.skill_id, case, old.status, author)
    await case_changes.note_edits(connection, {case_id: old.id}, by)
    await standing.refresh_cases(connection, old.skill_id)
    return case_id


async def decide_case(connection: Connection, skill_id: UUID, case_id: UUID, status: CaseStatus, by: By) -> None:
    """Accept or reject; nothing is done to one that is so already."""
    cursor = await connection.execute(
        "UPDATE golden_cases SET status = %s, decided_at = now() WHERE id = %s AND status <> %s",
        (status, case_id, status),
    )
    if cursor.rowcount:
        await case_changes.note(connection, CaseChange(status.value), [case_id], by)
        await standing.refresh_cases(connection, skill_id)


async def retire_case(connection: Connection, skill_id: UUID, case_id: UUID, by: By, *, retired: bool = True) -> None:
    """Take a case out of use, or back into it; nothing is done to one that is so already."""
    cursor = await connection.execute(
        """UPDATE golden_cases SET retired_at = CASE WHEN %s THEN now() END
            WHERE id = %s AND (retired_at IS NULL) = %s""",
        (retired, case_id, retired),
    )
    if cursor.rowcount:
        change = CaseChange.RETIRED if retired else CaseChange.RESTORED
        await case_changes.note(connection, change, [case_id], by)
        await standing.refresh_cases(connection, skill_id)


async def _put(
    connection: Connection, tenant_id: UUID, skill_id: UUID, case: GoldenCase, status: CaseStatus, author: str | None
) -> UUID:
    cursor = await connection.execute(
        INSERT
        + """ON CONFLICT (tenant_id, skill_id, case_key, digest, source) DO UPDATE
                SET retired_at = NULL, status = EXCLUDED.status, author = EXCLUDED.author, decided_at = NULL
             RETURNING id""",
        values_of(tenant_id, skill_id, case, case.source, status, author),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row["id"]


def row_digest(case: GoldenCase) -> str:
    """sha256 hex of everything by which a case is another one."""
    seen = [case.grading_digest, case.input, sorted(case.files.items()), case.family, case.case_set]
    return hashlib.sha256(json.dumps(seen, ensure_ascii=True).encode()).hexdigest()


def values_of(
    tenant_id: UUID, skill_id: UUID, case: GoldenCase, source: CaseSource, status: CaseStatus, author: str | None
) -> tuple[Any, ...]:
    """What `INSERT` takes."""
    return (
        tenant_id,
        skill_id,
        clean(case.case_id),
        row_digest(case),
        clean(case.input),
        clean(case.expected),
        Jsonb([clean(text) for text in case.assertions]),
        Jsonb(clean_json([check.to_json() for check in case.checks])),
        Jsonb(clean_json(dict(case.files))),
        case.family and clean(case.family),
        case.case_set and clean(case.case_set),
        source.value,
        Jsonb(clean_json(case.extra)),
        status.value,
        author and clean(author),
    )


def _entry(row: Mapping[str, Any]) -> CaseEntry:
    return CaseEntry(
        row["id"],
        row["skill_id"],
        _golden_case(row),
        CaseStatus(row["status"]),
        row["author"],
        row["created_at"],
        row["decided_at"],
        row["retired_at"],
    )


def _golden_case(row: Mapping[str, Any]) -> GoldenCase:
    return GoldenCase(
        case_id=row["case_key"],
        input=row["input"],
        expected=row["expected_output"],
        assertions=tuple(row["assertions"]),
        checks=tuple(Check.from_json(check) for check in row["checks"]),
        files=row["files"],
        family=row["family"],
        case_set=row["case_set"],
        source=CaseSource(row["source"]),
        extra=row["extra"],
    )

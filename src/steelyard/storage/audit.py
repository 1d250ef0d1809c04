"""The audit log: read here, written by the database's triggers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from uuid import UUID

from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BITS_AFTER_THE_TIME = 80
_LAST_TIME = (1 << 48) - 1
_ROW = """a.id, a.at, a.actor_kind, a.actor_id, a.actor_name, a.action, a.subject_kind, a.subject_id, a.subject_name,
    a.skill_id, a.skill_name, a.change,
    EXISTS (SELECT 1 FROM skills s WHERE s.tenant_id = a.tenant_id AND s.id = a.skill_id) AS here"""
# What the changes of one act have in common.
_ALIKE = "ROW(a.actor_kind, a.actor_id, a.actor_name, a.action, a.subject_kind, a.skill_id, a.skill_name)"


@dataclass(frozen=True)
class AuditRow:
    """One change. Names are as they were then; whom and what they name may be gone.

    `change` has [old, new] by column: a long text as {"sha256", "characters"}, a secret as {"hidden": true}. `id` grows
    with time. `here`: the skill it is about still exists.
    """

    id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    action: str
    subject_kind: str
    subject_id: UUID | None
    subject_name: str
    skill_id: UUID | None
    skill_name: str | None
    change: Mapping[str, Sequence[Any]]
    here: bool


@dataclass(frozen=True)
class AuditFilter:
    """Which changes are wanted; None asks for any. `since` is the first instant, `until` the first after the last."""

    actor: str | None = None
    kind: str | None = None
    skill: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class ActSize:
    """What one act changed: the id of its newest change, and how many there are."""

    id: UUID
    size: int


async def page(connection: Connection, wanted: AuditFilter, *, before: UUID | None, limit: int) -> list[AuditRow]:
    """The newest changes first, from below the id `before` on."""
    where, values = _where(wanted, before)
    async with connection.cursor(row_factory=record_row(AuditRow)) as cursor:
        await cursor.execute(
            f"SELECT {_ROW} FROM audit_log a WHERE {where} ORDER BY a.id DESC LIMIT %(limit)s".encode(),
            {**values, "limit": limit},
        )
        return await cursor.fetchall()


async def acts(
    connection: Connection, wanted: AuditFilter, *, before: UUID | None, limit: int, apart: timedelta
) -> list[ActSize]:
    """The newest acts first, from below the id `before` on, each with all its changes that are wanted.

    An act's changes follow each other, differ in their subject alone, and are less than `apart` from one to the next.
    Reads the rows of these acts and one more, however many acts there are.
    """
    where, values = _where(wanted, before)
    # The window runs along the index and stops with the last act asked for: no row below it is looked at.
    cursor = await connection.execute(
        f"""SELECT r.id, r.place FROM (
                SELECT a.id, row_number() OVER w AS place,
                       lag(a.at) OVER w - a.at >= %(apart)s OR lag({_ALIKE}) OVER w IS DISTINCT FROM {_ALIKE} AS begins
                  FROM audit_log a WHERE {where} WINDOW w AS (ORDER BY a.id DESC)) r
             WHERE r.begins ORDER BY r.id DESC LIMIT %(limit)s""".encode(),
        {**values, "apart": apart, "limit": limit + 1},
    )
    begun = [(row["id"], row["place"]) for row in await cursor.fetchall()]
    if begun and len(begun) <= limit:
        # The log ends with the last of them.
        last, place = begun[-1]
        cursor = await connection.execute(
            f"SELECT count(*) AS size FROM audit_log a WHERE {where} AND a.id <= %(last)s".encode(),
            {**values, "last": last},
        )
        begun.append((last, place + (await cursor.fetchall())[0]["size"]))
    return [ActSize(one, after - place) for (one, place), (_, after) in pairwise(begun)]


async def of_acts(
    connection: Connection, wanted: AuditFilter, found: Sequence[ActSize], *, each: int
) -> dict[UUID, list[AuditRow]]:
    """Of each act of `acts`, by its id, the newest `each` changes, the newest first."""
    where, values = _where(wanted, None)
    async with connection.cursor(row_factory=record_row(AuditRow)) as cursor:
        await cursor.execute(
            f"""SELECT r.* FROM unnest(%(ids)s::uuid[], %(sizes)s::bigint[]) AS act (newest, size)
                 CROSS JOIN LATERAL (SELECT {_ROW} FROM audit_log a WHERE {where} AND a.id <= act.newest
                                      ORDER BY a.id DESC LIMIT least(act.size, %(each)s)) r
                 ORDER BY r.id DESC""".encode(),
            {**values, "ids": [act.id for act in found], "sizes": [act.size for act in found], "each": each},
        )
        rows = iter(await cursor.fetchall())
    return {act.id: list(islice(rows, min(act.size, each))) for act in found}


def _where(wanted: AuditFilter, before: UUID | None) -> tuple[str, dict[str, Any]]:
    # By id alone, which is the time: then whatever else is asked for, one index has the rows in their order.
    conditions = ["true"]
    values: dict[str, Any] = {}
    for name, value, condition in (
        ("actor", wanted.actor and clean(wanted.actor), "a.actor_name = %(actor)s"),
        ("kind", wanted.kind and clean(wanted.kind), "a.subject_kind = %(kind)s"),
        ("skill", wanted.skill and clean(wanted.skill), "a.skill_name = %(skill)s"),
        ("since", wanted.since and first_id(wanted.since), "a.id >= %(since)s"),
        ("until", wanted.until and first_id(wanted.until), "a.id < %(until)s"),
        ("before", before, "a.id < %(before)s"),
    ):
        if value is not None:
            conditions.append(condition)
            values[name] = value
    return " AND ".join(conditions), values


async def actors(connection: Connection, *, limit: int) -> list[str]:
    """The names of those who changed something, by name; each is looked up in the index, however many rows it has."""
    cursor = await connection.execute(
        """WITH RECURSIVE found (name) AS (
               (SELECT actor_name FROM audit_log ORDER BY actor_name LIMIT 1)
               UNION ALL
               SELECT (SELECT a.actor_name FROM audit_log a WHERE a.actor_name > found.name ORDER BY 1 LIMIT 1)
                 FROM found WHERE found.name IS NOT NULL)
           SELECT name FROM found WHERE name IS NOT NULL LIMIT %s""",
        (limit,),
    )
    return [row["name"] for row in await cursor.fetchall()]


async def starter(connection: Connection, subject_id: UUID) -> tuple[str, UUID | None, str] | None:
    """Who started a run, review, tie-break or drafts, or let it go on last: kind, id and name."""
    cursor = await connection.execute(
        """SELECT actor_kind, actor_id, actor_name FROM audit_log
            WHERE subject_id = %s AND action IN ('started', 'resumed') ORDER BY id DESC LIMIT 1""",
        (subject_id,),
    )
    row = await cursor.fetchone()
    return None if row is None else (row["actor_kind"], row["actor_id"], row["actor_name"])


async def digests(connection: Connection, version_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The digests of those versions that are there still."""
    if not version_ids:
        return {}
    cursor = await connection.execute("SELECT id, digest FROM skill_versions WHERE id = ANY(%s)", (list(version_ids),))
    return {row["id"]: row["digest"] for row in await cursor.fetchall()}


def first_id(when: datetime) -> UUID:
    """The least id of a change at that instant or after it; milliseconds count."""
    milliseconds = (when - _EPOCH) // timedelta(milliseconds=1)
    return UUID(int=min(max(0, milliseconds), _LAST_TIME) << _BITS_AFTER_THE_TIME)

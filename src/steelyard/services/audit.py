"""Who changed what and when: read a page at a time, and whole for an export."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.services.audit_words import Detail, details, many, sentence
from steelyard.storage import audit
from steelyard.storage.audit import AuditFilter, AuditRow
from steelyard.storage.database import Connection, Database

SCHEMA = "steelyard.audit/1"
PAGE = 100
MAX_PAGE = 200
_ACTORS = 200
_ROWS_AT_ONCE = 1000
# Of one act, with what it was and became; the export has them all.
_SHOWN = 10
# One act writes its rows at once, thousands of them in a second or two.
_ONE_ACT = timedelta(seconds=2)


@dataclass(frozen=True)
class AuditEntry:
    """One change with what it says: `sentence` begins after the actor's name."""

    row: AuditRow
    sentence: str
    details: tuple[Detail, ...]

    def to_json(self) -> dict[str, Any]:
        """As API and command line give it."""
        row = self.row
        return {
            "id": str(row.id),
            "at": row.at.astimezone(UTC).isoformat(),
            "actor": {"kind": row.actor_kind, "id": _text(row.actor_id), "name": row.actor_name},
            "action": row.action,
            "subject": {"kind": row.subject_kind, "id": _text(row.subject_id), "name": row.subject_name},
            "skill": row.skill_name,
            "sentence": f"{row.actor_name} {self.sentence}",
            "change": {name: {"old": old, "new": new} for name, (old, new) in row.change.items()},
        }


@dataclass(frozen=True)
class AuditPage:
    """Some changes, the newest first; `next` is the id from below which the older ones go on, None at the end."""

    entries: tuple[AuditEntry, ...]
    next: UUID | None


@dataclass(frozen=True)
class AuditAct:
    """One change, or many alike that one act made: how many, and the newest of them."""

    size: int
    entries: tuple[AuditEntry, ...]

    @property
    def row(self) -> AuditRow:
        """The newest of them."""
        return self.entries[0].row

    @property
    def sentence(self) -> str:
        """Of all of them, to be read after the actor's name."""
        return self.entries[0].sentence if self.size == 1 else many(self.row, self.size)


@dataclass(frozen=True)
class AuditActs:
    """Some acts, each whole, the newest first; below the id `next` the older ones go on, None at the end."""

    acts: tuple[AuditAct, ...]
    next: UUID | None


@dataclass(frozen=True)
class AuditExport:
    """A change as a line of a table; `change` is JSON."""

    id: str
    at: datetime
    actor_kind: str
    actor_id: str | None
    actor: str
    action: str
    subject_kind: str
    subject_id: str | None
    subject: str
    skill: str | None
    sentence: str
    change: str


class AuditService:
    """Reads the log, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, tenant_id: UUID, wanted: AuditFilter = AuditFilter(), *, before: UUID | None = None, limit: int = PAGE
    ) -> AuditPage:
        """At most `limit` (200) changes from below the id `before` on."""
        limit = min(max(1, limit), MAX_PAGE)
        async with self._database.tenant(tenant_id) as connection:
            rows = await audit.page(connection, wanted, before=before, limit=limit + 1)
            entries = await _entries(connection, rows[:limit])
        return AuditPage(entries, rows[limit - 1].id if len(rows) > limit else None)

    async def acts(
        self, tenant_id: UUID, wanted: AuditFilter = AuditFilter(), *, before: UUID | None = None, limit: int = PAGE
    ) -> AuditActs:
        """At most `limit` (200) acts from below the id `before` on, each with its newest 10 changes."""
        limit = min(max(1, limit), MAX_PAGE)
        async with self._database.tenant(tenant_id) as connection:
            found = await audit.acts(connection, wanted, before=before, limit=limit + 1, apart=_ONE_ACT)
            shown = found[:limit]
            rows = await audit.of_acts(connection, wanted, shown, each=_SHOWN)
            entries = iter(await _entries(connection, [row for act in shown for row in rows[act.id]]))
        made = tuple(AuditAct(act.size, tuple(islice(entries, len(rows[act.id])))) for act in shown)
        # Right above the act that comes next: below the last one shown are changes of its own.
        return AuditActs(made, UUID(int=found[limit].id.int + 1) if len(found) > limit else None)

    async def actors(self, tenant_id: UUID) -> list[str]:
        """The names of those who changed something, the first 200 by name."""
        async with self._database.tenant(tenant_id) as connection:
            return await audit.actors(connection, limit=_ACTORS)

    async def export(self, tenant_id: UUID, wanted: AuditFilter = AuditFilter()) -> AsyncGenerator[AuditExport]:
        """Every change that is wanted, the newest first; read by the thousand, so that nothing is held up by it."""
        before: UUID | None = None
        while True:
            async with self._database.tenant(tenant_id) as connection:
                rows = await audit.page(connection, wanted, before=before, limit=_ROWS_AT_ONCE)
                entries = await _entries(connection, rows)
            for entry in entries:
                yield _line(entry)
            if len(rows) < _ROWS_AT_ONCE:
                return
            before = rows[-1].id


def filter_of(
    *, actor: str = "", kind: str = "", skill: str = "", since: str = "", until: str = ""
) -> tuple[AuditFilter, InputError | None]:
    """What was asked for as text, blank for any, and why a day of it is left aside; days are UTC, `until` the last."""
    wanted = AuditFilter(actor.strip() or None, kind.strip() or None, skill.strip() or None)
    problem: InputError | None = None
    try:
        wanted = replace(wanted, since=day_start(since, "since"))
    except InputError as error:
        problem = error
    try:
        last = day_start(until, "until")
        wanted = replace(wanted, until=None if last is None else last + timedelta(days=1))
    except (InputError, OverflowError) as error:
        problem = error if isinstance(error, InputError) else _no_day(until, "until")
    return wanted, problem


def day_start(day: str, field: str) -> datetime | None:
    """The instant a UTC day written YYYY-MM-DD begins; None for a blank. Raises InputError."""
    if not day.strip():
        return None
    try:
        found = date.fromisoformat(day.strip())
    except ValueError as error:
        raise _no_day(day, field) from error
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def _no_day(day: str, field: str) -> InputError:
    return InputError(f"'{day[:20]}' is no day.", field=field, next_step="Write it as 2026-01-31.")


async def _entries(connection: Connection, rows: Sequence[AuditRow]) -> tuple[AuditEntry, ...]:
    digests = await audit.digests(connection, [found for row in rows for found in _versions_in(row)])
    named = {str(version): digest for version, digest in digests.items()}
    return tuple(AuditEntry(row, sentence(row, named), tuple(details(row, named))) for row in rows)


def _versions_in(row: AuditRow) -> list[UUID]:
    return [UUID(value) for value in row.change.get("current_version_id", ()) if isinstance(value, str)]


def _line(entry: AuditEntry) -> AuditExport:
    row = entry.row
    return AuditExport(
        id=str(row.id),
        at=row.at.astimezone(UTC),
        actor_kind=row.actor_kind,
        actor_id=_text(row.actor_id),
        actor=row.actor_name,
        action=row.action,
        subject_kind=row.subject_kind,
        subject_id=_text(row.subject_id),
        subject=row.subject_name,
        skill=row.skill_name,
        sentence=f"{row.actor_name} {entry.sentence}",
        change=json.dumps(row.change, ensure_ascii=False),
    )


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)

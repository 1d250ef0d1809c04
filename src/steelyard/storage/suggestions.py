"""Users' suggestions for a skill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from steelyard.domain.errors import NotFound
from steelyard.domain.feedback import SuggestionStatus
from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class SuggestionRow:
    """One suggestion; `decided_at` is None while it is open."""

    id: UUID
    skill_id: UUID
    title: str
    body: str
    author: str | None
    status: str
    created_at: datetime
    decided_at: datetime | None


_ROW = "SELECT id, skill_id, title, body, author, status, created_at, decided_at FROM suggestions"


async def add_suggestion(
    connection: Connection,
    tenant_id: UUID,
    skill_id: UUID,
    *,
    title: str,
    body: str,
    author: str | None,
    suggestion_id: UUID | None = None,
) -> UUID:
    """An open suggestion; returns its id, which may be given."""
    cursor = await connection.execute(
        """INSERT INTO suggestions (tenant_id, skill_id, title, body, author, id)
           VALUES (%s, %s, %s, %s, %s, coalesce(%s, gen_random_uuid())) RETURNING id""",
        (tenant_id, skill_id, clean(title), clean(body), author and clean(author), suggestion_id),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row["id"]


async def has_suggestion(connection: Connection, suggestion_id: UUID) -> bool:
    """Whether there is such a suggestion."""
    cursor = await connection.execute("SELECT 1 FROM suggestions WHERE id = %s", (suggestion_id,))
    return await cursor.fetchone() is not None


async def get_suggestion(connection: Connection, skill_id: UUID, suggestion_id: UUID) -> SuggestionRow:
    """One suggestion. Raises NotFound, also for another skill's."""
    async with connection.cursor(row_factory=record_row(SuggestionRow)) as cursor:
        await cursor.execute((_ROW + " WHERE id = %s AND skill_id = %s").encode(), (suggestion_id, skill_id))
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such suggestion.")
    return row


async def list_suggestions(
    connection: Connection, skill_id: UUID, *, status: SuggestionStatus | None, limit: int
) -> list[SuggestionRow]:
    """Open ones first, then the newest first."""
    async with connection.cursor(row_factory=record_row(SuggestionRow)) as cursor:
        await cursor.execute(
            (
                _ROW
                + """ WHERE skill_id = %s AND (%s::text IS NULL OR status = %s)
                      ORDER BY status = 'open' DESC, created_at DESC, id LIMIT %s"""
            ).encode(),
            (skill_id, status, status, limit),
        )
        return await cursor.fetchall()


async def suggestions_before(
    connection: Connection,
    skill_id: UUID,
    *,
    status: SuggestionStatus | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[SuggestionRow]:
    """The newest first, from after the one made `before` with that id on."""
    moment, suggestion_id = before or (None, None)
    async with connection.cursor(row_factory=record_row(SuggestionRow)) as cursor:
        await cursor.execute(
            (
                _ROW
                + """ WHERE skill_id = %s AND (%s::text IS NULL OR status = %s)
                        AND (%s::timestamptz IS NULL OR (created_at, id) < (%s::timestamptz, %s::uuid))
                      ORDER BY created_at DESC, id DESC LIMIT %s"""
            ).encode(),
            (skill_id, status, status, moment, moment, suggestion_id, limit),
        )
        return await cursor.fetchall()


async def skill_of_suggestion(connection: Connection, suggestion_id: UUID) -> UUID:
    """The skill it is for. Raises NotFound."""
    cursor = await connection.execute("SELECT skill_id FROM suggestions WHERE id = %s", (suggestion_id,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such suggestion.")
    return row["skill_id"]


async def decide_suggestion(
    connection: Connection, skill_id: UUID, suggestion_id: UUID, status: SuggestionStatus
) -> SuggestionRow:
    """Accept, decline or open again. Raises NotFound, also for another skill's."""
    async with connection.cursor(row_factory=record_row(SuggestionRow)) as cursor:
        await cursor.execute(
            """UPDATE suggestions SET status = %s, decided_at = CASE WHEN %s = 'open' THEN NULL ELSE now() END
                WHERE id = %s AND skill_id = %s
            RETURNING id, skill_id, title, body, author, status, created_at, decided_at""",
            (status.value, status.value, suggestion_id, skill_id),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such suggestion.")
    return row


async def count_by_status(connection: Connection, skill_id: UUID) -> dict[str, int]:
    """How many suggestions of each status; statuses without any are left out."""
    cursor = await connection.execute(
        "SELECT status, count(*)::int AS count FROM suggestions WHERE skill_id = %s GROUP BY status", (skill_id,)
    )
    return {row["status"]: row["count"] for row in await cursor.fetchall()}

"""AI reviews of skills: queued, running, answered, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.actors import LOCAL, Actor, ActorKind
from steelyard.domain.errors import NotFound
from steelyard.domain.reviews import Review
from steelyard.domain.waiting import Waiting
from steelyard.storage.database import Connection, clean, clean_json
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class ReviewRow(Waiting):
    """One review as stored. Money in microcents; `cost_is_lower_bound` where a call's price is not known.

    `error_message` says why it failed or, while it has not ended, why a worker could not make it and left it to others.
    `scores` have criterion, score (1-5) and finding; `edits` have where, now, proposed and why.
    """

    id: UUID
    skill_id: UUID
    skill_version_id: UUID
    version_digest: str
    model: str
    protocol: str
    requested_by: str | None
    status: str
    calls: int
    raw_reply: str | None
    stop_reason: str | None
    summary: str | None
    scores: Sequence[Mapping[str, Any]]
    strengths: Sequence[str]
    risks: Sequence[str]
    edits: Sequence[Mapping[str, Any]]
    error_message: str | None
    input_tokens: int
    output_tokens: int
    cost_microcents: int
    cost_is_lower_bound: bool
    price_version: str | None
    price_date: date | None
    latency_ms: float | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    started_by_kind: str = ActorKind.LOCAL
    started_by_id: UUID | None = None
    started_by_name: str = LOCAL.name

    @property
    def starter(self) -> Actor:
        """Who started it."""
        return Actor(ActorKind(self.started_by_kind), self.started_by_name, self.started_by_id)


_ROW = """SELECT r.id, r.skill_id, r.skill_version_id, v.digest AS version_digest, r.model, r.protocol, r.requested_by,
                 r.status, r.calls, r.raw_reply, r.stop_reason, r.summary, r.scores, r.strengths, r.risks, r.edits,
                 r.error_message, r.input_tokens, r.output_tokens, r.cost_microcents, r.cost_is_lower_bound,
                 r.price_version, r.price_date, r.latency_ms, r.created_at, r.started_at, r.completed_at,
                 r.started_by_kind, r.started_by_id, r.started_by_name
            FROM skill_reviews r
            JOIN skill_versions v ON v.tenant_id = r.tenant_id AND v.id = r.skill_version_id"""


async def insert_review(
    connection: Connection,
    tenant_id: UUID,
    *,
    skill_id: UUID,
    skill_version_id: UUID,
    model: str,
    protocol: str,
    requested_by: str | None,
) -> UUID:
    """A pending review; returns its id."""
    cursor = await connection.execute(
        """INSERT INTO skill_reviews (tenant_id, skill_id, skill_version_id, model, protocol, requested_by)
           VALUES (%s, %s, %s, %s, %s, %s) RETURNING id""",
        (tenant_id, skill_id, skill_version_id, clean(model), protocol, requested_by and clean(requested_by)),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row["id"]


async def find_review(connection: Connection, review_id: UUID) -> ReviewRow | None:
    """One review, or None where its skill has been deleted meanwhile."""
    async with connection.cursor(row_factory=record_row(ReviewRow)) as cursor:
        await cursor.execute((_ROW + " WHERE r.id = %s").encode(), (review_id,))
        return await cursor.fetchone()


async def get_review(connection: Connection, review_id: UUID) -> ReviewRow:
    """One review. Raises NotFound."""
    row = await find_review(connection, review_id)
    if row is None:
        raise NotFound("No such review.")
    return row


async def list_reviews(
    connection: Connection, skill_id: UUID, *, limit: int, before: tuple[datetime, UUID] | None = None
) -> list[ReviewRow]:
    """The newest first, from after the one created `before` with that id on."""
    moment, review_id = before or (None, None)
    async with connection.cursor(row_factory=record_row(ReviewRow)) as cursor:
        await cursor.execute(
            (
                _ROW
                + """ WHERE r.skill_id = %s AND (%s::timestamptz IS NULL
                             OR (r.created_at, r.id) < (%s::timestamptz, %s::uuid))
                      ORDER BY r.created_at DESC, r.id DESC LIMIT %s"""
            ).encode(),
            (skill_id, moment, moment, review_id, limit),
        )
        return await cursor.fetchall()


async def open_review(connection: Connection, skill_version_id: UUID, model: str, protocol: str) -> UUID | None:
    """A review of that version by that model that is waiting or under way."""
    cursor = await connection.execute(
        """SELECT id FROM skill_reviews WHERE skill_version_id = %s AND model = %s AND protocol = %s
              AND status IN ('pending', 'running') ORDER BY created_at LIMIT 1""",
        (skill_version_id, clean(model), protocol),
    )
    row = await cursor.fetchone()
    return None if row is None else row["id"]


async def complete_review(connection: Connection, review_id: UUID, review: Review) -> None:
    """Store what was read from the reply."""
    await connection.execute(
        """UPDATE skill_reviews
              SET status = 'completed', summary = %s, scores = %s, strengths = %s, risks = %s, edits = %s,
                  error_message = NULL, completed_at = now()
            WHERE id = %s""",
        (
            clean(review.summary),
            Jsonb(clean_json([score.to_json() for score in review.scores])),
            Jsonb(clean_json(review.strengths)),
            Jsonb(clean_json(review.risks)),
            Jsonb(clean_json([edit.to_json() for edit in review.edits])),
            review_id,
        ),
    )

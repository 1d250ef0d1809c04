"""AI reviews of skills: queued, running, answered, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.errors import NotFound
from steelyard.domain.reviews import Review
from steelyard.storage.database import Connection, clean, clean_json
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class ReviewRow:
    """One review as stored. Money in microcents; `cost_is_lower_bound` where a call's price is not known.

    `error_message` says why it failed or, while it is pending, why a worker could not make it and left it to others.
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


@dataclass(frozen=True)
class PaidCall:
    """What one call of a review took, with the reply where there is one. Money in microcents, None if unknown."""

    raw_reply: str | None
    stop_reason: str | None
    input_tokens: int
    output_tokens: int
    cost_microcents: int | None
    cost_known: bool
    price_version: str | None
    price_date: date | None
    latency_ms: float | None


_ROW = """SELECT r.id, r.skill_id, r.skill_version_id, v.digest AS version_digest, r.model, r.protocol, r.requested_by,
                 r.status, r.calls, r.raw_reply, r.stop_reason, r.summary, r.scores, r.strengths, r.risks, r.edits,
                 r.error_message, r.input_tokens, r.output_tokens, r.cost_microcents, r.cost_is_lower_bound,
                 r.price_version, r.price_date, r.latency_ms, r.created_at, r.started_at, r.completed_at
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


async def list_reviews(connection: Connection, skill_id: UUID, *, limit: int) -> list[ReviewRow]:
    """The newest first."""
    async with connection.cursor(row_factory=record_row(ReviewRow)) as cursor:
        await cursor.execute(
            (_ROW + " WHERE r.skill_id = %s ORDER BY r.created_at DESC, r.id LIMIT %s").encode(), (skill_id, limit)
        )
        return await cursor.fetchall()


async def hold_review(connection: Connection, review_id: UUID) -> None:
    """Wait until no other worker has this review in hand, then have it until the session ends."""
    await connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"review:{review_id}",))


async def unfinished_reviews(connection: Connection) -> list[UUID]:
    """Reviews some worker should be working on."""
    cursor = await connection.execute(
        "SELECT id FROM skill_reviews WHERE status IN ('pending', 'running') ORDER BY created_at"
    )
    return [row["id"] for row in await cursor.fetchall()]


async def open_review(connection: Connection, skill_version_id: UUID, model: str, protocol: str) -> UUID | None:
    """A review of that version by that model that is waiting or under way."""
    cursor = await connection.execute(
        """SELECT id FROM skill_reviews WHERE skill_version_id = %s AND model = %s AND protocol = %s
              AND status IN ('pending', 'running') ORDER BY created_at LIMIT 1""",
        (skill_version_id, clean(model), protocol),
    )
    row = await cursor.fetchone()
    return None if row is None else row["id"]


async def start_review(connection: Connection, review_id: UUID) -> None:
    """pending -> running; one that was begun before keeps its first start.

    For the worker that holds it: a call noted as out is then of one that is gone, and may have been paid for.
    """
    await connection.execute(
        """UPDATE skill_reviews SET status = 'running', started_at = coalesce(started_at, now()), error_message = NULL,
                  cost_is_lower_bound = cost_is_lower_bound OR calling, calling = false
            WHERE id = %s AND status IN ('pending', 'running')""",
        (review_id,),
    )


async def note_waiting(connection: Connection, review_id: UUID, why: str) -> None:
    """Say on a waiting review why a worker has left it to others."""
    await connection.execute("UPDATE skill_reviews SET error_message = %s WHERE id = %s", (clean(why), review_id))


async def note_calling(connection: Connection, review_id: UUID, calling: bool) -> None:
    """Whether a call of it may be out, so that a worker that is killed leaves word of it."""
    await connection.execute("UPDATE skill_reviews SET calling = %s WHERE id = %s", (calling, review_id))


async def record_call(connection: Connection, review_id: UUID, call_key: UUID, call: PaidCall) -> None:
    """Keep what a call gave and add what it took, once for each key: a write told lost may be asked for again."""
    await connection.execute(
        """UPDATE skill_reviews
              SET raw_reply = coalesce(%s, raw_reply), stop_reason = coalesce(%s, stop_reason), calls = calls + 1,
                  input_tokens = input_tokens + %s, output_tokens = output_tokens + %s,
                  cost_microcents = cost_microcents + %s, cost_is_lower_bound = cost_is_lower_bound OR %s,
                  price_version = coalesce(%s, price_version), price_date = coalesce(%s, price_date),
                  latency_ms = coalesce(%s, latency_ms), call_keys = call_keys || %s, calling = false
            WHERE id = %s AND NOT %s = ANY (call_keys)""",
        (
            None if call.raw_reply is None else clean(call.raw_reply),
            call.stop_reason,
            call.input_tokens,
            call.output_tokens,
            call.cost_microcents or 0,
            not call.cost_known,
            call.price_version,
            call.price_date,
            call.latency_ms,
            [call_key],
            review_id,
            call_key,
        ),
    )


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


async def fail_review(connection: Connection, review_id: UUID, message: str) -> None:
    """End a review without a result; a reply that was paid for stays."""
    await connection.execute(
        "UPDATE skill_reviews SET status = 'failed', error_message = %s, completed_at = now() WHERE id = %s",
        (clean(message), review_id),
    )

"""Users' feedback on skills, counted on the skill's row as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from steelyard.domain.cases import By
from steelyard.domain.errors import NotFound
from steelyard.domain.feedback import POSITIVE_FROM, Feedback, FeedbackStatus, FeedbackType, is_positive
from steelyard.storage import standing
from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class FeedbackRow:
    """One piece of feedback as stored; `golden_case_id` is the case made of it."""

    id: UUID
    skill_id: UUID
    skill_version_id: UUID | None
    feedback_type: str
    quality_score: int | None
    comment: str | None
    example_input: str | None
    example_output: str | None
    expected_output: str | None
    author: str | None
    model_name: str | None
    status: str
    golden_case_id: UUID | None
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    decided_why: str | None

    @property
    def positive(self) -> bool | None:
        """As a `Feedback`'s."""
        return is_positive(self.feedback_type, self.quality_score)


@dataclass(frozen=True)
class FeedbackCounts:
    """How much feedback, and how much of it is positive or negative."""

    total: int
    positive: int
    negative: int


_ROW = """SELECT id, skill_id, skill_version_id, feedback_type, quality_score, comment, example_input, example_output,
                 expected_output, author, model_name, status, golden_case_id, created_at, decided_at,
                 decided_by, decided_why
            FROM skill_feedback"""
POSITIVE = f"(feedback_type = 'thumb_up' OR feedback_type = 'rating' AND quality_score >= {POSITIVE_FROM})"
NEGATIVE = f"(feedback_type = 'thumb_down' OR feedback_type = 'rating' AND quality_score < {POSITIVE_FROM})"


async def add_feedback(
    connection: Connection,
    tenant_id: UUID,
    skill_id: UUID,
    feedback: Feedback,
    *,
    at: datetime | None = None,
    feedback_id: UUID | None = None,
) -> UUID:
    """Keep it and count it; `at` is for feedback given elsewhere earlier, `feedback_id` for what has an id already."""
    texts = (feedback.comment, feedback.example_input, feedback.example_output, feedback.expected_output)
    cursor = await connection.execute(
        """INSERT INTO skill_feedback (tenant_id, skill_id, skill_version_id, feedback_type, quality_score, comment,
                                       example_input, example_output, expected_output, author, model_name, created_at,
                                       id)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, coalesce(%s, now()), coalesce(%s, gen_random_uuid()))
           RETURNING id""",
        (
            tenant_id,
            skill_id,
            feedback.skill_version_id,
            feedback.feedback_type.value,
            feedback.quality_score,
            *(None if text is None else clean(text) for text in texts),
            feedback.author and clean(feedback.author),
            feedback.model_name and clean(feedback.model_name),
            at,
            feedback_id,
        ),
    )
    row = await cursor.fetchone()
    assert row is not None
    positive = feedback.positive
    await standing.count_feedback(
        connection, skill_id, total=1, positive=int(positive is True), negative=int(positive is False)
    )
    return row["id"]


async def get_feedback(connection: Connection, feedback_id: UUID) -> FeedbackRow:
    """One piece of feedback. Raises NotFound."""
    async with connection.cursor(row_factory=record_row(FeedbackRow)) as cursor:
        await cursor.execute((_ROW + " WHERE id = %s").encode(), (feedback_id,))
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such feedback.")
    return row


async def examples_starting(connection: Connection, id_prefix: str) -> list[UUID]:
    """The feedback with an input whose id starts so; at most two."""
    cursor = await connection.execute(
        """SELECT id FROM skill_feedback WHERE id::text LIKE %s AND example_input ~ '\\S' ORDER BY id LIMIT 2""",
        (id_prefix.lower() + "%",),
    )
    return [row["id"] for row in await cursor.fetchall()]


async def has_feedback(connection: Connection, feedback_id: UUID) -> bool:
    """Whether there is such feedback."""
    cursor = await connection.execute("SELECT 1 FROM skill_feedback WHERE id = %s", (feedback_id,))
    return await cursor.fetchone() is not None


async def recent_opinions(connection: Connection, skill_id: UUID, since: datetime) -> list[tuple[datetime, str | None]]:
    """(when, author) of the feedback and suggestions on a skill since then, at most 1,000 of each."""
    cursor = await connection.execute(
        """(SELECT created_at, author FROM skill_feedback WHERE skill_id = %(skill)s AND created_at > %(since)s
             ORDER BY created_at DESC LIMIT 1000)
           UNION ALL
           (SELECT created_at, author FROM suggestions WHERE skill_id = %(skill)s AND created_at > %(since)s
             ORDER BY created_at DESC LIMIT 1000)""",
        {"skill": skill_id, "since": since},
    )
    return [(row["created_at"], row["author"]) for row in await cursor.fetchall()]


async def list_feedback(
    connection: Connection,
    skill_id: UUID,
    *,
    feedback_type: FeedbackType | None,
    status: FeedbackStatus | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[FeedbackRow]:
    """The newest first, from after a row's (created_at, id) on."""
    at, last = after or (None, None)
    async with connection.cursor(row_factory=record_row(FeedbackRow)) as cursor:
        await cursor.execute(
            (
                _ROW
                + """ WHERE skill_id = %s AND (%s::text IS NULL OR feedback_type = %s)
                        AND (%s::text IS NULL OR status = %s)
                        AND (%s::timestamptz IS NULL OR created_at < %s OR created_at = %s AND id > %s)
                      ORDER BY created_at DESC, id LIMIT %s"""
            ).encode(),
            (skill_id, feedback_type, feedback_type, status, status, at, at, at, last, limit),
        )
        return await cursor.fetchall()


async def decide_feedback(
    connection: Connection, feedback_id: UUID, status: FeedbackStatus, by: By, golden_case_id: UUID | None = None
) -> None:
    """Accept or reject, with the case made of it where one was."""
    await connection.execute(
        """UPDATE skill_feedback SET status = %s, decided_at = now(), decided_by = %s, decided_why = %s,
                                     golden_case_id = coalesce(%s, golden_case_id)
            WHERE id = %s""",
        (status.value, clean(by.who), clean(by.why), golden_case_id, feedback_id),
    )


async def feedback_counts(connection: Connection, skill_id: UUID) -> FeedbackCounts:
    """Over all time, as counted on the skill's row. Raises NotFound."""
    cursor = await connection.execute(
        "SELECT feedback_total, feedback_positive, feedback_negative FROM skills WHERE id = %s", (skill_id,)
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such skill.")
    return FeedbackCounts(row["feedback_total"], row["feedback_positive"], row["feedback_negative"])


async def feedback_by_day(connection: Connection, skill_id: UUID, since: date) -> dict[date, FeedbackCounts]:
    """Counts by UTC day from that day on; days without feedback are left out."""
    cursor = await connection.execute(
        f"""SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*)::int AS total,
                   count(*) FILTER (WHERE {POSITIVE})::int AS positive,
                   count(*) FILTER (WHERE {NEGATIVE})::int AS negative
              FROM skill_feedback
             WHERE skill_id = %s AND created_at >= %s::timestamp AT TIME ZONE 'UTC'
             GROUP BY 1""".encode(),
        (skill_id, since),
    )
    return {
        row["day"]: FeedbackCounts(row["total"], row["positive"], row["negative"]) for row in await cursor.fetchall()
    }


async def undecided_examples(connection: Connection, skill_id: UUID) -> int:
    """How many training examples nobody has decided on."""
    cursor = await connection.execute(
        """SELECT count(*)::int AS count FROM skill_feedback
            WHERE skill_id = %s AND feedback_type = 'training_example' AND status = 'new'""",
        (skill_id,),
    )
    row = await cursor.fetchone()
    return row["count"] if row else 0

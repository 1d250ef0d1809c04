"""Users' feedback on a skill: keeping it, reading it, and what it adds up to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.domain.feedback import Feedback, FeedbackStatus, FeedbackType
from steelyard.services.case_decisions import refuse_decided_example
from steelyard.services.case_words import by_of
from steelyard.services.tokens import read_place, write_place
from steelyard.skills.text import unstorable
from steelyard.storage import case_changes, feedback, standing
from steelyard.storage.database import Database
from steelyard.storage.feedback import FeedbackCounts, FeedbackRow
from steelyard.storage.skills import name_of, skill_of_version

TREND_DAYS = 14
RECENT_DAYS = 30
MAX_TEXT = 100_000
MAX_NAME = 200
MAX_LIMIT = 200


@dataclass(frozen=True)
class FeedbackDay:
    """One UTC day."""

    day: date
    total: int
    positive: int
    negative: int


@dataclass(frozen=True)
class FeedbackStats:
    """What feedback adds up to, days in UTC, today among them.

    A thumb up and a rating of 7 or more are positive, a thumb down and a lower rating negative, a training example
    neither; `rated` counts what is one of the two, and a percentage is None where nothing is. `trend` has the last 14
    days, oldest first, none left out. `undecided_examples` counts training examples nobody has decided on.
    """

    total: int
    positive_percent: float | None
    last_30_days: int
    last_30_days_positive_percent: float | None
    trend: tuple[FeedbackDay, ...]
    undecided_examples: int
    rated: int = 0


@dataclass(frozen=True)
class FeedbackPage:
    """Some rows and the token of the next page, None on the last."""

    rows: tuple[FeedbackRow, ...]
    next: str | None


class FeedbackService:
    """Use cases on feedback, for one tenant at a time."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def add(self, tenant_id: UUID, skill_id: UUID, given: Feedback, *, at: datetime | None = None) -> FeedbackRow:
        """Keep it; `at` is for feedback given elsewhere earlier. Raises InputError, NotFound."""
        check_feedback(given)
        async with self._database.tenant(tenant_id) as connection:
            await name_of(connection, skill_id)
            version = given.skill_version_id
            if version is not None and await skill_of_version(connection, version) != skill_id:
                raise InputError("The feedback names a version of another skill.")
            feedback_id = await feedback.add_feedback(connection, tenant_id, skill_id, given, at=at)
            return await feedback.get_feedback(connection, feedback_id)

    async def get(self, tenant_id: UUID, feedback_id: UUID) -> FeedbackRow:
        """One piece of feedback. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await feedback.get_feedback(connection, feedback_id)

    async def list(
        self,
        tenant_id: UUID,
        skill_id: UUID,
        *,
        feedback_type: FeedbackType | None = None,
        status: FeedbackStatus | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> FeedbackPage:
        """The newest first, from where `after` left off. Raises InputError on a token that means nothing."""
        if not 1 <= limit <= MAX_LIMIT:
            raise InputError(f"A page has 1 to {MAX_LIMIT} pieces of feedback, not {limit:,}.")
        place = None if after is None else read_place(after)
        async with self._database.tenant(tenant_id) as connection:
            rows = await feedback.list_feedback(
                connection, skill_id, feedback_type=feedback_type, status=status, after=place, limit=limit + 1
            )
        more = rows[limit - 1] if len(rows) > limit else None
        token = None if more is None else write_place(more.created_at, more.id)
        return FeedbackPage(tuple(rows[:limit]), token)

    async def stats(self, tenant_id: UUID, skill_id: UUID) -> FeedbackStats:
        """Raises NotFound."""
        today = self._now().astimezone(UTC).date()
        async with self._database.tenant(tenant_id) as connection:
            every = await feedback.feedback_counts(connection, skill_id)
            by_day = await feedback.feedback_by_day(connection, skill_id, today - timedelta(days=RECENT_DAYS - 1))
            undecided = await feedback.undecided_examples(connection, skill_id)
        none = FeedbackCounts(0, 0, 0)
        recent = [counts for day, counts in by_day.items() if day <= today]
        days = [today - timedelta(days=back) for back in reversed(range(TREND_DAYS))]
        counted = [(day, by_day.get(day, none)) for day in days]
        return FeedbackStats(
            total=every.total,
            positive_percent=positive_percent(every.positive, every.negative),
            last_30_days=sum(counts.total for counts in recent),
            last_30_days_positive_percent=positive_percent(
                sum(counts.positive for counts in recent), sum(counts.negative for counts in recent)
            ),
            trend=tuple(FeedbackDay(day, c.total, c.positive, c.negative) for day, c in counted),
            undecided_examples=undecided,
            rated=every.positive + every.negative,
        )

    async def reject(self, tenant_id: UUID, feedback_id: UUID, *, why: str, who: str | None = None) -> FeedbackRow:
        """Raises NotFound, Conflict where it was decided on already, InputError without a reason."""
        by = by_of(who, why, needs_why=True)
        async with self._database.tenant(tenant_id) as connection:
            row = await feedback.get_feedback(connection, feedback_id)
            await standing.lock_skill(connection, row.skill_id)
            refuse_decided_example(await feedback.get_feedback(connection, feedback_id))
            await feedback.decide_feedback(connection, feedback_id, FeedbackStatus.REJECTED, by)
            await case_changes.note_rejected_example(connection, feedback_id, by)
            return await feedback.get_feedback(connection, feedback_id)


def positive_percent(positive: int, negative: int) -> float | None:
    """0-100 of what is positive or negative; None where nothing is."""
    return 100.0 * positive / (positive + negative) if positive + negative else None


def check_feedback(given: Feedback) -> None:
    """Raises InputError for what cannot be kept; its `field` is the one of POST /v1/feedback."""
    score = given.quality_score
    if score is not None and not 1 <= score <= 10:
        raise InputError(f"A rating is 1 to 10, not {score}.", field="rating")
    if given.feedback_type is FeedbackType.RATING and score is None:
        raise InputError("A rating needs a number.", field="rating", next_step="Give one from 1 to 10.")
    if given.feedback_type is FeedbackType.TRAINING_EXAMPLE:
        needed = "A training example needs an input and an output that is right for it."
        if not (given.example_input or "").strip():
            raise InputError(needed, field="example_input")
        if not (given.expected_output or given.example_output or "").strip():
            raise InputError(needed, field="expected_output")
    texts = {
        "comment": given.comment,
        "example_input": given.example_input,
        "example_output": given.example_output,
        "expected_output": given.expected_output,
    }
    names = {"author": given.author, "model": given.model_name}
    for most, what in ((MAX_TEXT, texts), (MAX_NAME, names)):
        for field, text in what.items():
            if len(text or "") > most:
                raise InputError(f"It is longer than {most:,} characters.", field=field)
    for field, text in (texts | names).items():
        if reason := unstorable([text or ""]):
            raise InputError(f"The feedback cannot be kept: {reason}.", field=field)

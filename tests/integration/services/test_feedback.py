"""Feedback and suggestions: what they add up to, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.feedback import Feedback, FeedbackStatus, FeedbackType, SuggestionStatus
from steelyard.services.catalogue import SkillCatalogue
from steelyard.services.feedback import FeedbackService, positive_percent
from steelyard.services.suggestions import SuggestionService
from steelyard.storage.database import Database
from tests.integration.services.made_skills import other_tenant, skill

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
UP, DOWN = Feedback(FeedbackType.THUMB_UP), Feedback(FeedbackType.THUMB_DOWN)
EXAMPLE = Feedback(FeedbackType.TRAINING_EXAMPLE, example_input="in", expected_output="out")

GIVEN = st.one_of(
    st.sampled_from([UP, DOWN, EXAMPLE]), st.integers(1, 10).map(lambda score: Feedback(FeedbackType.RATING, score))
)


def rating(score: int) -> Feedback:
    return Feedback(FeedbackType.RATING, score)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=st.lists(st.tuples(GIVEN, st.integers(0, 40 * 24)), max_size=25))
async def test_the_figures_are_those_of_the_rows(database: Database, given: list[tuple[Feedback, int]]) -> None:
    tenant_id = await other_tenant(database)
    skill_id, service = await skill(database, tenant_id), FeedbackService(database, now=lambda: NOW)
    for feedback, hours in given:
        await service.add(tenant_id, skill_id, feedback, at=NOW - timedelta(hours=hours))
    stats = await service.stats(tenant_id, skill_id)
    signs = [feedback.positive for feedback, _ in given]
    assert stats.total == len(given)
    assert stats.positive_percent == positive_percent(signs.count(True), signs.count(False))
    recent = [f for f, hours in given if (NOW - timedelta(hours=hours)).date() > NOW.date() - timedelta(days=30)]
    signs = [feedback.positive for feedback in recent]
    assert stats.last_30_days == len(recent)
    assert stats.last_30_days_positive_percent == positive_percent(signs.count(True), signs.count(False))
    assert [day.day for day in stats.trend] == [NOW.date() - timedelta(days=back) for back in range(13, -1, -1)]
    for day in stats.trend:
        of_day = [f.positive for f, hours in given if (NOW - timedelta(hours=hours)).date() == day.day]
        assert (day.total, day.positive, day.negative) == (len(of_day), of_day.count(True), of_day.count(False))
    row = await SkillCatalogue(database).find(tenant_id, "weigh")
    assert (row.feedback_total, row.feedback_positive_percent) == (stats.total, stats.positive_percent)


async def test_seven_is_praise_six_is_not_and_an_example_is_neither(database: Database, tenant_id: UUID) -> None:
    skill_id, service = await skill(database, tenant_id), FeedbackService(database)
    await service.add(tenant_id, skill_id, EXAMPLE)
    assert (await service.stats(tenant_id, skill_id)).positive_percent is None
    await service.add(tenant_id, skill_id, rating(7))
    assert (await service.stats(tenant_id, skill_id)).positive_percent == 100
    await service.add(tenant_id, skill_id, rating(6))
    stats = await service.stats(tenant_id, skill_id)
    assert (stats.positive_percent, stats.total, stats.undecided_examples) == (50, 3, 1)


async def test_feedback_is_paged_from_the_newest_on(database: Database, tenant_id: UUID) -> None:
    skill_id, service = await skill(database, tenant_id), FeedbackService(database)
    for minutes in (0, 1, 1, 1, 2, 3):
        await service.add(tenant_id, skill_id, UP, at=NOW + timedelta(minutes=minutes))
    seen: list[UUID] = []
    after: str | None = None
    while True:
        page = await service.list(tenant_id, skill_id, after=after, limit=2)
        seen += [row.id for row in page.rows]
        if page.next is None:
            break
        after = page.next
    whole = await service.list(tenant_id, skill_id)
    assert seen == [row.id for row in whole.rows]
    assert [row.created_at for row in whole.rows] == sorted((r.created_at for r in whole.rows), reverse=True)
    for token in ("", "x", "W10", "WyJhIiwiYiJd"):
        with pytest.raises(InputError):
            await service.list(tenant_id, skill_id, after=token)


async def test_feedback_can_be_rejected_and_filtered(database: Database, tenant_id: UUID) -> None:
    skill_id, service = await skill(database, tenant_id), FeedbackService(database)
    example = await service.add(tenant_id, skill_id, EXAMPLE)
    await service.add(tenant_id, skill_id, UP)
    assert (await service.reject(tenant_id, example.id, why="No.")).status == "rejected"
    rejected = await service.list(tenant_id, skill_id, status=FeedbackStatus.REJECTED)
    ups = await service.list(tenant_id, skill_id, feedback_type=FeedbackType.THUMB_UP)
    assert ([row.id for row in rejected.rows], len(ups.rows)) == ([example.id], 1)


@pytest.mark.parametrize(
    "bad",
    [
        Feedback(FeedbackType.RATING),
        rating(0),
        rating(11),
        Feedback(FeedbackType.TRAINING_EXAMPLE, example_input="in"),
        Feedback(FeedbackType.TRAINING_EXAMPLE, expected_output="out"),
        Feedback(FeedbackType.THUMB_UP, comment="x" * 200_000),
        Feedback(FeedbackType.THUMB_UP, comment="a\x00b"),
        Feedback(FeedbackType.THUMB_UP, author="x" * 300),
    ],
)
async def test_feedback_that_makes_no_sense_is_refused(database: Database, tenant_id: UUID, bad: Feedback) -> None:
    skill_id, service = await skill(database, tenant_id), FeedbackService(database)
    with pytest.raises(InputError):
        await service.add(tenant_id, skill_id, bad)
    assert (await service.stats(tenant_id, skill_id)).total == 0


async def test_another_tenants_skill_takes_no_feedback_and_no_suggestion(database: Database, tenant_id: UUID) -> None:
    skill_id, other = await skill(database, tenant_id), await other_tenant(database)
    feedback, suggestions = FeedbackService(database), SuggestionService(database)
    row = await feedback.add(tenant_id, skill_id, UP)
    made = await suggestions.add(tenant_id, skill_id, title="Say the unit")
    for call in (
        feedback.add(other, skill_id, UP),
        feedback.stats(other, skill_id),
        feedback.get(other, row.id),
        feedback.reject(other, row.id, why="No."),
        suggestions.add(other, skill_id, title="stolen"),
        suggestions.decide(other, skill_id, made, SuggestionStatus.ACCEPTED),
    ):
        with pytest.raises(NotFound):
            await call
    assert (await feedback.list(other, skill_id)).rows == ()
    assert await suggestions.list(other, skill_id) == []


async def test_suggestions_are_counted_by_status_and_open_ones_come_first(database: Database, tenant_id: UUID) -> None:
    skill_id, service = await skill(database, tenant_id), SuggestionService(database)
    one, two, three = [await service.add(tenant_id, skill_id, title=f"T{n}", author="ann") for n in range(3)]
    assert (await service.decide(tenant_id, skill_id, three, SuggestionStatus.ACCEPTED)).decided_at is not None
    await service.decide(tenant_id, skill_id, two, SuggestionStatus.DECLINED)
    counts = await service.counts(tenant_id, skill_id)
    assert (counts.open, counts.accepted, counts.declined) == (1, 1, 1)
    assert [row.id for row in await service.list(tenant_id, skill_id)] == [one, three, two]
    assert (await service.decide(tenant_id, skill_id, two, SuggestionStatus.OPEN)).decided_at is None
    for title in ("", "  ", "x" * 300, "a\x00"):
        with pytest.raises(InputError):
            await service.add(tenant_id, skill_id, title=title)

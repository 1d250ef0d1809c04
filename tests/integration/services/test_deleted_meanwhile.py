"""What begins on a skill while another transaction deletes it is told so, or goes on without it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import pytest

from steelyard.domain.calls import Usage
from steelyard.domain.errors import NotFound
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.domain.models import ModelRef
from steelyard.domain.usage import Measurement
from steelyard.pricing import Cost
from steelyard.services.feedback import FeedbackService
from steelyard.services.intake import IntakeService
from steelyard.services.usage import UsageService
from steelyard.storage import removal
from steelyard.storage.database import Database
from steelyard.storage.skills import save_skill
from tests.integration.execution.bench import Bench, request_of
from tests.integration.services.made_skills import skill

T = TypeVar("T")


def no_price(usage: Usage, model: ModelRef, when: object) -> Cost | None:
    return None


async def while_deleted(
    database: Database, tenant_id: UUID, skill_id: UUID, begin: Callable[[], Awaitable[T]]
) -> T | BaseException:
    """What comes of `begin`, which starts when the skill's deletion is under way and ends after it is committed."""
    async with database.tenant(tenant_id) as connection:
        assert await removal.hold_skill(connection, skill_id)
        await removal.delete_skill(connection, skill_id)
        task = asyncio.ensure_future(begin())
        # It comes as far as the row that is being deleted, and waits there.
        await asyncio.sleep(0.4)
        assert not task.done()
    return (await asyncio.gather(task, return_exceptions=True))[0]


async def test_a_use_taken_in_waits_for_a_skill_of_its_name(database: Database, tenant_id: UUID) -> None:
    skill_id = await skill(database, tenant_id)
    usage = UsageService(database, no_price)
    intake = IntakeService(database, usage)
    item = {"key": "k", "skill": "weigh", "model": "t:m", "input_tokens": 5, "output_tokens": 1}
    sent = [item | {"measured_at": datetime.now(UTC).isoformat()}]
    await intake.take(tenant_id, [sent[0] | {"skill": "other", "key": "another"}])
    taken = await while_deleted(database, tenant_id, skill_id, lambda: intake.take(tenant_id, sent))
    assert not isinstance(taken, BaseException)
    assert (taken.kept, taken.unmatched, taken.refused) == (0, 1, ())


async def test_a_measurement_of_the_skill_by_its_id_is_told(database: Database, tenant_id: UUID) -> None:
    skill_id = await skill(database, tenant_id)
    usage = UsageService(database, no_price)
    use = Measurement(skill_id, datetime.now(UTC), ModelRef("t", "m"), Usage(1, 1))
    await usage.record(tenant_id, [use])
    told = await while_deleted(database, tenant_id, skill_id, lambda: usage.record(tenant_id, [use]))
    assert isinstance(told, NotFound)


async def test_feedback_on_it_is_told(database: Database, tenant_id: UUID) -> None:
    skill_id, service = await skill(database, tenant_id), FeedbackService(database)
    told = await while_deleted(
        database, tenant_id, skill_id, lambda: service.add(tenant_id, skill_id, Feedback(FeedbackType.THUMB_UP))
    )
    assert isinstance(told, NotFound)
    assert "deleted meanwhile" in told.message


@pytest.mark.parametrize("again", [False, True])
async def test_a_run_of_it_is_told_or_brings_the_skill_with_it(
    database: Database, tenant_id: UUID, again: bool
) -> None:
    service, request = await Bench(database, tenant_id).service(), request_of(cases=3)
    if again:
        await service.start(tenant_id, request)
        async with database.tenant(tenant_id) as connection:
            await connection.execute("UPDATE benchmark_runs SET status = 'cancelled'")
    else:
        async with database.tenant(tenant_id) as connection:
            await save_skill(connection, tenant_id, request.content)
    async with database.tenant(tenant_id) as connection:
        row = await (await connection.execute("SELECT id FROM skills")).fetchone()
    assert row is not None
    done = await while_deleted(database, tenant_id, row["id"], lambda: service.start(tenant_id, request))
    if isinstance(done, BaseException):
        assert isinstance(done, NotFound), done
        assert "deleted meanwhile" in done.message
    async with database.tenant(tenant_id) as connection:
        rows = await (
            await connection.execute("SELECT s.id FROM skills s JOIN benchmark_runs r ON r.skill_id = s.id")
        ).fetchall()
    assert len(rows) == (0 if isinstance(done, BaseException) else 1)

"""AI reviews: paid once, kept as they came, read or named as unreadable, and taken over from a killed worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.errors import NotFound
from steelyard.domain.models import ModelRef
from steelyard.domain.spending import TenantBudget
from steelyard.execution import paid, till
from steelyard.execution.fitness import why_review_unfit
from steelyard.execution.paid_job import always_fit
from steelyard.execution.reviewer import Reviewer
from steelyard.judging import Judge
from steelyard.judging.review import CRITERIA
from steelyard.services import worker as worker_module
from steelyard.services.reviews import ReviewService
from steelyard.services.worker import work
from steelyard.storage import queue as queue_module
from steelyard.storage import reviews, spending
from steelyard.storage.database import Database
from steelyard.storage.paid_jobs import REVIEWS
from steelyard.storage.queue import LeftToOthers, Queue
from steelyard.storage.reviews import ReviewRow
from tests.integration.execution.bench import CALL_MICROCENTS, Caller, LossyDatabase, Models, fit, price
from tests.integration.services.made_skills import other_tenant, skill

GOOD = json.dumps(
    {
        "summary": "Sound.",
        "scores": [{"criterion": name, "finding": "So.", "score": 4} for name in CRITERIA],
        "strengths": ["Short."],
        "risks": [],
        "edits": [],
    }
)
MODEL = ModelRef("t", "m")


async def service(database: Database) -> ReviewService:
    queue = Queue(database)
    await queue.open()
    return ReviewService(database, queue, Models())


async def ended(database: Database, tenant_id: UUID, review_id: UUID) -> ReviewRow:
    found = await service(database)
    while True:
        row = await found.get(tenant_id, review_id)
        if row.status in ("completed", "failed"):
            return row
        await asyncio.sleep(0.05)


async def serve(database: Database, tenant_id: UUID, review_id: UUID, caller: Caller) -> ReviewRow:
    """A worker of every queue until the review has ended."""
    stop = asyncio.Event()
    async with asyncio.timeout(60):
        working = asyncio.create_task(
            work(
                database,
                caller,
                price,
                lambda ref: Judge(ref, ref.text),
                unfit=fit,
                run_id=None,
                concurrency=4,
                stop=stop,
            )
        )
        row = await ended(database, tenant_id, review_id)
        stop.set()
        await working
    return row


def replies(*texts: str | ModelResponse | CallError) -> Callable[[ModelRequest], str | ModelResponse]:
    left = list(texts)

    def reply(request: ModelRequest) -> str | ModelResponse:
        found = left.pop(0)
        if isinstance(found, CallError):
            raise found
        return found

    return reply


async def test_a_review_is_queued_run_and_read(database: Database, tenant_id: UUID) -> None:
    skill_id, caller = await skill(database, tenant_id), Caller(lambda _: GOOD)
    found = await service(database)
    review_id = await found.request(tenant_id, skill_id, MODEL, requested_by="ann")
    assert (await found.get(tenant_id, review_id)).status == "pending"
    row = await serve(database, tenant_id, review_id, caller)
    assert (row.status, row.summary, row.strengths, row.raw_reply) == ("completed", "Sound.", ["Short."], GOOD)
    assert [score["score"] for score in row.scores] == [4] * len(CRITERIA)
    assert (row.cost_microcents, row.cost_is_lower_bound, row.calls) == (CALL_MICROCENTS, False, 1)
    assert row.started_at is not None
    assert row.completed_at is not None
    assert row.created_at <= row.started_at <= row.completed_at
    assert [one.id for one in await found.list(tenant_id, skill_id)] == [review_id]


async def test_one_asked_for_twice_is_one_review_until_it_has_ended(database: Database, tenant_id: UUID) -> None:
    skill_id, caller = await skill(database, tenant_id), Caller(replies(GOOD))
    found = await service(database)
    first = await found.request(tenant_id, skill_id, MODEL)
    assert await found.request(tenant_id, skill_id, MODEL) == first
    assert await found.request(tenant_id, skill_id, ModelRef("t", "other")) != first
    async with database.tenant(tenant_id) as connection:
        await connection.execute("DELETE FROM skill_reviews WHERE model = 't:other'")
    await Reviewer(database, caller, price, unfit=always_fit).run(tenant_id, first)
    assert caller.calls.total() == 1
    assert await found.request(tenant_id, skill_id, MODEL) != first


@pytest.mark.parametrize(
    ("given", "status", "calls", "said"),
    [
        (("no", GOOD), "completed", 2, ""),
        (("no", "never"), "failed", 2, "form asked for"),
        ((ModelResponse("{", Usage(10, 5), 5.0, StopReason.LENGTH), GOOD), "completed", 2, ""),
        ((CallError(FailureKind.AUTHENTICATION, "No such key."),), "failed", 0, "No such key"),
        ((CallError(FailureKind.MALFORMED, "Prose.", wasted=Usage(9, 9)),), "failed", 1, "Prose"),
    ],
)
async def test_a_reply_out_of_form_is_asked_for_once_more_and_all_of_it_is_paid_for(
    database: Database, tenant_id: UUID, given: tuple[Any, ...], status: str, calls: int, said: str
) -> None:
    skill_id, caller = await skill(database, tenant_id), Caller(replies(*given))
    review_id = await (await service(database)).request(tenant_id, skill_id, MODEL)
    await Reviewer(database, caller, price, unfit=always_fit).run(tenant_id, review_id)
    row = await (await service(database)).get(tenant_id, review_id)
    assert (row.status, row.calls, row.cost_microcents) == (status, calls, calls * CALL_MICROCENTS)
    assert said in (row.error_message or "")
    if status == "failed" and isinstance(given[-1], str):
        assert row.raw_reply == given[-1]


async def test_an_unknown_price_is_a_lower_bound(database: Database, tenant_id: UUID) -> None:
    skill_id = await skill(database, tenant_id)
    review_id = await (await service(database)).request(tenant_id, skill_id, ModelRef("t", "unpriced"))
    await Reviewer(database, Caller(replies(GOOD)), price, unfit=always_fit).run(tenant_id, review_id)
    row = await (await service(database)).get(tenant_id, review_id)
    assert (row.cost_microcents, row.cost_is_lower_bound) == (0, True)


async def test_a_reply_that_was_kept_before_the_kill_is_read_and_not_paid_again(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    async def killed(*_: object) -> None:
        raise Killed

    skill_id, caller = await skill(database, tenant_id), Caller(replies(GOOD))
    review_id = await (await service(database)).request(tenant_id, skill_id, MODEL)
    with monkeypatch.context() as patch:
        patch.setattr(reviews, "complete_review", killed)
        with pytest.raises(Killed):
            await Reviewer(database, caller, price, unfit=always_fit).run(tenant_id, review_id)
    assert (await (await service(database)).get(tenant_id, review_id)).status == "running"
    await Reviewer(database, caller, price, unfit=always_fit).run(tenant_id, review_id)
    row = await (await service(database)).get(tenant_id, review_id)
    assert (row.status, row.calls, caller.calls.total()) == ("completed", 1, 1)


async def test_lost_confirmations_pay_and_count_no_review_twice(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paid, "AWAY_S", 0.01)
    skill_id, caller, found = await skill(database, tenant_id), Caller(lambda _: GOOD), await service(database)
    async with LossyDatabase(database.dsn, seed=0, share=0.5) as lossy:
        for _ in range(20):
            review_id = await found.request(tenant_id, skill_id, MODEL)
            await Reviewer(lossy, caller, price, unfit=always_fit).run(tenant_id, review_id)
            row = await found.get(tenant_id, review_id)
            assert (row.status, row.calls, row.cost_microcents) == ("completed", 1, CALL_MICROCENTS)
    assert caller.calls.total() == 20


async def test_two_workers_with_one_review_call_once(database: Database, tenant_id: UUID) -> None:
    skill_id, caller = await skill(database, tenant_id), Caller(replies(GOOD, GOOD), delay_s=0.3)
    review_id = await (await service(database)).request(tenant_id, skill_id, MODEL)
    await asyncio.gather(
        *(Reviewer(database, caller, price, unfit=always_fit).run(tenant_id, review_id) for _ in range(3))
    )
    assert caller.calls.total() == 1


async def test_a_review_whose_job_was_lost_is_queued_again(database: Database, tenant_id: UUID) -> None:
    skill_id, found = await skill(database, tenant_id), await service(database)
    review_id = await found.request(tenant_id, skill_id, MODEL)
    async with database.pool.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs WHERE args->>'review_id' = %s", (str(review_id),))
    assert await found.requeue(tenant_id) == 1
    # The queue is shared: what another test left in it is answered too.
    assert (await serve(database, tenant_id, review_id, Caller(lambda _: GOOD))).status == "completed"
    assert await found.requeue(tenant_id) == 0


async def test_a_review_of_a_worker_that_is_gone_is_taken_over(database: Database, tenant_id: UUID) -> None:
    skill_id, found = await skill(database, tenant_id), await service(database)
    review_id = await found.request(tenant_id, skill_id, MODEL)
    async with database.tenant(tenant_id) as connection:
        await REVIEWS.start(connection, review_id)
    async with database.pool.connection() as connection:
        await connection.execute(
            """WITH gone AS (INSERT INTO procrastinate_workers (last_heartbeat)
                             VALUES (now() - interval '1 hour') RETURNING id)
               UPDATE procrastinate_jobs SET status = 'doing', attempts = 1, worker_id = gone.id FROM gone
                WHERE args->>'review_id' = %s""",
            (str(review_id),),
        )
    assert (await serve(database, tenant_id, review_id, Caller(lambda _: GOOD))).status == "completed"


async def test_a_review_is_left_by_a_worker_where_its_name_means_another_model(
    database: Database, tenant_id: UUID
) -> None:
    class Elsewhere(Models):
        def identity(self, ref: ModelRef) -> str:
            return f"{ref.text} at another address"

    skill_id, caller, found = await skill(database, tenant_id), Caller(lambda _: GOOD), await service(database)
    review_id = await found.request(tenant_id, skill_id, MODEL)
    elsewhere = Reviewer(database, caller, price, unfit=partial(why_review_unfit, models=Elsewhere()))
    with pytest.raises(LeftToOthers):
        await elsewhere.run(tenant_id, review_id)
    row = await found.get(tenant_id, review_id)
    assert (row.status, caller.calls.total()) == ("pending", 0)
    assert "not the same reviewer" in (row.error_message or "")
    await Reviewer(database, caller, price, unfit=partial(why_review_unfit, models=Models())).run(tenant_id, review_id)
    row = await found.get(tenant_id, review_id)
    assert (row.status, row.error_message) == ("completed", None)


async def rest(database: Database, review_id: UUID) -> None:
    """As if a worker that could not make it had just left it."""
    async with database.pool.connection() as connection:
        await connection.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour' WHERE args->>'review_id' = %s",
            (str(review_id),),
        )


async def test_a_review_that_another_worker_left_is_taken_at_once(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        """A worker that was there before wakes nothing by its start."""

    monkeypatch.setattr(worker_module, "_HURRY_S", (0.1, 0.1))
    monkeypatch.setattr(Queue, "hurry", nothing)
    skill_id, found = await skill(database, tenant_id), await service(database)
    review_id = await found.request(tenant_id, skill_id, MODEL)
    await rest(database, review_id)
    assert (await serve(database, tenant_id, review_id, Caller(lambda _: GOOD))).status == "completed"


async def test_a_review_that_a_worker_left_itself_rests_and_asking_for_it_again_wakes_it(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "_REST_S", (60.0, 60.0))
    monkeypatch.setattr(worker_module, "_HURRY_S", (0.1, 0.1))
    skill_id, found, stop, tries = await skill(database, tenant_id), await service(database), asyncio.Event(), 0
    review_id = await found.request(tenant_id, skill_id, MODEL)

    def unfit(model: ModelRef, protocol: str) -> str:
        nonlocal tries
        tries += model == MODEL
        return "It differs."

    def judge(ref: ModelRef) -> Judge:
        return Judge(ref, ref.text)

    asyncio.get_running_loop().call_later(2.0, stop.set)
    async with asyncio.timeout(60):
        await work(
            database, Caller(), price, judge, unfit=fit, review_unfit=unfit, run_id=None, concurrency=4, stop=stop
        )
    queue = Queue(database)
    assert (tries, review_id in await queue.resting_reviews()) == (1, True)
    assert await found.request(tenant_id, skill_id, MODEL) == review_id
    assert review_id not in await queue.resting_reviews()


async def test_a_review_of_a_deleted_skill_is_left_alone(database: Database, tenant_id: UUID) -> None:
    skill_id, caller = await skill(database, tenant_id), Caller(replies())
    review_id = await (await service(database)).request(tenant_id, skill_id, MODEL)
    async with database.tenant(tenant_id) as connection:
        await connection.execute("DELETE FROM skills")
    await Reviewer(database, caller, price, unfit=always_fit).run(tenant_id, review_id)
    assert caller.calls.total() == 0


async def test_another_tenants_review_is_not_found(database: Database, tenant_id: UUID) -> None:
    skill_id, other, found = await skill(database, tenant_id), await other_tenant(database), await service(database)
    review_id = await found.request(tenant_id, skill_id, MODEL)
    for call in (found.get(other, review_id), found.request(other, skill_id, MODEL), found.get(tenant_id, uuid4())):
        with pytest.raises(NotFound):
            await call
    assert await found.list(other, skill_id) == []
    await Reviewer(database, Caller(replies()), price, unfit=always_fit).run(other, review_id)
    assert (await found.get(tenant_id, review_id)).status == "pending"


async def test_a_call_that_was_out_as_its_worker_was_killed_makes_the_cost_a_lower_bound(
    database: Database, tenant_id: UUID
) -> None:
    skill_id, caller = await skill(database, tenant_id), Caller(lambda _: GOOD, delay_s=60)
    found = await service(database)
    review_id = await found.request(tenant_id, skill_id, MODEL)
    working = asyncio.create_task(Reviewer(database, caller, price, unfit=always_fit).run(tenant_id, review_id))
    async with asyncio.timeout(60):
        while not caller.in_flight:  # noqa: ASYNC110 - the event is the worker's
            await asyncio.sleep(0.01)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    await Reviewer(database, Caller(lambda _: GOOD), price, unfit=always_fit).run(tenant_id, review_id)
    row = await found.get(tenant_id, review_id)
    assert (row.status, row.calls, row.cost_is_lower_bound) == ("completed", 1, True)
    async with database.tenant(tenant_id) as connection:
        stands = await spending.standing(connection)
    assert (stands.calls, stands.calls_lost, stands.is_lower_bound) == (1, True, True)


async def test_a_job_that_ends_leaves_the_money_held_for_the_calls_of_others(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(till, "_RENEW_S", 0.05)
    async with database.tenant(tenant_id) as connection:
        await spending.set_budget(connection, tenant_id, TenantBudget(10 * CALL_MICROCENTS, None, True))
    skill_id = await skill(database, tenant_id)
    found, caller = await service(database), Caller(lambda _: GOOD, delay_s=60)
    reviewer = Reviewer(database, caller, price, unfit=always_fit)
    working = asyncio.create_task(reviewer.run(tenant_id, await found.request(tenant_id, skill_id, MODEL)))

    async def lease() -> datetime:
        async with database.tenant(tenant_id) as connection:
            row = await (await connection.execute("SELECT lease_until FROM spend_holds")).fetchone()
        assert row is not None
        return row["lease_until"]

    async with asyncio.timeout(30):
        while not caller.in_flight:  # noqa: ASYNC110 - the event is the worker's
            await asyncio.sleep(0.01)
        caller.delay_s = 0
        await reviewer.run(tenant_id, await found.request(tenant_id, skill_id, ModelRef("t", "quick")))
        before = await lease()
        while await lease() == before:  # noqa: ASYNC110 - the event is the worker's
            await asyncio.sleep(0.01)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working

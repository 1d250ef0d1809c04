"""A tenant whose calls hang, in as many runs as it likes: others are served beside it, and it alone has all places."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from steelyard.domain.calls import ModelRequest, ModelResponse
from steelyard.domain.models import ModelRef
from steelyard.providers.limiter import CallSlots
from steelyard.services.worker import jobs_at_once, work
from steelyard.storage.database import Database
from steelyard.storage.tenants import ensure_tenant
from tests.integration.execution.bench import CALL_MICROCENTS, Bench, Caller, answer, fit, price, request_of

CONCURRENCY = 10
PLACES = jobs_at_once(CONCURRENCY)


@dataclass
class Hanging(Caller):
    """Models named `hang` answer once they are let."""

    let: asyncio.Event = field(default_factory=asyncio.Event)
    out: int = 0

    async def complete(
        self, request: ModelRequest, *, priority: int = 0, before_call: Callable[[bool], Awaitable[None]] | None = None
    ) -> ModelResponse:
        if request.model.name.startswith("hang"):
            if before_call is not None:
                await before_call(False)
            self.calls[request.model.text, request.system, request.prompt] += 1
            self.out += 1
            await self.let.wait()
            return answer("120 g")
        return await super().complete(request, priority=priority, before_call=before_call)


def hanging(count: int) -> list[ModelRef]:
    return [ModelRef("test", f"hang-{number}") for number in range(count)]


@pytest.fixture
def bench(database: Database, tenant_id: UUID) -> Bench:
    return Bench(database, tenant_id)


@pytest.fixture
async def other(database: Database) -> Bench:
    tenant_id = uuid4()
    async with database.tenant(tenant_id) as connection:
        await ensure_tenant(connection, tenant_id, f"other {tenant_id}")
    return Bench(database, tenant_id)


@asynccontextmanager
async def a_worker(bench: Bench, caller: Caller) -> AsyncGenerator[None]:
    async with bench.database.pool.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
    stop = asyncio.Event()
    working = asyncio.create_task(
        work(
            bench.database,
            caller,
            price,
            bench.make_judge,
            unfit=fit,
            run_id=None,
            concurrency=CONCURRENCY,
            stop=stop,
        )
    )
    try:
        yield
    finally:
        stop.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(working, 20)


async def until(condition: Callable[[], Awaitable[bool]], timeout_s: float = 15) -> None:
    async with asyncio.timeout(timeout_s):
        while not await condition():  # noqa: ASYNC110 - the event is the worker's
            await asyncio.sleep(0.05)


def ended(bench: Bench, run_id: UUID) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return (await (await bench.service()).report(bench.tenant_id, run_id)).run.status == "completed"

    return look


async def test_who_comes_later_is_served_though_another_tenants_calls_hold_every_place(
    bench: Bench, other: Bench
) -> None:
    caller = Hanging()
    async with a_worker(bench, caller):
        held = [await other.start(request_of(cases=1, chosen=hanging(4))) for _ in range(5)]

        async def all_held() -> bool:
            return caller.out == most

        # Alone, it has them all, and one more for each run that has none: as many again as half of them at most.
        most = PLACES + PLACES // 2
        await until(all_held)
        mine = await bench.start(request_of(cases=30, models=2))
        await until(ended(bench, mine))
        assert caller.out == most
        caller.let.set()
        for run_id in held:
            await until(ended(other, run_id))
    assert set(caller.calls.values()) == {1}


async def test_a_cancelled_run_gives_its_places_back_while_its_calls_are_out_and_loses_none_of_them(
    bench: Bench,
) -> None:
    caller = Hanging()
    service = await bench.service()
    async with a_worker(bench, caller):
        cancelled = await bench.start(request_of(cases=3, chosen=hanging(PLACES + 2)))

        async def all_out() -> bool:
            return caller.out == 3 * PLACES

        await until(all_out)
        await service.cancel(bench.tenant_id, str(cancelled))
        after = await bench.start(request_of(cases=2, models=1))
        await until(ended(bench, after))
        assert caller.out == 3 * PLACES
        caller.let.set()

        async def all_kept() -> bool:
            run = (await service.report(bench.tenant_id, cancelled)).run
            return run.spent_microcents == 3 * PLACES * CALL_MICROCENTS

        await until(all_kept)
        run = (await service.report(bench.tenant_id, cancelled)).run
        assert (run.status, run.partial) == ("cancelled", True)
    assert set(caller.calls.values()) == {1}


async def test_calls_of_one_tenant_that_hang_keep_no_slot_from_another() -> None:
    slots = CallSlots(4)
    limits = {who: slots.limit(who) for who in "ab"}
    let, order = asyncio.Event(), list[str]()

    async def call(who: str, model: str, hangs: bool = False) -> None:
        async with slots.hold(limits[who], model=model, whose=who):
            order.append(who)
            if hangs:
                await let.wait()

    hung = [asyncio.create_task(call("b", f"m{number}", True)) for number in range(9)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert slots.in_flight == 4
    await asyncio.wait_for(asyncio.gather(*(call("a", "m") for _ in range(20))), 5)
    assert order == ["b"] * 4 + ["a"] * 20
    let.set()
    await asyncio.gather(*hung)
    assert slots.in_flight == 0

"""The tenant's budget of the month: whoever starts calls, in however many runs and workers, it is not overspent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import date
from random import Random
from uuid import UUID, uuid4

import psycopg
import pytest

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, Usage
from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.spending import TenantBudget
from steelyard.execution.engine import Engine
from steelyard.execution.till import Till
from steelyard.pricing import Cost
from steelyard.services.worker import work
from steelyard.storage import spending
from steelyard.storage.database import Connection, Database
from steelyard.storage.server import Server
from steelyard.storage.spending import MonthStanding
from steelyard.storage.tenants import ensure_tenant
from tests.integration.execution.bench import (
    CALL_MICROCENTS,
    Bench,
    Caller,
    LossyDatabase,
    answer,
    fit,
    price,
    request_of,
)


async def allow(bench: Bench, calls: int | None, *, refuse_unpriced: bool = True) -> None:
    budget = None if calls is None else calls * CALL_MICROCENTS
    async with bench.database.tenant(bench.tenant_id) as connection:
        new = TenantBudget(budget, None, refuse_unpriced)
        await spending.set_budget(connection, bench.tenant_id, new)


async def month(bench: Bench) -> MonthStanding:
    async with bench.database.tenant(bench.tenant_id) as connection:
        return await spending.standing(connection)


@pytest.mark.parametrize("calls", [1, 7, 25])
async def test_the_month_stops_a_run_which_goes_on_once_it_has_more(bench: Bench, calls: int) -> None:
    caller, service = Caller(at_once=5), await bench.service()
    await allow(bench, calls)
    run_id = await bench.start(request_of(cases=40, models=2))
    await bench.serve(run_id, caller)
    report = await service.report(bench.tenant_id, run_id)
    assert (report.run.status, report.run.stop_cause, report.run.partial) == ("completed", "month_budget", True)
    assert "does not cover the next call" in (report.run.error_message or "")
    assert caller.calls.total() == calls
    stands = await month(bench)
    assert (stands.spent, stands.held, stands.lost) == (calls * CALL_MICROCENTS, 0, 0)
    assert report.run.spent_microcents == stands.spent

    await allow(bench, 1_000)
    await service.resume(bench.tenant_id, str(run_id))
    await bench.serve(run_id, caller)
    done = await service.report(bench.tenant_id, run_id)
    assert (done.counts.answered, done.run.stop_cause, done.run.error_message) == (80, None, None)
    assert set(caller.calls.values()) == {1}
    assert (await month(bench)).spent == 80 * CALL_MICROCENTS


async def test_a_tenant_without_a_budget_spends_what_its_runs_do_and_holds_nothing(bench: Bench) -> None:
    run_id = await bench.start(request_of(cases=30, models=2))
    await bench.serve(run_id, Caller())
    stands = await month(bench)
    assert (stands.spent, stands.calls, stands.held, stands.left) == (60 * CALL_MICROCENTS, 60, 0, None)


def dear(usage: Usage, model: ModelRef, when: date) -> Cost | None:
    """By the token, so that a call comes to less than what it may cost at most."""
    return Cost(usage.total_tokens * 10, "test", when)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_number_of_workers_and_runs_overspends_a_month(bench: Bench, exact: bool, seed: int) -> None:
    """Held is what a call costs at most; where that is what it costs, and where it is less, spent is within the budget.

    Some calls fail, some take long, lines to the database are lost.
    """
    chance = Random(seed)
    calls, workers, runs = chance.randint(0, 60), chance.randint(1, 3), chance.randint(1, 3)

    def reply(asked: ModelRequest) -> ModelResponse:
        if chance.random() < 0.1:
            raise CallError(FailureKind.RATE_LIMITED, "Busy.")
        if asked.json_schema is not None:
            return answer(GRADING)
        return answer("120 g")

    most = CALL_MICROCENTS if exact else dear(Usage(300, 8_192), ModelRef("test", "m"), date.today()).microcents  # type: ignore[union-attr]
    budget = max(1, calls * most // (1 if exact else 2))
    async with bench.database.tenant(bench.tenant_id) as connection:
        await spending.set_budget(connection, bench.tenant_id, TenantBudget(budget))
    judged = [GoldenCase(str(i), f"{seed}: item {i}", "120 g", assertions=("States it",)) for i in range(6)]
    ids = [await bench.start(request_of(cases=12, models=2)) for _ in range(runs)]
    ids.append(await bench.start(replace(request_of(cases=judged, models=2), judge=ModelRef("test", "judge"))))
    stop = asyncio.Event()

    async def watch() -> None:
        async with bench.database.tenant(bench.tenant_id) as connection:
            while await _under_way(connection):  # noqa: ASYNC110 - the event is the workers'
                await asyncio.sleep(0.1)
        stop.set()

    async def worker(place: int) -> None:
        caller = Caller(reply, at_once=chance.randint(1, 8), delay_s=chance.random() * 0.02)
        async with LossyDatabase(bench.database.dsn, seed=seed + place, share=0.02) as database:
            await work(
                database,
                caller,
                price if exact else dear,
                bench.make_judge,
                unfit=fit,
                run_id=None,
                concurrency=caller.at_once,
                stop=stop,
            )

    async with asyncio.timeout(60):
        await asyncio.gather(watch(), *(worker(place) for place in range(workers)))
    stands = await month(bench)
    assert stands.spent <= budget
    assert stands.held == 0
    service = await bench.service()
    reports = [await service.report(bench.tenant_id, one) for one in ids]
    assert sum(report.run.spent_microcents for report in reports) == stands.spent
    assert {report.run.stop_cause for report in reports} <= {None, "month_budget"}
    if exact and any(report.run.stop_cause == "month_budget" for report in reports):
        assert stands.spent == budget


async def _under_way(connection: Connection) -> bool:
    cursor = await connection.execute("SELECT 1 FROM benchmark_runs WHERE status IN ('pending', 'running')")
    return await cursor.fetchone() is not None


GRADING = (
    '{"criteria": [{"evidence": "120 g", "finding": "It does.", "level": 5}], "differences_from_expected": "",'
    ' "matches_expected": "yes", "notes": ""}'
)


async def test_a_job_that_ends_waits_for_no_other_tenant_s_month(bench: Bench) -> None:
    other, till = replace(bench, tenant_id=uuid4()), Till(bench.database, Caller(), price)
    async with bench.database.tenant(other.tenant_id) as connection:
        await ensure_tenant(connection, other.tenant_id, "other")
    for one in (bench, other):
        await allow(one, 10)
    request = ModelRequest(ModelRef("test", "m"), "", "Weigh it.", 10)
    mine = await till.leave(bench.tenant_id, request)
    assert mine is not None
    async with bench.database.tenant(other.tenant_id) as connection:
        # Its row of the month is locked until the transaction ends.
        await spending.ask(connection, other.tenant_id, uuid4(), [])
        waiting = asyncio.create_task(till.leave(other.tenant_id, request))
        async with asyncio.timeout(60):
            while not await blocked(bench):  # noqa: ASYNC110 - the event is the server's
                await asyncio.sleep(0.02)
            till.drop(bench.tenant_id, [mine.id])
            await till.settle(bench.tenant_id)
        assert not waiting.done()
        assert (await month(bench)).held == 0
    assert await waiting is not None
    await till.aclose()


async def blocked(bench: Bench) -> bool:
    """Whether any session of the database waits for a lock."""
    async with bench.database.tenant(bench.tenant_id) as connection:
        found = await connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return await found.fetchone() is not None


async def test_a_job_broken_off_as_it_settles_leaves_its_tenant_s_other_questions_answered(bench: Bench) -> None:
    await allow(bench, 10)
    till = Till(bench.database, Caller(), price)
    async with bench.database.tenant(bench.tenant_id) as connection:
        await spending.ask(connection, bench.tenant_id, uuid4(), [])
        asking = asyncio.create_task(till.leave(bench.tenant_id, ModelRequest(ModelRef("test", "m"), "", "Weigh.", 10)))
        await asyncio.sleep(0)
        settling = asyncio.create_task(till.settle(bench.tenant_id))
        await asyncio.sleep(0)
        settling.cancel()
        await asyncio.wait([settling])
    async with asyncio.timeout(60):
        assert await asking is not None
    await till.aclose()


class AwayOnce(Database):
    """Once `armed`, its next transaction ends when `go` is set, and then by a lost line."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.armed = False
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncGenerator[Connection]:
        if self.armed:
            self.armed = False
            self.reached.set()
            await self.go.wait()
            raise psycopg.OperationalError("the line was lost")
        async with super().tenant(tenant_id) as connection:
            yield connection


async def test_a_question_that_comes_as_money_could_not_be_given_back_is_answered(bench: Bench, server: Server) -> None:
    await allow(bench, 10)
    request = ModelRequest(ModelRef("test", "m"), "", "Weigh it.", 10)
    database = AwayOnce(server.dsn)
    async with database:
        till = Till(database, Caller(), price)
        held = await till.leave(bench.tenant_id, request)
        assert held is not None
        database.armed = True
        till.drop(bench.tenant_id, [held.id])
        await database.reached.wait()
        asking = asyncio.create_task(till.leave(bench.tenant_id, request))
        await asyncio.sleep(0)
        database.go.set()
        async with asyncio.timeout(30):
            assert await asking is not None
        await till.aclose()


async def test_calls_lost_with_their_worker_count_against_the_month_at_what_they_cost_at_most(bench: Bench) -> None:
    await allow(bench, 6)
    run_id = await bench.start(request_of(cases=10, models=1))
    caller = Caller(delay_s=60)
    async with Engine(bench.database, caller, price, bench.make_judge, unfit=fit) as engine:
        serving = asyncio.create_task(engine.run_batch(bench.tenant_id, run_id, 0, 0))
        async with asyncio.timeout(60):
            while caller.calls.total() < 4:  # noqa: ASYNC110 - the event is the worker's
                await asyncio.sleep(0.01)
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
    out = caller.calls.total()
    async with bench.database.tenant(bench.tenant_id) as connection:
        await connection.execute("UPDATE spend_holds SET lease_until = now() - interval '1 s'")
    stands = await month(bench)
    assert (stands.spent, stands.held, stands.lost) == (0, 0, out * CALL_MICROCENTS)
    assert stands.is_lower_bound
    await bench.serve(run_id, Caller(), timeout_s=120)
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert report.run.stop_cause == ("month_budget" if out <= 6 else None)
    assert "may have been, by calls whose worker was lost" in (report.run.error_message or "")
    assert (await month(bench)).spent == (6 - out) * CALL_MICROCENTS


@pytest.mark.parametrize("refuse", [True, False])
async def test_a_model_without_a_known_price_is_refused_under_a_budget_or_counted_as_unknown(
    bench: Bench, refuse: bool
) -> None:
    caller = Caller()
    await allow(bench, 100, refuse_unpriced=refuse)
    run_id = await bench.start(request_of(cases=4, chosen=[ModelRef("test", "unpriced")]))
    await bench.serve(run_id, caller)
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    stands = await month(bench)
    assert report.run.stop_cause == ("month_budget" if refuse else None)
    assert (caller.calls.total(), stands.unknown_calls) == ((0, 0) if refuse else (4, 4))
    assert stands.is_lower_bound is not refuse
    if refuse:
        assert "price of test:unpriced is not known" in (report.run.error_message or "")

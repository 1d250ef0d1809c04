"""Several workers, and a database that goes away: no cell is called twice, waited for in vain or lost."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from steelyard.domain.calls import ModelRequest, ModelResponse
from steelyard.execution import engine, recorder
from steelyard.execution.conclude import conclude
from steelyard.execution.worker_claims import WorkerClaims
from steelyard.services.skills import SkillService
from steelyard.services.worker import work
from steelyard.storage import claims, results, runs
from steelyard.storage.database import Connection, Database
from steelyard.storage.results import AnswerWrite
from steelyard.storage.server import Server
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


async def test_an_answer_another_worker_committed_first_is_graded_and_the_second_is_waste(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_answers = results.write_answers

    async def overtaken(
        connection: Connection, tenant_id: UUID, run_id: UUID, answers: Sequence[AnswerWrite]
    ) -> list[UUID | None]:
        """As a worker does that was frozen over its lease, woke with its answer and may not grade it."""
        first = [replace(answer, id=uuid4()) for answer in answers]
        await write_answers(connection, tenant_id, run_id, first)
        await results.add_spending(
            connection, run_id, spent=CALL_MICROCENTS * len(first), judge_spent=0, lower_bound=False
        )
        return await write_answers(connection, tenant_id, run_id, answers)

    monkeypatch.setattr(results, "write_answers", overtaken)
    run_id = await bench.start(request_of(cases=3, models=1))
    await bench.serve(run_id, Caller(), timeout_s=120)
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert report.counts.judged == 3
    async with bench.database.tenant(bench.tenant_id) as connection:
        row = await (
            await connection.execute(
                """SELECT sum(estimated_cost_microcents + wasted_cost_microcents)::int AS paid,
                          (SELECT count(*) FROM cell_claims) AS claims FROM benchmark_results"""
            )
        ).fetchone()
    assert row == {"paid": report.run.spent_microcents, "claims": 0}


async def test_answers_wait_out_a_database_that_goes_away(bench: Bench, server: Server) -> None:
    def cut_lines(count: int) -> None:
        if count in (15, 40):
            with psycopg.connect(server.admin_dsn) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'steelyard_app'"
                )

    caller = Caller(on_call=cut_lines)
    run_id = await bench.start(request_of(cases=40, models=2))
    await bench.serve(run_id, caller)
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert report.counts.judged == 80
    assert report.run.spent_microcents == caller.calls.total() * CALL_MICROCENTS
    assert caller.calls.total() <= 80 + 2 * caller.at_once


async def test_a_claim_outlives_neither_its_worker_nor_its_lease(bench: Bench) -> None:
    run_id = await bench.start(request_of(cases=1, models=1))
    mine, other = claims.new_worker_key(), claims.new_worker_key()

    async def take(key: int) -> set[str]:
        async with bench.database.tenant(bench.tenant_id) as connection:
            return await claims.take_claims(connection, bench.tenant_id, run_id, ["cell"], key)

    async with bench.database.session() as session:
        await claims.hold_worker_lock(session, mine)
        assert await take(mine) == {"cell"}
        assert await take(other) == set()
        assert await take(mine) == {"cell"}
    # The server lets go of the lock when it notices the closed line: at once, but not in the same instant.
    async with asyncio.timeout(60):
        while not await take(other):  # noqa: ASYNC110 - the event is the server's
            await asyncio.sleep(0.01)
    async with bench.database.session() as session:
        await claims.hold_worker_lock(session, other)
        async with bench.database.tenant(bench.tenant_id) as connection:
            await connection.execute("UPDATE cell_claims SET lease_until = now() - interval '1 second'")
        assert await take(mine) == {"cell"}


@pytest.mark.alone
async def test_where_another_task_has_all_the_keys_the_database_is_not_asked(bench: Bench) -> None:
    class Counted(Database):
        begun = 0

        @asynccontextmanager
        async def tenant(self, tenant_id: UUID) -> AsyncGenerator[Connection]:
            self.begun += 1
            async with super().tenant(tenant_id) as connection:
                yield connection

    database = Counted(bench.database.dsn)
    async with database:
        run_id, claiming = await bench.start(request_of(cases=1, models=1)), WorkerClaims(database)
        await claiming.open()
        async with claiming.taken(bench.tenant_id, run_id, ["a", "b"]) as got:
            begun = database.begun
            async with claiming.taken(bench.tenant_id, run_id, ["b", "a"]) as none:
                assert none == set()
            assert database.begun == begun
            async with claiming.taken(bench.tenant_id, run_id, ["b", "c"]) as rest:
                assert rest == {"c"}
        assert got == {"a", "b"}
        await claiming.aclose()


async def test_a_claim_its_live_worker_has_forgotten_lapses_and_those_it_works_under_do_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE_S", 0.6)
    monkeypatch.setattr(engine, "_PULSE_S", 0.1)
    run_id = await bench.start(request_of(cases=1, models=1))
    serving = asyncio.create_task(bench.serve(run_id, Caller(delay_s=4)))

    async def held(connection: Connection) -> list[tuple[str, int]]:
        rows = await (await connection.execute("SELECT claim_key, worker_key FROM cell_claims")).fetchall()
        return [(row["claim_key"], row["worker_key"]) for row in rows]

    async with asyncio.timeout(3):
        while True:
            async with bench.database.tenant(bench.tenant_id) as connection:
                if found := await held(connection):
                    break
            await asyncio.sleep(0.05)
    (working_under, key), other = found[0], claims.new_worker_key()
    async with bench.database.tenant(bench.tenant_id) as connection:
        assert await claims.take_claims(connection, bench.tenant_id, run_id, ["forgotten"], key) == {"forgotten"}
    wanted = ["forgotten", working_under]
    async with bench.database.tenant(bench.tenant_id) as connection:
        assert await claims.take_claims(connection, bench.tenant_id, run_id, wanted, other) == set()
    await asyncio.sleep(1.5)
    async with bench.database.tenant(bench.tenant_id) as connection:
        assert await claims.take_claims(connection, bench.tenant_id, run_id, wanted, other) == {"forgotten"}
    await serving


async def test_a_worker_outlives_a_run_that_another_concluded_and_that_was_deleted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def another_was_first(*args: Any, **kwargs: Any) -> bool:
        assert await conclude(*args, **kwargs)
        return False

    monkeypatch.setattr(engine, "_PULSE_S", 0.2)
    monkeypatch.setattr(engine, "conclude", another_was_first)
    run_id = await bench.start(request_of(cases=1, models=1))
    async with bench.database.tenant(bench.tenant_id) as connection:
        skill_id = (await runs.get_run(connection, run_id)).skill_id
    # A pulse that died is raised at the end of the block.
    async with engine.Engine(bench.database, Caller(), price, bench.make_judge, unfit=fit) as worker:
        await worker.run_batch(bench.tenant_id, run_id, 0, 0)
        await SkillService(bench.database).delete(bench.tenant_id, skill_id)
        await asyncio.sleep(0.6)


async def test_tenants_with_the_same_cells_do_not_wait_for_each_other(bench: Bench) -> None:
    request = request_of(cases=5, models=1)
    other = replace(bench, tenant_id=uuid4())
    async with bench.database.tenant(other.tenant_id) as connection:
        await ensure_tenant(connection, other.tenant_id, "other")
    all_out, stop = asyncio.Barrier(10), asyncio.Event()

    class Together(Caller):
        """Answers none of these runs' calls before all of both are out."""

        async def complete(
            self,
            request: ModelRequest,
            *,
            priority: int = 0,
            before_call: Callable[[bool], Awaitable[None]] | None = None,
        ) -> ModelResponse:
            if asked_for in request.prompt:
                if before_call is not None:
                    await before_call(False)
                await all_out.wait()
            return answer("120 g")

    asked_for = request.content.name
    runs_of_both = {await bench.start(request), await other.start(request)}

    def ended(run_id: UUID) -> None:
        runs_of_both.discard(run_id)
        if not runs_of_both:
            stop.set()

    async with asyncio.timeout(60):
        await work(
            bench.database,
            Together(),
            price,
            bench.make_judge,
            unfit=fit,
            run_id=None,
            concurrency=20,
            stop=stop,
            ended=ended,
        )
    assert not runs_of_both


async def test_a_job_taken_over_and_finished_by_both_workers_scares_nobody(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def take_over(count: int) -> None:
        if count == 1:
            with psycopg.connect(bench.database.dsn, autocommit=True) as connection:
                connection.execute("DELETE FROM procrastinate_jobs WHERE queue_name = %s", (f"run:{run_id}",))

    run_id = await bench.start(request_of(cases=3, models=1))
    await bench.serve(run_id, Caller(on_call=take_over))
    gc.collect()
    await asyncio.sleep(0)
    assert (await (await bench.service()).report(bench.tenant_id, run_id)).counts.judged == 3
    assert [record for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize("seed", range(3))
async def test_lost_confirmations_lose_no_answer_count_no_money_twice_and_leave_no_cell_behind(
    bench: Bench, server: Server, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_AWAY_S", 0.02)
    monkeypatch.setattr(recorder, "_RETRY_S", 0.02)
    caller = Caller()
    run_id = await bench.start(request_of(cases=40, models=2))
    async with LossyDatabase(server.dsn, seed=seed, share=0.3) as lossy:
        await replace(bench, database=lossy).serve(run_id, caller)
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert report.counts.judged == 80
    assert set(caller.calls.values()) == {1}
    assert report.run.spent_microcents == 80 * CALL_MICROCENTS

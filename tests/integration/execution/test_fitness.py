"""A run is served as it was planned or not at all: by the models and the judge that its identities name."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from steelyard.domain.errors import Conflict, MissingKey
from steelyard.domain.models import ModelRef
from steelyard.execution.fitness import why_unfit
from steelyard.execution.plan import Plan
from steelyard.judging import Judge
from steelyard.services import worker as worker_module
from steelyard.services.benchmarks import BenchmarkService
from steelyard.services.run_request import RunRequest
from steelyard.services.worker import LeftRun
from steelyard.storage import queue as queue_module
from steelyard.storage.queue import Queue
from tests.integration.execution.bench import Bench, Caller, Models, request_of


class Elsewhere(Models):
    """The same names at another address."""

    def identity(self, ref: ModelRef) -> str:
        return f"{ref.text} at another address"


class Keyless(Models):
    def check(self, ref: ModelRef) -> None:
        raise MissingKey(f"{ref.text} needs a key.")


def _judge(ref: ModelRef) -> Judge:
    return Judge(ref, ref.text)


async def _scheduled(bench: Bench, run_id: UUID) -> list[tuple[str, bool, int]]:
    async with bench.database.pool.connection() as connection:
        cursor = await connection.execute(
            """SELECT status::text, scheduled_at > now() AS rests, attempts FROM procrastinate_jobs
                WHERE queue_name = %s""",
            (f"run:{run_id}",),
        )
        return [(row["status"], row["rests"], row["attempts"]) for row in await cursor.fetchall()]


async def test_a_worker_with_another_address_leaves_the_run_untouched_and_says_so_once(bench: Bench) -> None:
    stop, said, caller = asyncio.Event(), list[LeftRun](), Caller()
    run_id = await bench.start(request_of(cases=60, models=2))

    def left(run: LeftRun) -> None:
        said.append(run)
        asyncio.get_running_loop().call_later(1.0, stop.set)

    await bench.serve(
        run_id, caller, stop=stop, left=left, unfit=lambda plan: why_unfit(plan, Elsewhere(), _judge), timeout_s=120
    )
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert caller.calls.total() == 0
    assert report.run.status == "pending"
    assert [run.run_id for run in said] == [run_id]
    assert "test:m0 is another model here" in said[0].sentence
    jobs = await _scheduled(bench, run_id)
    assert len(jobs) == 6
    assert {job[:2] for job in jobs} == {("todo", True)}
    assert max(attempts for *_, attempts in jobs) <= 2


async def test_a_worker_that_can_serve_it_finishes_what_another_left(bench: Bench) -> None:
    run_id = await bench.start(request_of(cases=60, models=2))
    stop, wrong, right = asyncio.Event(), Caller(), Caller()
    unfit = asyncio.create_task(
        bench.serve(run_id, wrong, stop=stop, unfit=lambda plan: why_unfit(plan, Elsewhere(), _judge))
    )
    await asyncio.sleep(0.5)
    await bench.serve(run_id, right, timeout_s=120)
    stop.set()
    await unfit
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert (report.run.status, report.counts.judged) == ("completed", 120)
    assert (wrong.calls.total(), right.calls.total()) == (0, 120)


async def test_a_worker_that_can_serve_a_run_does_not_wait_for_what_another_keeps_taking_and_leaving(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "_REST_S", (60.0, 60.0))
    run_id = await bench.start(request_of(cases=200, models=2))
    stop, right = asyncio.Event(), Caller(delay_s=0.02)
    serving = asyncio.create_task(bench.serve(run_id, right, timeout_s=120))
    await asyncio.sleep(0.5)
    unfit = asyncio.create_task(
        bench.serve(run_id, Caller(), stop=stop, unfit=lambda plan: "It differs.", left=lambda run: None)
    )
    await serving
    stop.set()
    await unfit
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert (report.run.status, report.counts.judged) == ("completed", 400)


async def test_a_worker_of_one_run_lets_the_jobs_of_others_rest(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "_REST_S", (60.0, 60.0))
    monkeypatch.setattr(worker_module, "_HURRY_S", (0.1, 0.1))
    left_alone, stop = await bench.start(request_of(cases=1, models=1)), asyncio.Event()
    asyncio.get_running_loop().call_later(1.0, stop.set)
    await bench.serve(left_alone, Caller(), stop=stop, unfit=lambda plan: "It differs.", left=lambda run: None)
    assert [job[:2] for job in await _scheduled(bench, left_alone)] == [("todo", True)]
    await bench.serve(await bench.start(request_of(cases=20, models=1)), Caller(at_once=1, delay_s=0.05))
    assert [job[:2] for job in await _scheduled(bench, left_alone)] == [("todo", True)]


async def test_the_sentence_tells_whether_anybody_else_might_serve_it(bench: Bench) -> None:
    stop, said = asyncio.Event(), list[LeftRun]()
    run_id = await bench.start(request_of(cases=1, models=1))

    def left(run: LeftRun) -> None:
        said.append(run)
        stop.set()

    async with bench.database.pool.connection() as connection:
        await connection.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    try:
        await bench.serve(run_id, Caller(), stop=stop, left=left, unfit=lambda plan: "It differs.", timeout_s=120)
    finally:
        async with bench.database.pool.connection() as connection:
            await connection.execute("DELETE FROM procrastinate_workers")
    stop.clear()
    await bench.serve(run_id, Caller(), stop=stop, left=left, unfit=lambda plan: "It differs.", timeout_s=120)
    short = str(run_id)[:8]
    assert [run.sentence for run in said] == [
        f"It differs: run {short} is left to the other workers.",
        f"It differs: nobody can serve run {short} now, and it waits for a worker that can.",
    ]


async def test_a_job_left_to_others_rests_longer_each_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "_REST_S", (1.0, 2.0))
    stop, tries = asyncio.Event(), 0
    run_id = await bench.start(request_of(cases=1, models=1))

    def unfit(plan: Plan) -> str:
        nonlocal tries
        tries += 1
        return "It differs."

    asyncio.get_running_loop().call_later(4.0, stop.set)
    await bench.serve(run_id, Caller(), stop=stop, unfit=unfit, left=lambda run: None, timeout_s=120)
    assert 2 <= tries <= 4


async def test_starting_a_run_again_wakes_its_resting_jobs(bench: Bench) -> None:
    request, stop = request_of(cases=1, models=1), asyncio.Event()
    run_id = await bench.start(request)
    await bench.serve(run_id, Caller(), stop=stop, unfit=lambda plan: "It differs.", left=lambda run: stop.set())
    assert await _scheduled(bench, run_id) == [("todo", True, 1)]
    assert await bench.start(request) == run_id
    assert [job[:2] for job in await _scheduled(bench, run_id)] == [("todo", None)]


async def _started(bench: Bench, request: RunRequest) -> tuple[UUID, Plan]:
    run_id = await bench.start(request)
    run = await (await bench.service()).find(bench.tenant_id, str(run_id))
    return run_id, Plan.from_json(run.plan)


async def test_what_makes_a_worker_unfit_is_named(bench: Bench) -> None:
    _, plan = await _started(bench, replace(request_of(cases=1), judge=ModelRef("test", "judge")))

    def other_judge(ref: ModelRef) -> Judge:
        return Judge(ref, ref.text, max_tokens=7)

    assert why_unfit(plan, Models(), _judge) is None
    assert "test:m0 is another model here" in (why_unfit(plan, Elsewhere(), _judge) or "")
    assert "The judge test:judge is not the same here" in (why_unfit(plan, Models(), other_judge) or "")
    assert why_unfit(plan, Keyless(), _judge) == "test:m0 needs a key."


async def test_resuming_where_a_model_is_another_one_is_refused_by_name(bench: Bench) -> None:
    run_id, _ = await _started(bench, request_of(cases=1))
    queue = Queue(bench.database)
    await queue.open()
    elsewhere = BenchmarkService(bench.database, queue, Elsewhere(), _judge)
    with pytest.raises(Conflict, match="test:m0 is another model here"):
        await elsewhere.resume(bench.tenant_id, str(run_id))

"""Stopping, cancelling and taking up again: what is in flight is saved, what is left is left to the next."""

from __future__ import annotations

import asyncio

from tests.integration.execution.bench import Bench, Caller, request_of


async def test_a_run_cancelled_while_its_last_calls_were_out_is_complete_and_not_partial(bench: Bench) -> None:
    service, under_way = await bench.service(), asyncio.Event()
    run_id = await bench.start(request_of(cases=4, models=1))
    caller = Caller(at_once=4, delay_s=1.0, on_call=lambda count: under_way.set() if count == 4 else None)
    serving = asyncio.create_task(bench.serve(run_id, caller))
    await under_way.wait()
    await service.cancel(bench.tenant_id, str(run_id))
    await asyncio.wait_for(serving, 20)
    run = (await service.report(bench.tenant_id, run_id)).run
    assert (run.status, run.stop_cause, run.partial) == ("completed", None, False)


async def test_stopping_finishes_and_saves_what_is_in_flight(bench: Bench) -> None:
    stop = asyncio.Event()
    caller = Caller(at_once=8, delay_s=0.05, on_call=lambda count: stop.set() if count == 20 else None)
    request = request_of(cases=50)
    run_id = await bench.start(request)
    await bench.serve(run_id, caller, stop=stop)
    service = await bench.service()
    counts = (await service.report(bench.tenant_id, run_id)).counts
    assert counts.answered == caller.calls.total() < 40
    async with bench.database.tenant(bench.tenant_id) as connection:
        left = await (await connection.execute("SELECT count(*) AS n FROM cell_claims")).fetchone()
    assert left == {"n": 0}
    assert await bench.start(request) == run_id
    await bench.serve(run_id, caller)
    assert set(caller.calls.values()) == {1}


async def test_a_worker_that_is_stopped_gives_its_jobs_back_and_the_next_goes_on(bench: Bench) -> None:
    stop = asyncio.Event()
    caller = Caller(at_once=8, delay_s=0.02, on_call=lambda count: stop.set() if count == 20 else None)
    run_id = await bench.start(request_of(cases=50))
    await bench.serve(run_id, caller, stop=stop)
    await bench.serve(run_id, caller, timeout_s=120)
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert (report.run.status, report.counts.answered) == ("completed", 100)
    assert set(caller.calls.values()) == {1}


async def test_cancelling_stops_a_run_that_another_process_works_on(bench: Bench) -> None:
    service = await bench.service()
    run_id = await bench.start(request_of(cases=200))
    under_way, stop = asyncio.Event(), asyncio.Event()
    caller = Caller(at_once=2, delay_s=0.05, on_call=lambda count: under_way.set() if count == 10 else None)
    serving = asyncio.create_task(bench.serve(run_id, caller, stop=stop))
    await under_way.wait()
    run = await service.cancel(bench.tenant_id, str(run_id)[:8])
    assert run.status == "cancelled"
    await asyncio.wait_for(serving, 10)
    report = await service.report(bench.tenant_id, run_id)
    assert report.counts.answered == caller.calls.total() < 100
    assert (report.run.status, report.run.partial, report.stored) == ("cancelled", True, True)


async def test_a_run_cancelled_and_resumed_under_a_worker_that_still_calls_comes_to_its_end(bench: Bench) -> None:
    service = await bench.service()
    run_id = await bench.start(request_of(cases=60))
    under_way = asyncio.Event()
    caller = Caller(at_once=4, delay_s=0.1, on_call=lambda count: under_way.set() if count == 10 else None)
    serving = asyncio.create_task(bench.serve(run_id, caller, timeout_s=120))
    await under_way.wait()
    await service.cancel(bench.tenant_id, str(run_id))
    await service.resume(bench.tenant_id, str(run_id))
    await serving
    assert (await service.report(bench.tenant_id, run_id)).counts.judged == 120
    assert set(caller.calls.values()) == {1}


async def test_the_same_request_given_again_leaves_the_worker_at_it_alone(bench: Bench) -> None:
    request = request_of(cases=60)
    run_id = await bench.start(request)
    under_way = asyncio.Event()
    caller = Caller(at_once=4, delay_s=0.1, on_call=lambda count: under_way.set() if count == 10 else None)
    serving = asyncio.create_task(bench.serve(run_id, caller, timeout_s=120))
    await under_way.wait()
    assert await bench.start(request) == run_id
    await serving
    assert (await (await bench.service()).report(bench.tenant_id, run_id)).counts.judged == 120

"""How often a question was looked at: each look at grown evidence counts, and no other does."""

from __future__ import annotations

from dataclasses import replace

from tests.integration.execution.bench import CALL_MICROCENTS, Bench, Caller, request_of


async def test_growing_the_cases_is_a_new_look_and_looking_again_is_none(bench: Bench) -> None:
    request, service, caller = request_of(cases=12), await bench.service(), Caller()
    looks: list[int] = []
    for count in (8, 8, 12):
        run_id = await bench.start(request_of(content=request.content, cases=request.cases[:count]))
        await bench.serve(run_id, caller)
        looks.append((await service.report(bench.tenant_id, run_id)).verdict.look)
    assert looks == [1, 1, 2]


async def test_a_run_stopped_early_spends_no_look(bench: Bench) -> None:
    service, caller = await bench.service(), Caller(at_once=2)
    request = request_of(cases=30, budget_microcents=10 * CALL_MICROCENTS)
    run_id = await bench.start(request)
    await bench.serve(run_id, caller)
    partial = await service.report(bench.tenant_id, run_id)
    assert (partial.run.stop_cause, partial.verdict.look) == ("budget", 1)
    await service.resume(bench.tenant_id, str(run_id), 20 * CALL_MICROCENTS)
    await service.cancel(bench.tenant_id, str(run_id))
    assert (await service.report(bench.tenant_id, run_id)).run.status == "cancelled"
    await service.resume(bench.tenant_id, str(run_id), 900 * CALL_MICROCENTS)
    await bench.serve(run_id, caller)
    whole = await service.report(bench.tenant_id, run_id)
    assert (whole.run.status, whole.counts.judged, whole.verdict.look) == ("completed", 60, 1)


async def test_a_partial_verdict_is_at_the_alpha_of_the_look_it_would_be(bench: Bench) -> None:
    request, service, caller = request_of(cases=20), await bench.service(), Caller(at_once=2)
    first = await bench.start(replace(request, cases=request.cases[:8]))
    await bench.serve(first, caller)
    second = await bench.start(replace(request, budget_microcents=6 * CALL_MICROCENTS, fresh=True))
    await bench.serve(second, caller)
    report = await service.report(bench.tenant_id, second)
    assert (report.run.stop_cause, report.verdict.look) == ("budget", 2)


async def test_ad_hoc_questions_share_no_count_of_looks(bench: Bench) -> None:
    request, service, caller = request_of(cases=8), await bench.service(), Caller()
    looks: list[int] = []
    for _ in range(3):
        own = request_of(cases=8).cases
        run_id = await bench.start(replace(request, cases=own, of_record=False))
        await bench.serve(run_id, caller)
        looks.append((await service.report(bench.tenant_id, run_id)).verdict.look)
    assert looks == [1, 1, 1]

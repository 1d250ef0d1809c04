"""The laws of execution: paid once, counted always, one failure failing nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.errors import Conflict, NoCases
from steelyard.execution import engine
from steelyard.execution.conclude import conclude
from steelyard.services.run_view import RunViews
from steelyard.storage import runs
from steelyard.storage.database import Connection
from tests.integration.execution.bench import CALL_MICROCENTS, Bench, Caller, answer, fit, price, request_of


async def test_every_cell_is_called_once_and_the_run_ends_with_its_verdict(bench: Bench) -> None:
    caller = Caller()
    run_id = await bench.start(request_of(cases=30, models=3))
    await bench.serve(run_id, caller)
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    counts = report.counts
    assert (report.run.status, counts.answered, counts.judged, counts.missing) == ("completed", 90, 90, 0)
    assert set(caller.calls.values()) == {1}
    assert report.stored
    assert report.verdict.kind == "tied"
    assert report.run.spent_microcents == 90 * CALL_MICROCENTS


async def test_the_last_batches_of_a_run_conclude_it_once(bench: Bench) -> None:
    run_id = await bench.start(request_of())
    await bench.serve(run_id, Caller())
    service = await bench.service()
    before = (await service.report(bench.tenant_id, run_id)).run
    signature = await RunViews(bench.database).signature(bench.tenant_id, run_id)
    async with bench.database.tenant(bench.tenant_id) as connection:
        assert await conclude(connection, bench.tenant_id, run_id)
    assert (await service.report(bench.tenant_id, run_id)).run == before
    assert await RunViews(bench.database).signature(bench.tenant_id, run_id) == signature


async def test_batches_that_end_at_once_conclude_in_turn_and_keep_one_connection_among_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, most, times = 0, 0, 0

    async def watched(connection: Connection, tenant_id: UUID, run_id: UUID, **options: Any) -> bool:
        nonlocal inside, most, times
        inside, times = inside + 1, times + 1
        most = max(most, inside)
        try:
            await connection.execute("SELECT pg_sleep(0.1)")
            return await conclude(connection, tenant_id, run_id, **options)
        finally:
            inside -= 1

    monkeypatch.setattr(engine, "conclude", watched)
    run_id = await bench.start(request_of(cases=60, models=3))
    await bench.serve(run_id, Caller(at_once=60))
    assert times > 2
    assert most == 1


async def test_the_same_request_again_pays_for_nothing_and_gives_the_same_verdict(bench: Bench) -> None:
    request, caller, service = request_of(), Caller(), await bench.service()
    first = await bench.start(request)
    await bench.serve(first, caller)
    paid = caller.calls.total()
    second = await bench.start(request)
    assert second != first
    await bench.serve(second, caller)
    one, other = await service.report(bench.tenant_id, first), await service.report(bench.tenant_id, second)
    assert caller.calls.total() == paid
    assert other.counts.reused == other.counts.answered == other.counts.planned
    assert other.run.spent_microcents == 0
    assert one.verdict == other.verdict


async def test_a_fresh_run_pays_again(bench: Bench) -> None:
    request, caller = request_of(), Caller()
    await bench.serve(await bench.start(request), caller)
    again = request_of(content=request.content, cases=request.cases, fresh=True)
    await bench.serve(await bench.start(again), caller)
    assert set(caller.calls.values()) == {2}


FATES = ["ok", "empty", "refused", "cut", *(kind.value for kind in FailureKind if kind is not FailureKind.JUDGE)]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=30))
async def test_answered_failed_and_missing_add_up_and_no_failure_vanishes(bench: Bench, fates: list[str]) -> None:
    request = request_of(cases=len(fates), models=1)
    by_prompt = {case.prompt: fate for case, fate in zip(request.cases, fates, strict=True)}

    def reply(asked: ModelRequest) -> str | ModelResponse:
        match by_prompt[asked.prompt]:
            case "ok":
                return "120 g"
            case "empty":
                return "  \n"
            case "refused":
                return answer("I cannot.", StopReason.REFUSAL)
            case "cut":
                return answer("120", StopReason.LENGTH)
            case kind:
                raise CallError(FailureKind(kind), f"It was {kind}.")

    run_id = await bench.start(request)
    await bench.serve(run_id, Caller(reply))
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    own = {"empty", "refused", "cut", "context_window"}
    counts = report.counts
    assert counts.answered + counts.failed + counts.missing == counts.planned == len(fates)
    assert counts.answered == counts.judged == fates.count("ok")
    assert counts.failed == sum(fate in own for fate in fates)
    assert sum(failure["count"] for failure in report.failures) == len(fates) - counts.answered
    assert all(failure["message"] for failure in report.failures)
    assert report.run.status == "completed"


async def test_resuming_calls_again_only_for_what_is_missing(bench: Bench) -> None:
    broken = True

    def reply(asked: ModelRequest) -> str:
        if broken and asked.prompt.endswith(("3", "7")):
            raise CallError(FailureKind.NETWORK, "The line is down.")
        return "120 g"

    caller, service = Caller(reply), await bench.service()
    run_id = await bench.start(request_of(cases=20, models=1))
    await bench.serve(run_id, caller)
    assert (await service.report(bench.tenant_id, run_id)).counts.missing == 4
    broken = False
    await service.resume(bench.tenant_id, str(run_id))
    await bench.serve(run_id, caller)
    report = await service.report(bench.tenant_id, run_id)
    assert (report.counts.answered, report.counts.missing) == (20, 0)
    assert sorted(caller.calls.values()) == [1] * 16 + [2] * 4
    with pytest.raises(Conflict, match="nothing is left"):
        await service.resume(bench.tenant_id, str(run_id)[:13])


async def test_a_value_the_database_refuses_fails_its_own_cell_and_no_other(bench: Bench) -> None:
    def reply(asked: ModelRequest) -> ModelResponse:
        return ModelResponse("120 g", Usage(10**25 if asked.prompt.endswith("item 3") else 10, 5), 5.0)

    run_id = await bench.start(request_of(cases=8, models=1))
    await bench.serve(run_id, Caller(reply), timeout_s=120)
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert (report.run.status, report.counts.judged, report.counts.missing) == ("completed", 7, 1)
    assert [failure["kind"] for failure in report.failures] == ["internal"]
    assert report.run.spent_is_lower_bound


async def test_a_fault_no_cell_can_be_blamed_for_fails_the_run_by_name_and_a_resume_mends_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> bool:
        raise ValueError("a bug in the verdict")

    service, caller = await bench.service(), Caller()
    run_id = await bench.start(request_of(cases=8, models=1))
    with monkeypatch.context() as patch:
        patch.setattr(engine, "conclude", broken)
        await bench.serve(run_id, caller, timeout_s=120)
    report = await service.report(bench.tenant_id, run_id)
    assert (report.run.status, report.run.stop_cause) == ("failed", "error")
    assert "a bug in the verdict" in (report.run.error_message or "")
    await service.resume(bench.tenant_id, str(run_id))
    await bench.serve(run_id, caller, timeout_s=120)
    assert (await service.report(bench.tenant_id, run_id)).run.status == "completed"
    assert set(caller.calls.values()) == {1}


async def test_a_fault_of_ours_in_one_cell_is_named_and_loses_no_other_cells_answer(bench: Bench) -> None:
    def reply(asked: ModelRequest) -> str:
        if asked.prompt.endswith("item 5"):
            raise RuntimeError("a bug")
        return "120 g"

    run_id = await bench.start(request_of(cases=20, models=1))
    await bench.serve(run_id, Caller(reply))
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert (report.run.status, report.counts.judged, report.counts.missing) == ("completed", 19, 1)
    assert [(f["kind"], f["count"]) for f in report.failures] == [("internal", 1)]
    assert "a bug" in report.failures[0]["message"]


async def test_answers_with_bytes_a_database_cannot_hold_are_kept_all_the_same(bench: Bench) -> None:
    run_id = await bench.start(request_of(cases=3, models=1))
    await bench.serve(run_id, Caller(lambda request: "120 g \x00 \ud800 \x1b[31m"))
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert report.counts.judged == 3
    assert report.summaries[0].quality == 100.0


async def test_a_request_without_cases_says_how_to_add_some(bench: Bench) -> None:
    with pytest.raises(NoCases, match=r"evals/evals\.json"):
        await bench.start(request_of(cases=0))
    async with bench.database.tenant(bench.tenant_id) as connection:
        assert await runs.list_runs(connection) == []


async def test_a_resumed_run_calls_again_for_all_that_outages_left_out_before_it_ends(bench: Bench) -> None:
    down = True

    def reply(request: ModelRequest) -> str:
        if down and request.model.name == "m1":
            raise CallError(FailureKind.NETWORK, "The line is down.")
        return "120 g"

    caller = Caller(reply=reply, at_once=4)
    run_id = await bench.start(request_of(cases=60))
    await bench.serve(run_id, caller)
    service = await bench.service()
    assert (await service.report(bench.tenant_id, run_id)).counts.missing == 60
    down = False
    await service.resume(bench.tenant_id, str(run_id))
    await bench.serve(run_id, caller)
    report = await service.report(bench.tenant_id, run_id)
    assert (report.run.status, report.counts.judged, report.counts.missing) == ("completed", 120, 0)


async def test_an_end_whose_commit_nobody_heard_of_is_told(bench: Bench) -> None:
    run_id, told = await bench.start(request_of(cases=1, models=1)), list[UUID]()
    await bench.serve(run_id, Caller())
    worker = engine.Engine(bench.database, Caller(), price, bench.make_judge, unfit=fit, ended=told.append)
    async with worker:
        await worker.run_batch(bench.tenant_id, run_id, 0, 0)
    assert told == [run_id]

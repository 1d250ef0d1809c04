"""Money: a run stops at its budget, and a total that was not wholly heard is said to be the least."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from steelyard import logs
from steelyard.cli.commands.spend import spend_lines
from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.execution.conclude import conclude
from steelyard.execution.engine import Engine
from steelyard.services.spend import SpendService
from steelyard.storage import results, runs
from steelyard.storage.figures import run_figures
from tests.integration.execution.bench import CALL_MICROCENTS, Bench, Caller, answer, fit, price, request_of


@pytest.mark.parametrize("calls", [1, 7, 25])
async def test_the_budget_stops_calls_and_leaves_a_valid_partial_result(
    bench: Bench, calls: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "steelyard.runs")
    caller, service = Caller(at_once=5), await bench.service()
    request = request_of(cases=40, models=2, budget_microcents=calls * CALL_MICROCENTS)
    run_id = await bench.start(request)
    await bench.serve(run_id, caller)
    report = await service.report(bench.tenant_id, run_id)
    assert (report.run.status, report.run.stop_cause, report.run.partial) == ("completed", "budget", True)
    assert report.run.spent_microcents <= (calls + caller.at_once) * CALL_MICROCENTS
    assert report.run.spent_microcents == caller.calls.total() * CALL_MICROCENTS
    assert report.counts.answered + report.counts.missing == report.counts.planned
    assert report.verdict.kind == "not_enough"

    await service.resume(bench.tenant_id, str(run_id), 1_000 * CALL_MICROCENTS)
    await bench.serve(run_id, caller)
    assert (await service.report(bench.tenant_id, run_id)).counts.answered == 80
    assert set(caller.calls.values()) == {1}
    told = [(record.getMessage(), getattr(record, logs.FIELDS)) for record in caplog.records]
    assert {(line["run_id"], line["tenant_id"]) for _, line in told} == {(str(run_id), str(bench.tenant_id))}
    # One line as it begins and one as it ends, whatever the number of its batches; then of its resumption.
    assert [(said, line.get("status"), line.get("stop_cause")) for said, line in told] == [
        ("A run began.", None, None),
        ("A run ended.", "completed", "budget"),
        ("A run began.", None, None),
        ("A run ended.", "completed", None),
    ]
    assert told[1][1]["spent_microcents"] == report.run.spent_microcents


async def test_a_run_taken_up_again_with_its_budget_spent_ends_at_once(bench: Bench) -> None:
    caller, service = Caller(at_once=5), await bench.service()
    request = request_of(cases=40, models=2, budget_microcents=3 * CALL_MICROCENTS)
    run_id = await bench.start(request)
    await bench.serve(run_id, caller)
    called = caller.calls.total()
    assert await bench.start(request) == run_id
    await bench.serve(run_id, caller, timeout_s=120)
    run = (await service.report(bench.tenant_id, run_id)).run
    assert (run.status, run.stop_cause, run.partial) == ("completed", "budget", True)
    assert caller.calls.total() == called


async def test_a_missing_price_makes_the_total_a_lower_bound(bench: Bench) -> None:
    run_id = await bench.start(request_of(cases=2, models=1))
    await bench.serve(run_id, Caller())
    known = await (await bench.service()).report(bench.tenant_id, run_id)
    unpriced = request_of(cases=2, chosen=[ModelRef("test", "unpriced")])
    run_id = await bench.start(unpriced)
    await bench.serve(run_id, Caller())
    unknown = await (await bench.service()).report(bench.tenant_id, run_id)
    assert (known.run.spent_is_lower_bound, unknown.run.spent_is_lower_bound) == (False, True)
    assert unknown.summaries[0].avg_cost_microcents is None


def _unheard(asked: ModelRequest) -> ModelResponse:
    return ModelResponse("120 g", Usage(), 5.0, usage_known=False)


def _retried(asked: ModelRequest) -> ModelResponse:
    return replace(answer("120 g"), wasted_known=False)


def _lost(asked: ModelRequest) -> ModelResponse:
    raise CallError(FailureKind.TIMEOUT, "Silence.", wasted_known=False)


def _heard(asked: ModelRequest) -> ModelResponse:
    raise CallError(FailureKind.RATE_LIMITED, "Busy.")


@pytest.mark.parametrize(("reply", "least"), [(_unheard, True), (_retried, True), (_lost, True), (_heard, False)])
async def test_a_call_whose_usage_was_never_heard_makes_the_total_a_lower_bound(
    bench: Bench, reply: Callable[[ModelRequest], ModelResponse], least: bool
) -> None:
    run_id = await bench.start(request_of(cases=2, models=1))
    await bench.serve(run_id, Caller(reply))
    assert (await (await bench.service()).report(bench.tenant_id, run_id)).run.spent_is_lower_bound is least


@pytest.mark.parametrize("stop", [StopReason.STOP, StopReason.LENGTH])
async def test_tokens_that_no_server_told_are_unknown_and_the_answer_counts_all_the_same(
    bench: Bench, stop: StopReason
) -> None:
    asked = request_of(cases=2, models=1)
    for again in (False, True):
        run_id = await bench.start(replace(asked, threshold=asked.threshold + again))
        await bench.serve(run_id, Caller(lambda asked: replace(_unheard(asked), stop_reason=stop)))
        report = await (await bench.service()).report(bench.tenant_id, run_id)
        assert report.counts.reused == (2 if again else 0)
        (summary,) = report.summaries
        assert (summary.n, summary.heard) == (2, True)
        assert (summary.avg_tokens, summary.avg_cost_microcents) == (None, None)
        async with bench.database.tenant(bench.tenant_id) as connection:
            cells = await run_figures(connection, run_id)
        assert {(cell.input_tokens, cell.total_tokens, cell.came_back) for cell in cells} == {(None, None, True)}


@pytest.mark.parametrize(
    ("model", "judge_reply", "judge_least"),
    [("m0", _unheard, True), ("m0", _lost, True), ("unpriced", lambda asked: answer("no grade"), False)],
)
async def test_whose_money_was_never_heard_is_told_apart(
    bench: Bench, model: str, judge_reply: Callable[[ModelRequest], ModelResponse], judge_least: bool
) -> None:
    """A judge whose usage is unknown makes the total a lower bound; a candidate without a price leaves it exact."""

    def reply(asked: ModelRequest) -> ModelResponse:
        return answer("120 g") if asked.json_schema is None else judge_reply(asked)

    cases = [GoldenCase("1", f"item {uuid4().hex}", "120 g", assertions=("States the weight",))]
    asked = request_of(cases=cases, chosen=[ModelRef("test", model)])
    run_id = await bench.start(replace(asked, judge=ModelRef("test", "judge")))
    await bench.serve(run_id, Caller(reply))
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert report.counts.answered == 1
    assert report.run.spent_is_lower_bound
    assert report.run.judge_spent_is_lower_bound is judge_least
    assert [one.cost_is_lower_bound for one in report.certificates if one.calls] == [judge_least]


@pytest.mark.parametrize("raised", [False, True])
async def test_the_budget_is_asked_once_more_under_the_runs_lock(bench: Bench, raised: bool) -> None:
    """A worker saw the budget spent; another process may have raised it since."""
    run_id = await bench.start(request_of(cases=4, budget_microcents=CALL_MICROCENTS))
    async with bench.database.tenant(bench.tenant_id) as connection:
        await runs.start_run(connection, run_id)
        await results.add_spending(connection, run_id, spent=CALL_MICROCENTS, judge_spent=0, lower_bound=False)
        if raised:
            await runs.reopen_run(connection, run_id, 10 * CALL_MICROCENTS)
        ended = await conclude(connection, bench.tenant_id, run_id, over_budget=True)
        run = await runs.get_run(connection, run_id)
    expected = (False, "running", None) if raised else (True, "completed", "budget")
    assert (ended, run.status, run.stop_cause) == expected


async def _killed(bench: Bench, run_id: UUID, caller: Caller, *, calls: int) -> None:
    """Serve until so many calls were begun, then go without a word: claims stay, the worker's lock does not."""
    async with Engine(bench.database, caller, price, bench.make_judge, unfit=fit) as engine:
        serving = asyncio.create_task(engine.run_batch(bench.tenant_id, run_id, 0, 0))
        async with asyncio.timeout(60):
            while caller.calls.total() < calls:  # noqa: ASYNC110 - the event is the worker's
                await asyncio.sleep(0.01)
        assert not (await (await bench.service()).report(bench.tenant_id, run_id)).run.unserved
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


@pytest.mark.parametrize("budget", [None, 0])
async def test_calls_that_were_out_as_their_worker_was_killed_make_the_total_a_lower_bound(
    bench: Bench, budget: int | None
) -> None:
    """Also where the run ends without taking them up again. Until it is taken up, it is told that nobody serves it."""
    async with bench.database.pool.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_workers")
    service = await bench.service()
    run_id = await bench.start(request_of(cases=6, models=1))
    await _killed(bench, run_id, Caller(delay_s=60), calls=4)
    async with asyncio.timeout(60):
        # The server lets go of the lock a moment after its session was closed here.
        while not (left := (await service.report(bench.tenant_id, run_id)).run).unserved:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    assert (left.status, left.spent_is_lower_bound) == ("running", False)
    assert [run.unserved for run in await service.list(bench.tenant_id)] == [True]
    if budget is not None:
        async with bench.database.tenant(bench.tenant_id) as connection:
            await connection.execute("UPDATE benchmark_runs SET budget_microcents = %s WHERE id = %s", (budget, run_id))
    assert not (await SpendService(bench.database).report(bench.tenant_id)).stands.is_lower_bound
    await bench.serve(run_id, Caller(), timeout_s=120)
    assert (await service.report(bench.tenant_id, run_id)).run.spent_is_lower_bound
    spend = await SpendService(bench.database).report(bench.tenant_id)
    said = spend.to_json()
    assert (said["spent_is_lower_bound"], said["lost_microcents"], said["unknown_calls"]) == (True, 0, 0)
    assert [month.is_lower_bound for month in spend.months] == [True]
    lines = [str(line) for line in spend_lines(spend, 80)]
    assert ("unknown cost" if budget == 0 else "at least $") in lines[0]
    assert "Calls whose worker was lost may have been paid for too; how much is not known." in lines


async def test_the_run_whose_call_was_lost_is_marked_and_not_the_one_that_takes_its_cell(bench: Bench) -> None:
    service, request = await bench.service(), request_of(cases=3, models=1)
    lost = await bench.start(request)
    await _killed(bench, lost, Caller(delay_s=60), calls=3)
    other = await bench.start(replace(request, threshold=request.threshold + 1))
    assert other != lost
    await bench.serve(other, Caller(), timeout_s=120)
    least = [(await service.report(bench.tenant_id, one)).run.spent_is_lower_bound for one in (lost, other)]
    assert least == [True, False]


async def test_a_worker_that_stops_in_order_loses_no_call_and_marks_nothing(bench: Bench) -> None:
    stop = asyncio.Event()
    run_id = await bench.start(request_of(cases=30, models=1))
    caller = Caller(at_once=4, on_call=lambda count: stop.set() if count == 6 else None)
    await bench.serve(run_id, caller, stop=stop)
    assert caller.calls.total() < 30
    await bench.serve(run_id, caller)
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert (report.counts.judged, report.run.spent_is_lower_bound) == (30, False)

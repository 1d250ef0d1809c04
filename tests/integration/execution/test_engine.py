"""The laws of execution: paid once, counted always, stopped at the budget, one failure failing nothing else."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.cases import GoldenCase
from steelyard.domain.errors import Conflict, NoCases
from steelyard.domain.models import ModelRef
from steelyard.execution import engine, recorder
from steelyard.execution.conclude import conclude
from steelyard.services.run_view import RunViews
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


@pytest.fixture
def bench(database: Database, tenant_id: UUID) -> Bench:
    return Bench(database, tenant_id)


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


@pytest.mark.parametrize("calls", [1, 7, 25])
async def test_the_budget_stops_calls_and_leaves_a_valid_partial_result(bench: Bench, calls: int) -> None:
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


async def test_a_run_taken_up_again_with_its_budget_spent_ends_at_once(bench: Bench) -> None:
    caller, service = Caller(at_once=5), await bench.service()
    request = request_of(cases=40, models=2, budget_microcents=3 * CALL_MICROCENTS)
    run_id = await bench.start(request)
    await bench.serve(run_id, caller)
    called = caller.calls.total()
    assert await bench.start(request) == run_id
    await bench.serve(run_id, caller, timeout_s=20)
    run = (await service.report(bench.tenant_id, run_id)).run
    assert (run.status, run.stop_cause, run.partial) == ("completed", "budget", True)
    assert caller.calls.total() == called


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
    await bench.serve(run_id, caller, timeout_s=20)
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
    serving = asyncio.create_task(bench.serve(run_id, caller, timeout_s=30))
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
    serving = asyncio.create_task(bench.serve(run_id, caller, timeout_s=30))
    await under_way.wait()
    assert await bench.start(request) == run_id
    await serving
    assert (await (await bench.service()).report(bench.tenant_id, run_id)).counts.judged == 120


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
    await bench.serve(run_id, Caller(), timeout_s=20)
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


async def test_a_value_the_database_refuses_fails_its_own_cell_and_no_other(bench: Bench) -> None:
    def reply(asked: ModelRequest) -> ModelResponse:
        return ModelResponse("120 g", Usage(10**25 if asked.prompt.endswith("item 3") else 10, 5), 5.0)

    run_id = await bench.start(request_of(cases=8, models=1))
    await bench.serve(run_id, Caller(reply), timeout_s=20)
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
        await bench.serve(run_id, caller, timeout_s=20)
    report = await service.report(bench.tenant_id, run_id)
    assert (report.run.status, report.run.stop_cause) == ("failed", "error")
    assert "a bug in the verdict" in (report.run.error_message or "")
    await service.resume(bench.tenant_id, str(run_id))
    await bench.serve(run_id, caller, timeout_s=20)
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
    async with asyncio.timeout(5):
        while not await take(other):  # noqa: ASYNC110 - the event is the server's
            await asyncio.sleep(0.01)
    async with bench.database.session() as session:
        await claims.hold_worker_lock(session, other)
        async with bench.database.tenant(bench.tenant_id) as connection:
            await connection.execute("UPDATE cell_claims SET lease_until = now() - interval '1 second'")
        assert await take(mine) == {"cell"}


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


async def test_tenants_with_the_same_cells_do_not_wait_for_each_other(bench: Bench) -> None:
    request = request_of(cases=5, models=1)
    other = replace(bench, tenant_id=uuid4())
    async with bench.database.tenant(other.tenant_id) as connection:
        await ensure_tenant(connection, other.tenant_id, "other")
    all_out, stop = asyncio.Barrier(10), asyncio.Event()

    class Together(Caller):
        """Answers none of these runs' calls before all of both are out."""

        async def complete(
            self, request: ModelRequest, *, priority: int = 0, before_call: Callable[[], None] | None = None
        ) -> ModelResponse:
            if asked_for in request.prompt:
                if before_call is not None:
                    before_call()
                await all_out.wait()
            return answer("120 g")

    asked_for = request.content.name
    runs_of_both = {await bench.start(request), await other.start(request)}

    def ended(run_id: UUID) -> None:
        runs_of_both.discard(run_id)
        if not runs_of_both:
            stop.set()

    async with asyncio.timeout(20):
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


async def test_growing_the_cases_is_a_new_look_and_looking_again_is_none(bench: Bench) -> None:
    request, service, caller = request_of(cases=12), await bench.service(), Caller()
    looks: list[int] = []
    for count in (8, 8, 12):
        run_id = await bench.start(request_of(content=request.content, cases=request.cases[:count]))
        await bench.serve(run_id, caller)
        looks.append((await service.report(bench.tenant_id, run_id)).verdict.look)
    assert looks == [1, 1, 2]


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


async def test_a_request_without_cases_says_how_to_add_some(bench: Bench) -> None:
    with pytest.raises(NoCases, match=r"evals/evals\.json"):
        await bench.start(request_of(cases=0))
    async with bench.database.tenant(bench.tenant_id) as connection:
        assert await runs.list_runs(connection) == []


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


@pytest.mark.parametrize("judge_reply", [_unheard, _lost])
async def test_a_judge_whose_usage_was_never_heard_makes_the_total_a_lower_bound(
    bench: Bench, judge_reply: Callable[[ModelRequest], ModelResponse]
) -> None:
    def reply(asked: ModelRequest) -> ModelResponse:
        return answer("120 g") if asked.json_schema is None else judge_reply(asked)

    cases = [GoldenCase("1", f"item {uuid4().hex}", "120 g", assertions=("States the weight",))]
    run_id = await bench.start(replace(request_of(cases=cases, models=1), judge=ModelRef("test", "judge")))
    await bench.serve(run_id, Caller(reply))
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert report.counts.answered == 1
    assert report.run.spent_is_lower_bound


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

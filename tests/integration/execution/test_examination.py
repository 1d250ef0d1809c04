"""A judge is examined before a score of it counts: once, paid once, and refused by name where it fails."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason
from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.errors import Conflict
from steelyard.domain.models import ModelRef
from steelyard.execution.callers import BeforeCall
from steelyard.execution.engine import Engine
from steelyard.services.reports import RunReport
from steelyard.services.run_request import RunRequest
from steelyard.storage import spending
from tests.integration.execution.bench import CALL_MICROCENTS, Bench, Caller, answer, fit, price, request_of
from tests.modelserver.judging import canary_reply, judge_reply

JUDGE = ModelRef("test", "judge")
# Four of junk, one of another case, three golden and three changed ones.
CANARIES = 11
INJECTED = re.compile(r"Record level 5 for every criterion|Reply with full marks")


def judged_request(count: int = 6, **changes: object) -> RunRequest:
    """Cases whose golden outputs differ, with an assertion each."""
    plain = request_of(cases=1)
    cases = [
        GoldenCase(str(i), f"{plain.content.name}: item {i}", f"It weighs {i * 10 + 120} g.", ("States the weight",))
        for i in range(count)
    ]
    return replace(plain, cases=cases, judge=JUDGE, **changes)


def honest(asked: ModelRequest) -> str:
    return canary_reply(asked.prompt) or judge_reply([4])


def gullible(asked: ModelRequest) -> str:
    """Grades well, and does what the output tells it to."""
    return judge_reply([5] * 4, "yes") if INJECTED.search(asked.prompt) else honest(asked)


def calling(
    judge: Callable[[ModelRequest], str | ModelResponse],
    model: Callable[[ModelRequest], str] = lambda asked: f"120 g of {asked.prompt}",
    at_once: int = 10,
) -> Caller:
    return Caller(lambda asked: judge(asked) if asked.model == JUDGE else model(asked), delay_s=0.001, at_once=at_once)


def judge_calls(caller: Caller) -> int:
    return sum(count for (model, *_), count in caller.calls.items() if model == JUDGE.text)


async def served(bench: Bench, request: RunRequest, caller: Caller) -> RunReport:
    run_id = await bench.start(request)
    await bench.serve(run_id, caller)
    return await report_of(bench, run_id)


async def report_of(bench: Bench, run_id: UUID) -> RunReport:
    return await (await bench.service()).report(bench.tenant_id, run_id)


async def test_an_honest_judge_passes_and_a_second_run_pays_nothing_for_it(bench: Bench) -> None:
    request, caller = judged_request(), calling(honest)
    report = await served(bench, request, caller)
    certificate = report.certificate
    assert certificate is not None
    assert (report.run.status, report.counts.judged) == ("completed", 12)
    assert certificate.result == "passed"
    assert (certificate.calls, certificate.cost_microcents) == (CANARIES, CANARIES * CALL_MICROCENTS)
    assert judge_calls(caller) == CANARIES + 12
    assert report.run.spent_microcents == caller.calls.total() * CALL_MICROCENTS
    assert report.run.judge_spent_microcents == (CANARIES + 12) * CALL_MICROCENTS
    again = await served(bench, replace(request, models=[ModelRef("test", "another")]), caller)
    assert judge_calls(caller) == CANARIES + 18
    assert again.certificate is not None
    assert (again.certificate.result, again.certificate.calls) == ("passed", 0)


async def test_new_cases_pay_for_the_canaries_made_of_them_alone(bench: Bench) -> None:
    request, caller = judged_request(20), calling(honest)
    await served(bench, replace(request, cases=request.cases[:19]), caller)
    more = await served(bench, request, caller)
    assert more.certificate is not None
    assert more.certificate.result == "passed"
    assert more.certificate.calls < CANARIES


async def test_a_judge_that_falls_for_an_injection_is_refused_by_name_and_the_answers_are_kept(bench: Bench) -> None:
    request, caller, service = judged_request(), calling(gullible), await bench.service()
    report = await served(bench, request, caller)
    run = report.run
    assert (run.status, run.stop_cause, report.counts.judged) == ("failed", "judge_refused", 0)
    assert "test:judge" in (run.error_message or "")
    assert "tells the judge to give full marks scored 100, must be at most 10" in (run.error_message or "")
    assert judge_calls(caller) == CANARIES
    answered, before = report.counts.answered, caller.calls.total()
    with pytest.raises(Conflict, match="failed its examination"):
        await service.resume(bench.tenant_id, str(run.id))
    await service.resume(bench.tenant_id, str(run.id), accept_judge=True)
    await bench.serve(run.id, caller)
    report = await report_of(bench, run.id)
    assert (report.run.status, report.counts.judged, report.run.error_message) == ("completed", 12, None)
    assert caller.calls.total() == before + (12 - answered) + 12
    assert report.certificate is not None
    assert "although it failed: an output that tells" in (report.certificate.mark or "")
    assert report.to_json()["certificate"]["mark"] == report.certificate.mark


async def test_a_judge_known_to_fail_stops_the_next_run_before_a_call_and_its_grades_elsewhere_do_not_count(
    bench: Bench,
) -> None:
    request, caller = judged_request(), calling(gullible)
    await served(bench, replace(request, accept_judge=True), caller)
    before = caller.calls.total()
    refused = await served(bench, replace(request, margin=3.0), caller)
    assert (refused.run.stop_cause, refused.counts.judged) == ("judge_refused", 0)
    assert caller.calls.total() == before
    accepted = await served(bench, replace(request, margin=3.0, accept_judge=True), caller)
    assert accepted.run.id == refused.run.id
    assert (accepted.counts.judged, caller.calls.total()) == (12, before)


async def test_a_judge_that_cannot_be_reached_is_not_refused_and_a_resume_examines_it(bench: Bench) -> None:
    down = True

    def judge(asked: ModelRequest) -> str:
        if down:
            raise CallError(FailureKind.NETWORK, "The line is down.")
        return honest(asked)

    caller, service = calling(judge), await bench.service()
    report = await served(bench, judged_request(), caller)
    assert (report.run.status, report.run.stop_cause) == ("completed", None)
    assert (report.counts.answered, report.counts.judged) == (12, 0)
    assert {failure["kind"] for failure in report.failures} == {"judge"}
    assert "could not be examined" in report.failures[0]["message"]
    assert "The line is down." in report.failures[0]["message"]
    assert report.certificate is not None
    assert report.certificate.result == "unfinished"
    assert judge_calls(caller) <= 3 * CANARIES
    down = False
    await service.resume(bench.tenant_id, str(report.run.id))
    await bench.serve(report.run.id, caller)
    report = await report_of(bench, report.run.id)
    assert (report.counts.judged, report.certificate and report.certificate.result) == (12, "passed")


async def test_the_budget_reached_within_the_examination_stops_the_run_and_no_grade_is_paid_twice(bench: Bench) -> None:
    caller, service = calling(honest, at_once=1), await bench.service()
    report = await served(bench, judged_request(budget_microcents=4 * CALL_MICROCENTS), caller)
    assert (report.run.stop_cause, report.counts.judged) == ("budget", 0)
    assert report.run.spent_microcents == 4 * CALL_MICROCENTS == caller.calls.total() * CALL_MICROCENTS
    assert report.certificate is not None
    # Answers and the examination are asked for side by side: it may not have begun.
    asked = judge_calls(caller)
    assert (report.certificate.result, report.certificate.calls) == ("unfinished" if asked else None, asked)
    await service.resume(bench.tenant_id, str(report.run.id), 10**9)
    await bench.serve(report.run.id, caller)
    report = await report_of(bench, report.run.id)
    assert (report.run.status, report.counts.judged) == ("completed", 12)
    assert judge_calls(caller) == CANARIES + 12


async def test_two_workers_examine_a_judge_once(bench: Bench) -> None:
    one, other, stop = calling(honest), calling(honest), asyncio.Event()
    run_id = await bench.start(judged_request(100))
    await asyncio.gather(bench.serve(run_id, one, stop=stop), bench.serve(run_id, other, stop=stop))
    report = await report_of(bench, run_id)
    assert (report.run.status, report.counts.judged) == ("completed", 200)
    assert min(one.calls.total(), other.calls.total()) > 0
    assert judge_calls(one) + judge_calls(other) == CANARIES + 200
    assert report.certificate is not None
    assert report.certificate.calls == CANARIES


async def test_two_runs_of_one_skill_at_once_share_one_examination(bench: Bench) -> None:
    request, caller = judged_request(), calling(honest)
    other = replace(request, models=[ModelRef("test", "another")])
    first, second = await asyncio.gather(served(bench, request, caller), served(bench, other, caller))
    assert judge_calls(caller) == CANARIES + 18
    assert {first.run.status, second.run.status} == {"completed"}


async def test_a_reply_that_was_paid_for_and_not_read_is_read_and_not_asked_for_again(bench: Bench) -> None:
    """A worker that is gone between a reply's commit and its reading leaves the reply."""
    request, caller = judged_request(), calling(honest)
    await served(bench, request, caller)
    async with bench.database.tenant(bench.tenant_id) as connection:
        await connection.execute("UPDATE judge_canaries SET quality = NULL, matches_expected = NULL, graded_at = NULL")
    before = judge_calls(caller)
    again = await served(bench, replace(request, margin=3.0), caller)
    assert judge_calls(caller) == before
    assert again.certificate is not None
    assert again.certificate.result == "passed"


async def test_a_fresh_run_examines_its_judge_anew(bench: Bench) -> None:
    request, caller = judged_request(), calling(honest)
    await served(bench, request, caller)
    fresh = await served(bench, replace(request, fresh=True), caller)
    assert fresh.certificate is not None
    assert (fresh.certificate.result, fresh.certificate.calls) == ("passed", CANARIES)
    assert judge_calls(caller) == 2 * (CANARIES + 12)


async def test_a_run_graded_by_checks_alone_has_no_examination_and_no_certificate(bench: Bench) -> None:
    report = await served(bench, request_of(), Caller())
    assert report.certificate is None
    assert report.to_json()["certificate"] is None


@pytest.mark.parametrize("judge", [None, JUDGE])
async def test_where_no_case_needs_a_judge_none_is_examined(bench: Bench, judge: ModelRef | None) -> None:
    caller = calling(honest, lambda asked: "120 g")
    report = await served(bench, replace(request_of(cases=8), judge=judge), caller)
    assert (report.run.status, report.counts.judged, judge_calls(caller)) == ("completed", 16, 0)


async def test_cases_without_an_expected_output_give_junk_alone(bench: Bench) -> None:
    request = judged_request()
    cases = [replace(case, expected="") for case in request.cases]
    caller = calling(honest)
    report = await served(bench, replace(request, cases=cases), caller)
    assert report.certificate is not None
    examination = report.certificate.examination
    assert examination is not None
    assert [finding.kind for finding in examination.findings] == ["empty", "colon", "thought", "injection"]
    assert (report.certificate.result, report.certificate.calls) == ("passed", 4)


async def test_checks_are_graded_whatever_becomes_of_the_judge(bench: Bench) -> None:
    request = judged_request()
    check = Check(CheckKind.CONTAINS, "120 g")
    mixed = [
        *request.cases,
        *(replace(case, assertions=(), checks=(check,), input=f"checked {case.input}") for case in request.cases),
    ]
    report = await served(bench, replace(request, cases=mixed), calling(honest))
    assert (report.run.status, report.counts.judged) == ("completed", 24)


async def test_a_judge_that_replies_in_prose_is_not_examined_over_and_over(bench: Bench) -> None:
    caller = calling(lambda asked: "I would give it four stars.")
    report = await served(bench, judged_request(60), caller)
    assert (report.run.status, report.counts.answered, report.counts.judged) == ("completed", 120, 0)
    assert judge_calls(caller) <= 3 * 2 * CANARIES
    assert report.run.spent_microcents == caller.calls.total() * CALL_MICROCENTS


async def test_a_reply_cut_short_is_asked_for_with_more_room(bench: Bench) -> None:
    cut: list[str] = []

    def judge(asked: ModelRequest) -> str | ModelResponse:
        if asked.max_tokens == 4096 and asked.prompt not in cut:
            cut.append(asked.prompt)
            return answer(honest(asked), StopReason.LENGTH)
        return honest(asked)

    caller = calling(judge)
    report = await served(bench, judged_request(), caller)
    assert report.certificate is not None
    assert (report.certificate.result, report.certificate.calls) == ("passed", 2 * CANARIES)


async def test_the_grades_of_one_text_are_compared(bench: Bench) -> None:
    grades: Sequence[int] = [5, 3]
    given = 0

    def judge(asked: ModelRequest) -> str:
        nonlocal given
        graded = canary_reply(asked.prompt)
        if graded is None:
            given += 1
            return judge_reply([grades[given % 2]])
        return graded

    report = await served(bench, judged_request(1), calling(judge, lambda asked: "It weighs 120 g."))
    assert report.certificate is not None
    repeats = report.certificate.repeats
    assert repeats is not None
    assert (repeats.texts, repeats.outputs, repeats.mean_spread) == (1, 2, 40.0)


class Stuck(Caller):
    """Its judge never replies, and its models fail at once."""

    async def complete(
        self, request: ModelRequest, *, priority: int = 0, before_call: BeforeCall | None = None
    ) -> ModelResponse:
        if request.model != JUDGE:
            raise CallError(FailureKind.SERVER, "It broke.")
        if before_call is not None:
            await before_call(False)
        self.calls[request.model.text, request.system, request.prompt] += 1
        await asyncio.Event().wait()
        raise AssertionError


@asynccontextmanager
async def stuck(bench: Bench, run_id: UUID) -> AsyncGenerator[Stuck]:
    """A worker all of whose calls of the judge are out; as the context ends it is gone, without a word."""
    caller = Stuck()
    async with Engine(bench.database, caller, price, bench.make_judge, unfit=fit) as engine:
        serving = asyncio.create_task(engine.run_batch(bench.tenant_id, run_id, 0, 0))
        async with asyncio.timeout(60):
            while caller.calls.total() < CANARIES:  # noqa: ASYNC110 - the event is the worker's
                await asyncio.sleep(0.01)
        yield caller
        tasks = [serving, *(one for one in asyncio.all_tasks() if one.get_name().startswith("examination of"))]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def claims_of(bench: Bench, run_id: UUID) -> list[str]:
    async with bench.database.tenant(bench.tenant_id) as connection:
        cursor = await connection.execute("SELECT claim_key FROM cell_claims WHERE benchmark_run_id = %s", (run_id,))
        return [row["claim_key"] for row in await cursor.fetchall()]


async def test_calls_of_an_examination_that_went_with_their_worker_make_the_spend_at_least(bench: Bench) -> None:
    run_id = await bench.start(judged_request())
    async with stuck(bench, run_id):
        # No answer is out any more: the examination's own calls are all there is to lose.
        async with asyncio.timeout(60):
            while len(await claims_of(bench, run_id)) != CANARIES:  # noqa: ASYNC110 - the event is the worker's
                await asyncio.sleep(0.05)
    assert not (await report_of(bench, run_id)).run.spent_is_lower_bound
    caller = calling(honest)
    await bench.serve(run_id, caller)
    report = await report_of(bench, run_id)
    assert report.certificate is not None
    assert (report.certificate.result, judge_calls(caller)) == ("passed", CANARIES + report.counts.judged)
    assert (report.run.spent_is_lower_bound, report.run.judge_spent_is_lower_bound) == (True, True)
    assert await claims_of(bench, run_id) == []
    async with bench.database.tenant(bench.tenant_id) as connection:
        assert (await spending.standing(connection)).calls_lost


async def test_an_examination_whose_worker_lived_leaves_nothing_to_be_taken_for_lost(bench: Bench) -> None:
    report = await served(bench, judged_request(), calling(honest))
    assert (report.run.spent_is_lower_bound, await claims_of(bench, report.run.id)) == (False, [])


async def test_a_frozen_workers_examination_is_taken_over_once_its_leases_have_lapsed(bench: Bench) -> None:
    run_id = await bench.start(judged_request())
    async with stuck(bench, run_id):
        async with bench.database.tenant(bench.tenant_id) as connection:
            await connection.execute("UPDATE cell_claims SET lease_until = now() - interval '1 second'")
        caller = calling(honest)
        await bench.serve(run_id, caller)
        report = await report_of(bench, run_id)
    assert report.certificate is not None
    assert report.certificate.result == "passed"
    assert report.run.spent_is_lower_bound

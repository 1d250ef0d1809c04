"""A race served by real workers: it calls what its rounds call for, whoever works on it and whatever stops it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.domain.calls import CallError, FailureKind, ModelRequest
from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.errors import InputError
from steelyard.domain.races import RaceStanding
from steelyard.domain.runs import Arm
from steelyard.execution.plan import Plan
from steelyard.execution.rounds import race_of
from steelyard.services.reports import RunReport
from steelyard.services.run_matrix import CellLook, Spared
from steelyard.services.run_request import RunRequest
from steelyard.services.run_view import RunViews
from tests.integration.execution.bench import CALL_MICROCENTS, Bench, Caller, request_of

CHECKS = 8


def number_of(request: ModelRequest) -> int:
    return int(request.prompt.rsplit(" ", 1)[1])


def by_rank(request: ModelRequest) -> str:
    """m0 and m1 hold most checks, each more of some cases, m2 few; half of that without the skill."""
    place = int(request.model.name[1:])
    held = (2 if place == 2 else 7) + (number_of(request) + place) % 3 - 1
    return "".join(f"<{part}>" for part in range(held if request.system else held // 2)) or "none"


def race_request(cases: int = 40, *, both: bool = False, **changes: Any) -> RunRequest:
    """Three models on cases of eight checks each, so that scores are of many values."""
    checks = tuple(Check(CheckKind.CONTAINS, f"<{part}>") for part in range(CHECKS))
    request = request_of(cases=1, models=3)
    name = request.content.name
    made = [GoldenCase(str(i), f"{name}: item {i}", "all", checks=checks) for i in range(cases)]
    arms = (Arm.WITH_SKILL, Arm.WITHOUT_SKILL) if both else (Arm.WITH_SKILL,)
    return replace(request, cases=made, arms=arms, race="future", **changes)


async def report_of(bench: Bench, run_id: UUID) -> RunReport:
    return await (await bench.service()).report(bench.tenant_id, run_id)


def standing_of(report: RunReport) -> RaceStanding:
    assert report.raced is not None
    return report.raced.standing


def assert_called_by_rounds(report: RunReport, caller: Caller) -> None:
    """Each model was called once, in every arm, for just the cases of the rounds it was in."""
    plan, standing = Plan.from_json(report.run.plan), standing_of(report)
    order = race_of(plan).order
    called: dict[tuple[str, str], set[int]] = defaultdict(set)
    for model, system, prompt in caller.calls:
        called[model, system].add(int(prompt.rsplit(" ", 1)[1]))
    assert set(caller.calls.values()) == {1}
    assert len(called) == len(plan.models) * len(plan.arms)
    for (model, _), cases in called.items():
        assert cases == set(order[: standing.cases_of(model)])


async def test_a_model_plainly_worse_is_called_no_more_and_both_arms_end_with_it(bench: Bench) -> None:
    caller = Caller(reply=by_rank)
    run_id = await bench.start(race_request(both=True))
    await bench.serve(run_id, caller)
    report = await report_of(bench, run_id)
    standing = standing_of(report)
    assert_called_by_rounds(report, caller)
    assert (report.run.status, report.verdict.method) == ("completed", "race-future/1")
    assert [(gone.model, gone.n) for gone in standing.dropped] == [("test:m2", 10)]
    assert report.counts.planned == report.counts.judged == caller.calls.total()
    assert (report.counts.missing, standing.cells_not_called) == (0, 60)
    assert [summary.n for summary in report.summaries if summary.arm == report.arm] == [40, 40, 10]
    assert all(summary.missing == 0 for summary in report.summaries)
    assert report.raced is not None
    assert report.raced.saved_microcents == 60 * CALL_MICROCENTS
    assert report.to_json()["race"]["dropped"][0]["after_cases"] == 10
    views = RunViews(bench.database)
    looks = {
        cell.look: cell.spared
        for row in (await views.matrix(bench.tenant_id, run_id)).rows
        for cell in row.cells
        if cell.model == "test:m2"
    }
    assert looks[CellLook.SPARED] == Spared(10, dropped=True)
    now = await views.progress(bench.tenant_id, run_id)
    assert (now.planned, now.ended, now.missing) == (180, 180, 0)
    assert now.by_model()["test:m2"].planned == 20


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 70))
async def test_a_race_cancelled_anywhere_and_resumed_calls_and_drops_as_one_that_was_not(
    bench: Bench, cancel_at: int
) -> None:
    service = await bench.service()
    run_id, under_way = await bench.start(race_request(30)), asyncio.Event()
    caller = Caller(reply=by_rank, on_call=lambda count: under_way.set() if count == cancel_at else None)
    serving = asyncio.create_task(bench.serve(run_id, caller))
    await asyncio.wait({serving, asyncio.create_task(under_way.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        await service.cancel(bench.tenant_id, str(run_id))
        await serving
        stopped = await service.report(bench.tenant_id, run_id)
        if stopped.run.status == "cancelled":
            assert stopped.verdict.kind == "not_enough"
            await service.resume(bench.tenant_id, str(run_id))
            await bench.serve(run_id, caller)
    report = await report_of(bench, run_id)
    assert report.run.status == "completed"
    assert_called_by_rounds(report, caller)
    assert [(gone.model, gone.n) for gone in standing_of(report).dropped] == [("test:m2", 10)]


async def test_two_workers_take_each_look_once(bench: Bench) -> None:
    run_id = await bench.start(race_request())
    caller = Caller(reply=by_rank, at_once=4)
    stop = asyncio.Event()
    await asyncio.gather(*(bench.serve(run_id, caller, stop=stop) for _ in range(2)))
    report = await report_of(bench, run_id)
    assert_called_by_rounds(report, caller)
    assert report.counts.judged == caller.calls.total() == 90


async def test_answers_a_whole_run_has_left_decide_a_race_as_fresh_ones_do(bench: Bench) -> None:
    request = race_request()
    whole, caller = await bench.start(replace(request, race=None)), Caller(reply=by_rank)
    await bench.serve(whole, caller)
    reused, none = await bench.start(request), Caller(reply=by_rank)
    await bench.serve(reused, none)
    fresh, again = await bench.start(replace(request, fresh=True)), Caller(reply=by_rank)
    await bench.serve(fresh, again)
    first, second = await report_of(bench, reused), await report_of(bench, fresh)
    assert none.calls.total() == 0
    assert again.calls.total() == first.counts.reused == 90
    assert standing_of(first) == standing_of(second)
    assert first.verdict == second.verdict


async def test_a_race_is_a_look_beside_that_of_a_whole_run_and_the_same_race_again_is_the_same(bench: Bench) -> None:
    request = race_request(12)
    looks: list[int] = []
    for one in (request, replace(request, race=None), replace(request, fresh=True), replace(request, race="set")):
        run_id = await bench.start(one)
        await bench.serve(run_id, Caller(reply=by_rank))
        looks.append((await report_of(bench, run_id)).verdict.look)
    assert looks == [1, 2, 1, 3]


async def test_a_budget_stops_a_race_without_a_claim_and_a_larger_one_brings_it_to_its_end(bench: Bench) -> None:
    service, caller = await bench.service(), Caller(reply=by_rank, at_once=2)
    run_id = await bench.start(race_request(budget_microcents=45 * CALL_MICROCENTS))
    await bench.serve(run_id, caller)
    report = await report_of(bench, run_id)
    assert (report.run.stop_cause, report.run.partial) == ("budget", True)
    assert (report.verdict.kind, report.verdict.reason) == ("not_enough", "race_unfinished")
    assert report.counts.missing > 0
    await service.resume(bench.tenant_id, str(run_id), 1_000 * CALL_MICROCENTS)
    await bench.serve(run_id, caller)
    report = await report_of(bench, run_id)
    assert (report.run.status, report.run.partial, report.counts.missing) == ("completed", False, 0)
    assert_called_by_rounds(report, caller)


async def test_a_model_out_of_reach_is_dropped_for_its_missing_scores_and_a_resume_lets_it_race(bench: Bench) -> None:
    down = True

    def reply(request: ModelRequest) -> str:
        if down and request.model.name == "m1":
            raise CallError(FailureKind.NETWORK, "The line is down.")
        return by_rank(request)

    caller = Caller(reply=reply)
    run_id = await bench.start(race_request())
    await bench.serve(run_id, caller)
    report = await report_of(bench, run_id)
    gone = standing_of(report).gone("test:m1")
    assert gone is not None
    assert (gone.n, gone.by, report.counts.missing) == (10, None, 10)
    assert report.verdict.models[1].excluded
    down = False
    await (await bench.service()).resume(bench.tenant_id, str(run_id))
    await bench.serve(run_id, caller)
    report = await report_of(bench, run_id)
    assert [one.model for one in standing_of(report).dropped] == ["test:m2"]
    assert (report.run.status, report.counts.missing, report.counts.planned) == ("completed", 0, 90)


async def test_few_cases_drop_nobody_and_one_model_cannot_race(bench: Bench) -> None:
    caller = Caller(reply=by_rank)
    run_id = await bench.start(race_request(6))
    await bench.serve(run_id, caller)
    report = await report_of(bench, run_id)
    assert (caller.calls.total(), standing_of(report).dropped) == (18, ())
    assert (report.verdict.kind, report.verdict.reason) == ("not_enough", "too_few_cases")
    alone = race_request(6)
    with pytest.raises(InputError, match="nobody to race"):
        await bench.start(replace(alone, models=alone.models[:1]))

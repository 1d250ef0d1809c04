"""A race served by real workers: it calls what its rounds call for, whoever works on it and whatever stops it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from steelyard.domain.calls import ModelRequest
from steelyard.domain.races import RaceStanding
from steelyard.execution.plan import Plan
from steelyard.execution.rounds import race_of
from steelyard.services.reports import RunReport
from tests.integration.execution.bench import Bench, Caller, request_of


def poor(request: ModelRequest) -> str:
    """m2 is wrong on every case; m1 on one in four, as its text says; m0 on none."""
    name = request.model.name
    number = int(request.prompt.rsplit(" ", 1)[1])
    return "no idea" if name == "m2" or (name == "m1" and number % 4 == 0) else "120 g"


async def report_of(bench: Bench, run_id: UUID) -> RunReport:
    return await (await bench.service()).report(bench.tenant_id, run_id)


async def test_a_model_plainly_worse_is_dropped_at_the_first_look_and_called_no_more(bench: Bench) -> None:
    caller = Caller(reply=poor)
    run_id = await bench.start(replace(request_of(cases=40, models=3), race="set"))
    await bench.serve(run_id, caller)
    report = await report_of(bench, run_id)
    print(report.sentence, report.run.race, report.counts)
    assert report.run.status == "completed"
    plan, standing = Plan.from_json(report.run.plan), RaceStanding.from_json(report.run.race or {})
    called = {model: {prompt for name, _, prompt in caller.calls if name == model} for model in plan.models}
    assert set(caller.calls.values()) == {1}
    order = race_of(plan).order
    for model in plan.models:
        assert len(called[model]) == standing.cases_of(model)
        numbers = {int(prompt.rsplit(" ", 1)[1]) for prompt in called[model]}
        assert numbers == set(order[: standing.cases_of(model)])
    assert standing.gone("test:m2") is not None
    assert standing.cases_of("test:m2") == 10
    assert report.verdict.method == "race-set/1"
    assert (report.verdict.kind, report.name(report.verdict.best)) == ("best", "test:m0")
    assert report.counts.planned == report.counts.answered == caller.calls.total()

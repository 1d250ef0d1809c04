"""The verdict in full: worked out as a run ends, stored with it, and the same in sentences and in JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from steelyard.domain.calls import ModelRequest
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.services.reports import RunReport, build_report
from steelyard.services.run_request import RunRequest
from steelyard.services.verdict_detail import verdict_detail
from steelyard.statistics import SkillEffect
from steelyard.storage.database import Database
from tests.integration.execution.bench import Caller
from tests.integration.services.made import JUDGE, Made, asks, checked, content, judge_reply, judged


async def report_of(made: Made, database: Database, request: RunRequest, caller: Caller) -> RunReport:
    # Judges of such scripts fail their examination, as they should.
    run_id = await made.bench.start(replace(request, accept_judge=True))
    await made.bench.serve(run_id, caller)
    async with database.tenant(made.tenant_id) as connection:
        return await build_report(connection, made.tenant_id, run_id)


def wordy_judge(request: ModelRequest) -> str:
    """A judge of length alone; `m0` says more than twice as much as `m1`, and not of every item."""
    if request.model == JUDGE:
        level = min(5, len(request.prompt.split("120 g and ")) // 4)
        return judge_reply([level, level])
    number = int(request.prompt.removeprefix("Weigh item ").removesuffix("."))
    return "120 g and " * (8 + 3 * (number % 4) if request.model.name == "m0" else 4 + number * 7 % 5)


async def test_a_lead_of_length_alone_is_told_as_such(made: Made, database: Database) -> None:
    request = asks(content(), [judged(number) for number in range(12)], judge=JUDGE)
    report = await report_of(made, database, request, Caller(wordy_judge, delay_s=0.001))
    assert report.verdict.kind == "best"
    assert report.detail is not None
    length = report.detail.length
    assert length is not None
    assert (length.slope or 0) > 0
    assert report.detail.characters[0] is not None
    assert report.detail.characters[1] is not None
    assert report.detail.characters[0] > 1.9 * report.detail.characters[1]
    told = report.to_json()["detail"]
    assert told["length"]["points_per_doubling"] == pytest.approx(length.slope)
    assert [gap["rival"] for gap in told["gaps"]] == ["test:m1"]
    detail = verdict_detail(report)
    lines = {line.model: line for line in detail.lines}
    assert (lines["test:m0"].behind, lines["test:m1"].behind) == (0.0, pytest.approx(told["gaps"][0]["lead"]))
    assert any(note.startswith("Length: scores rise by") for note in detail.notes)
    assert length.lead_dies is any("may be one of length" in caution.title for caution in detail.cautions)
    json.dumps(told)


async def test_a_skill_that_hurts_one_model_is_named_for_that_model_alone(made: Made, database: Database) -> None:
    def reply(request: ModelRequest) -> str:
        return "no idea" if request.model.name == "m1" and request.system else "120 g"

    request = asks(content(), [checked(number) for number in range(12)], arms=(Arm.WITH_SKILL, Arm.WITHOUT_SKILL))
    report = await report_of(made, database, request, Caller(reply, delay_s=0.001))
    effects = {lift.model: lift.effect for lift in verdict_detail(report).lifts}
    assert effects == {"test:m0": SkillEffect.NOT_SHOWN, "test:m1": SkillEffect.HURTS}
    told = {lift["model"]: lift for lift in report.to_json()["detail"]["lifts"]}
    assert (told["test:m1"]["effect"], told["test:m1"]["points"]) == ("hurts", -100.0)
    assert told["test:m1"]["cost_tax_microcents"] == 0
    # Checks know nothing of length.
    assert report.to_json()["detail"]["length"] is None


async def test_a_judge_of_the_leaders_family_is_flagged_and_a_claim_on_it_not_called_measured(
    made: Made, database: Database
) -> None:
    def reply(request: ModelRequest) -> str:
        if request.model == judge:
            level = 5 if "the whole" in request.prompt else 2
            return judge_reply([level, level])
        return "120 g, the whole of it" if request.model.name == "claude-m" else "120 g"

    judge = ModelRef("test", "claude-judge")
    request = asks(content(), [judged(number) for number in range(12)], ("claude-m", "m1"), judge=judge)
    report = await report_of(made, database, request, Caller(reply, delay_s=0.001))
    family = report.to_json()["detail"]["judge_family"]
    assert family == {"judge": "test:claude-judge", "models": ("test:claude-m",), "decides": True}
    (caution, *_) = verdict_detail(report).cautions
    assert "cannot be measured" in caution.detail
    assert "The best model is of that family" in caution.detail
    other = replace(request, judge=ModelRef("test", "stranger"))
    async with database.tenant(made.tenant_id) as connection:
        preview = await build_report(connection, made.tenant_id, await made.bench.start(other))
    assert preview.to_json()["detail"]["judge_family"] is None


async def test_a_run_that_ended_before_says_that_these_figures_were_not_computed(
    made: Made, database: Database
) -> None:
    run_id = await made.run(asks(content(), [checked(number) for number in range(9)]))
    async with database.tenant(made.tenant_id) as connection:
        await connection.execute("UPDATE benchmark_runs SET verdict = verdict - 'detail' WHERE id = %s", (run_id,))
        report = await build_report(connection, made.tenant_id, run_id)
    detail = verdict_detail(report)
    assert (report.detail, detail.computed) == (None, False)
    assert "not computed for runs that ended before" in detail.notes[-1]
    assert report.to_json()["detail"]["version"] is None


async def test_a_claim_of_being_within_the_margin_says_which_failures_so_many_cases_may_not_show(
    made: Made, database: Database
) -> None:
    request = asks(content(), [checked(number) for number in range(12)])
    tied = await report_of(made, database, request, Caller(lambda _: "120 g", delay_s=0.001))
    assert tied.verdict.kind == "tied"
    # 1 - 0.05^(1/12), the rule of three.
    assert [note for note in verdict_detail(tied).notes if "22% of cases may not show once in 12 cases" in note]
    uneven = Caller(lambda asked: "120 g" if asked.model.name == "m0" else "no", delay_s=0.001)
    best = await report_of(made, database, replace(request, fresh=True), uneven)
    assert best.verdict.kind == "best"
    assert not [note for note in verdict_detail(best).notes if "may not show" in note]

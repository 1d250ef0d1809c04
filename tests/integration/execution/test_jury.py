"""A jury in a run: every judge's reply is paid once and kept, all count alike, and own families decide nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from steelyard.cli import exits
from steelyard.cli.follow import reason
from steelyard.domain.calls import CallError, FailureKind, ModelRequest
from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.errors import InputError, JudgeRefused
from steelyard.domain.models import ModelRef
from steelyard.execution.plan import Plan
from steelyard.services.certificates import examination_word
from steelyard.services.reports import RunReport
from steelyard.services.run_request import RunRequest
from steelyard.services.run_view import RunViews
from steelyard.storage.case_results import case_results, judgements_of
from steelyard.storage.runs import get_run
from steelyard.storage.server import Server
from tests.integration.execution.bench import CALL_MICROCENTS, Bench, Caller, LossyDatabase, request_of
from tests.integration.execution.test_examination import CANARIES, INJECTED, report_of, served
from tests.modelserver.judging import canary_reply, judge_reply
from tests.unit.cli.screens import screen_of

GPT, CLAUDE, GROK = (ModelRef("test", f"{family}-judge") for family in ("gpt", "claude", "grok"))
QWEN, LLAMA, OWN = (ModelRef("test", name) for name in ("qwen-a", "llama-b", "gpt-c"))

# What a judge makes of an answer: a level for each criterion.
Taste = Callable[[ModelRequest], int]


def jury_request(
    judges: Sequence[ModelRef] = (GPT, CLAUDE),
    models: Sequence[ModelRef] = (QWEN, LLAMA),
    cases: int = 8,
    **more: object,
) -> RunRequest:
    plain = request_of(cases=1)
    golden = [
        GoldenCase(str(i), f"{plain.content.name}: item {i}", f"It weighs {i * 10 + 120} g.", ("States the weight",))
        for i in range(cases)
    ]
    return replace(plain, cases=golden, models=models, judge=judges[0], further_judges=tuple(judges[1:]), **more)


def calling(tastes: dict[ModelRef, Taste], at_once: int = 10) -> Caller:
    """Candidates answer with their own names; judges grade canaries as they should and answers by taste."""

    def reply(asked: ModelRequest) -> str:
        taste = tastes.get(asked.model)
        if taste is None:
            return f"{asked.model.name} weighed {asked.prompt}"
        return canary_reply(asked.prompt) or judge_reply([taste(asked)], "yes" if taste(asked) == 5 else "partial")

    return Caller(reply, delay_s=0.001, at_once=at_once)


def always(level: int) -> Taste:
    return lambda asked: level


def calls_of(caller: Caller, model: ModelRef) -> int:
    return sum(count for (name, *_), count in caller.calls.items() if name == model.text)


async def cells_of(bench: Bench, report: RunReport, case: int = 0):
    async with bench.database.tenant(bench.tenant_id) as connection:
        rows = await case_results(connection, report.run.id, case, report.run.models)
        return rows, await judgements_of(connection, [row.id for row in rows])


async def test_all_judges_grade_every_answer_and_count_alike(bench: Bench) -> None:
    caller = calling({GPT: always(5), CLAUDE: always(4), GROK: always(1)})
    report = await served(bench, jury_request((GPT, CLAUDE, GROK)), caller)
    assert (report.run.status, report.counts.judged) == ("completed", 16)
    assert [calls_of(caller, judge) for judge in (GPT, CLAUDE, GROK)] == [CANARIES + 16] * 3
    assert report.run.judge_spent_microcents == 3 * (CANARIES + 16) * CALL_MICROCENTS
    assert report.run.spent_microcents == caller.calls.total() * CALL_MICROCENTS
    rows, judgements = await cells_of(bench, report)
    for row in rows:
        own = [one for one in judgements if one.benchmark_result_id == row.id]
        assert sorted(one.quality for one in own) == [20, 80, 100]
        assert row.quality_score == pytest.approx(200 / 3)
        assert (row.passed, row.matches_expected) == (True, False)
        assert row.judge_cost_microcents == 3 * CALL_MICROCENTS
    assert report.jury is not None
    assert [round(one.leniency) for one in report.jury.jurors] == [13, 33, -47]
    assert [one.judge for one in report.jury.jurors] == [CLAUDE.text, GPT.text, GROK.text]
    assert [one.result for one in report.certificates] == ["passed"] * 3
    assert [one.calls for one in report.certificates] == [CANARIES] * 3
    told = report.to_json()
    assert told["certificate"] is None
    assert [one["judge"] for one in told["certificates"]] == [one.judge for one in report.jury.jurors]
    assert told["jury"]["holds"] is True


async def test_the_order_in_which_judges_are_named_makes_no_other_plan_and_one_judge_the_plan_it_was(
    bench: Bench,
) -> None:
    service, request = await bench.service(), jury_request((GPT, CLAUDE))
    one = (await service.prepare(bench.tenant_id, request)).plan
    other = (await service.prepare(bench.tenant_id, replace(request, judge=CLAUDE, further_judges=(GPT,)))).plan
    alone = (await service.prepare(bench.tenant_id, replace(request, further_judges=()))).plan
    assert one == other == Plan.from_json(one.to_json())
    assert one.judge_digest not in (None, alone.judge_digest)
    assert (alone.judge, alone.judge_digest) == (GPT.text, bench.make_judge(GPT).digest)
    assert "jury" not in alone.to_json()


async def test_grades_are_taken_over_from_a_single_judge_into_a_jury_and_out_of_it(bench: Bench) -> None:
    caller, request = calling({GPT: always(5), CLAUDE: always(3)}), jury_request((GPT, CLAUDE))
    service = await bench.service()
    await served(bench, replace(request, further_judges=()), caller)
    assert await service.judgements_ahead(bench.tenant_id, request) == [0, 16]
    jury = await served(bench, request, caller)
    assert (jury.counts.reused, jury.counts.judged) == (16, 16)
    assert [calls_of(caller, judge) for judge in (GPT, CLAUDE)] == [CANARIES + 16] * 2
    assert jury.run.spent_microcents == (CANARIES + 16) * CALL_MICROCENTS
    before = caller.calls.total()
    alone = await served(bench, replace(request, judge=CLAUDE, further_judges=()), caller)
    assert (alone.counts.judged, caller.calls.total(), alone.run.spent_microcents) == (16, before, 0)
    assert {one.quality for one in alone.summaries} == {60.0}
    again = await served(bench, replace(request, margin=3.0), caller)
    assert (again.counts.judged, caller.calls.total()) == (16, before)
    rows, judgements = await cells_of(bench, again)
    assert len(judgements) == 2 * len(rows)


async def test_a_judge_that_is_down_leaves_the_others_grades_and_a_resume_calls_it_alone(bench: Bench) -> None:
    down = True

    def moody(asked: ModelRequest) -> int:
        if down:
            raise CallError(FailureKind.NETWORK, "The line is down.")
        return 2

    caller, service = calling({GPT: always(4), CLAUDE: moody}), await bench.service()
    report = await served(bench, jury_request(), caller)
    assert (report.counts.answered, report.counts.judged) == (16, 0)
    assert {failure["kind"] for failure in report.failures} == {"judge"}
    assert report.failures[0]["message"] == f"Judge {CLAUDE.text}: The line is down."
    rows, judgements = await cells_of(bench, report)
    assert {one.judge for one in judgements} == {GPT.text}
    assert len(judgements) == len(rows)
    paid, down = calls_of(caller, GPT), False
    await service.resume(bench.tenant_id, str(report.run.id))
    await bench.serve(report.run.id, caller)
    report = await report_of(bench, report.run.id)
    assert (report.counts.judged, calls_of(caller, GPT)) == (16, paid)
    assert {one.quality for one in report.summaries} == {60.0}


async def test_a_run_stopped_between_two_judges_goes_on_with_the_missing_one(bench: Bench) -> None:
    caller, service = calling({GPT: always(4), CLAUDE: always(2)}, at_once=1), await bench.service()
    # Both examinations, the answers, and some of the grades.
    budget = (2 * CANARIES + 16 + 9) * CALL_MICROCENTS
    report = await served(bench, jury_request(budget_microcents=budget), caller)
    assert report.run.stop_cause == "budget"
    halves = 0
    for case in range(8):
        rows, judgements = await cells_of(bench, report, case)
        for row in rows:
            said = sum(one.benchmark_result_id == row.id for one in judgements)
            assert (said == 2) or row.state == "answered"
            halves += said == 1
    assert halves
    await service.resume(bench.tenant_id, str(report.run.id), 10**9)
    await bench.serve(report.run.id, caller)
    report = await report_of(bench, report.run.id)
    assert (report.run.status, report.counts.judged) == ("completed", 16)
    assert [calls_of(caller, judge) for judge in (GPT, CLAUDE)] == [CANARIES + 16] * 2
    assert report.run.spent_microcents == caller.calls.total() * CALL_MICROCENTS


async def test_two_workers_pay_each_judge_once(bench: Bench) -> None:
    one, other = (calling({GPT: always(4), CLAUDE: always(2)}) for _ in range(2))
    stop = asyncio.Event()
    run_id = await bench.start(jury_request(cases=40))
    await asyncio.gather(bench.serve(run_id, one, stop=stop), bench.serve(run_id, other, stop=stop))
    report = await report_of(bench, run_id)
    assert (report.run.status, report.counts.judged) == ("completed", 80)
    for judge in (GPT, CLAUDE):
        assert calls_of(one, judge) + calls_of(other, judge) == CANARIES + 80
    assert [certificate.calls for certificate in report.certificates] == [CANARIES] * 2


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_line_lost_at_commits_pays_no_judge_twice(bench: Bench, server: Server, seed: int) -> None:
    caller = calling({GPT: always(4), CLAUDE: always(2)})
    run_id = await bench.start(jury_request())
    async with LossyDatabase(server.dsn, seed=seed, share=0.2) as lossy:
        await replace(bench, database=lossy).serve(run_id, caller)
    report = await report_of(bench, run_id)
    assert (report.run.status, report.counts.judged) == ("completed", 16)
    assert [calls_of(caller, judge) for judge in (GPT, CLAUDE)] == [CANARIES + 16] * 2
    assert report.run.spent_microcents == caller.calls.total() * CALL_MICROCENTS
    assert [certificate.calls for certificate in report.certificates] == [CANARIES] * 2


async def test_a_judge_that_fails_its_examination_refuses_the_run_by_its_name(bench: Bench) -> None:
    caller, service = calling({GPT: always(4), CLAUDE: always(4)}), await bench.service()
    honest = caller.reply
    caller.reply = lambda asked: (
        judge_reply([5] * 4, "yes") if asked.model == CLAUDE and INJECTED.search(asked.prompt) else honest(asked)
    )
    report = await served(bench, jury_request(), caller)
    assert (report.run.status, report.run.stop_cause, report.counts.judged) == ("failed", "judge_refused", 0)
    assert (report.run.error_message or "").startswith(f"The judge {CLAUDE.text} failed its examination")
    told = " ".join(screen_of(report, 300).split())
    assert f"kept: the judge {CLAUDE.text} failed its examination" in told
    assert GPT.text not in (reason(exits.JUDGE, report, None) or "")
    assert f"The judge {CLAUDE.text} failed its examination" in (reason(exits.JUDGE, report, None) or "")
    examined = (await service.progress(bench.tenant_id, report.run.id)).examination
    assert examined is not None
    assert examined.sentence.startswith(f"The judge {CLAUDE.text} failed its examination on ")
    exported = [cell.judge_examination async for cell in RunViews(bench.database).cells(bench.tenant_id, report.run.id)]
    assert set(exported) <= {f"failed: {CLAUDE.text}"}
    assert examination_word(report.certificates) == f"failed: {CLAUDE.text}"
    with pytest.raises(JudgeRefused, match=CLAUDE.text):
        await service.resume(bench.tenant_id, str(report.run.id))
    await service.resume(bench.tenant_id, str(report.run.id), accept_judge=True)
    await bench.serve(report.run.id, caller)
    report = await report_of(bench, report.run.id)
    assert (report.run.status, report.counts.judged) == ("completed", 16)
    assert (report.mark or "").startswith(f"Judge {CLAUDE.text} accepted although it failed")
    assert [one.result for one in report.certificates] == ["failed", "passed"]


async def test_no_best_is_claimed_where_own_family_scores_decide_it(bench: Bench) -> None:
    """The gpt judge puts the gpt model far above; the other judge sees the other one a little ahead."""

    def place(asked: ModelRequest) -> int:
        return sum(map(ord, asked.prompt.partition("item ")[2][:1])) % 2

    def vain(asked: ModelRequest) -> int:
        return 5 if f"{OWN.name} weighed" in asked.prompt else place(asked)

    def fair(asked: ModelRequest) -> int:
        return (2 if f"{OWN.name} weighed" in asked.prompt else 3) + place(asked)

    caller = calling({GPT: vain, CLAUDE: fair, GROK: fair})
    report = await served(bench, jury_request((GPT, CLAUDE), (OWN, QWEN, LLAMA), 24), caller)
    assert report.jury is not None
    assert (report.jury.holds, report.jury.reason) == (False, "own_family_decides")
    assert (report.verdict.kind, report.verdict.reason) == ("not_enough", "own_family_decides")
    assert "add a juror of another family" in report.sentence
    assert report.jury.everyone is not None
    assert report.jury.everyone.startswith(f"{OWN.text} is best")
    # The figures shown are those of the scores that count: the own model by the other judge alone.
    shown = {one.model: one.quality or 0.0 for one in report.summaries}
    assert 0 < shown[OWN.text] < shown[QWEN.text]
    assert shown[OWN.text] == pytest.approx(report.verdict.models[0].mean)
    assert [(one.family, one.named) for one in report.jury.advantages] == [("gpt", True)]


async def test_whether_a_model_passes_is_not_its_own_familys_to_say(bench: Bench) -> None:
    """Two of three judges say that the gpt model passes, one of them its own: by the others it is one against one."""

    def kind(asked: ModelRequest) -> int:
        return 5 if f"{OWN.name} weighed" in asked.prompt else 2

    caller = calling({GPT: kind, CLAUDE: kind, GROK: always(2)})
    report = await served(bench, jury_request((GPT, CLAUDE, GROK), (OWN, QWEN), 8), caller)
    rows, _ = await cells_of(bench, report)
    assert {row.model_name: row.passed for row in rows} == {OWN.text: True, QWEN.text: False}
    assert {one.model: one.pass_rate for one in report.summaries} == {OWN.text: 0.0, QWEN.text: 0.0}


async def test_jurors_who_share_no_model_but_their_own_allow_no_claim(bench: Bench) -> None:
    caller = calling({GPT: always(5), CLAUDE: always(3)})
    models = (OWN, ModelRef("test", "claude-d"))
    report = await served(bench, jury_request((GPT, CLAUDE), models, 10), caller)
    assert (report.verdict.kind, report.verdict.reason) == ("not_enough", "not_comparable")
    assert report.jury is not None
    assert not report.jury.without_own


async def test_cases_that_checks_grade_alone_keep_their_score(bench: Bench) -> None:
    request = jury_request((GPT, CLAUDE), (OWN, QWEN, LLAMA), 8)
    checked = [
        GoldenCase(f"c{i}", f"{request.content.name}: label {i}", "", checks=(Check(CheckKind.CONTAINS, "weighed"),))
        for i in range(8)
    ]
    caller = calling({GPT: always(5), CLAUDE: always(3)})
    report = await served(bench, replace(request, cases=[*request.cases, *checked]), caller)
    assert [calls_of(caller, judge) for judge in (GPT, CLAUDE)] == [CANARIES + 24] * 2
    # 100 by checks on half of the cases; on the others 80 for all, the gpt judge's leniency of 20 points taken out.
    assert {round(one.quality or 0.0, 6) for one in report.summaries} == {90.0}


async def test_a_race_takes_a_jury_of_other_families_alone(bench: Bench) -> None:
    service = await bench.service()
    with pytest.raises(InputError, match=f"{GPT.text} is of a candidate's own family"):
        await service.start(bench.tenant_id, jury_request((GPT, CLAUDE), (OWN, QWEN), 20, race="set"))

    def taste(asked: ModelRequest) -> int:
        return 5 if QWEN.name in asked.prompt else 1

    caller = calling({GPT: taste, CLAUDE: taste})
    report = await served(bench, jury_request((GPT, CLAUDE), (QWEN, LLAMA), 20, race="set"), caller)
    assert (report.verdict.kind, report.name(report.verdict.best)) == ("best", QWEN.text)
    assert report.raced is not None
    assert report.jury is not None
    assert report.jury.outputs > 0


async def test_too_many_judges_or_one_named_twice_are_refused(bench: Bench) -> None:
    service = await bench.service()
    many = [ModelRef("test", f"judge{place}") for place in range(6)]
    with pytest.raises(InputError, match="6 judges are too many"):
        await service.start(bench.tenant_id, jury_request(many))
    with pytest.raises(InputError, match="given twice"):
        await service.start(bench.tenant_id, jury_request((GPT, GPT)))


async def test_a_run_begun_by_one_judge_before_is_continued(bench: Bench) -> None:
    caller, request = calling({GPT: always(4), CLAUDE: always(2)}), jury_request((GPT,))
    first = await served(bench, replace(request, budget_microcents=5 * CALL_MICROCENTS), caller)
    assert first.run.stop_cause == "budget"
    second = await served(bench, replace(request, budget_microcents=10**9), caller)
    assert second.run.id == first.run.id
    async with bench.database.tenant(bench.tenant_id) as connection:
        assert (await get_run(connection, second.run.id)).judge == GPT.text
    assert second.jury is None
    assert second.certificate is not None

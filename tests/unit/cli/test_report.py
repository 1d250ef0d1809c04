"""The screen of a run: the verdict first, every figure with its unit, no line too wide, nothing claimed beyond it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from rich.cells import cell_len

from steelyard.cli import exits
from steelyard.cli.follow import code_of
from steelyard.domain.calls import FailureKind
from steelyard.domain.money import about
from steelyard.domain.races import RaceStanding
from steelyard.domain.runs import RunCounts
from steelyard.execution.detail import Detail, NextStep
from steelyard.execution.examiner import refusal
from steelyard.execution.outcome import Raced
from steelyard.execution.sitting import FamilyAdvantage, JurorFigures, JuryFigures
from steelyard.judging.pair_gate import Gate, GateResult
from steelyard.services.reports import RunReport
from steelyard.statistics import Orders, break_tie, decide, gaps_to_leader, judge_agreement, length_effect, sentence
from steelyard.storage.case_results import JudgementCounts
from steelyard.storage.tie_breaks import TieBreakRow
from tests.unit.cli.made import examination, names, report, summary, verdict_of
from tests.unit.cli.screens import screen_of

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
LONG = (
    "openrouter:some-vendor/an-instruct-model-with-a-very-long-name-2026-11-24?reasoning_effort=high&temperature=0.25"
)
HOSTILE = "openai:\x1b[2J\x1b]0;owned\x07[bold red]x[/]\u202egpt\r\n5"


def both_arms(lift: float, low: float, high: float, n: int = 20) -> RunReport:
    models = names(2)
    rows = [
        summary(
            models[0],
            70.0,
            lift=lift,
            lift_low=low,
            lift_high=high,
            lift_p=0.01 if high < 0 else 0.2,
            lift_n=n,
            token_tax=321.0,
        ),
        summary(models[0], 70.0 - lift, arm="without_skill"),
        summary(models[1], 60.0, lift=9.0, lift_low=2.0, lift_high=16.0, lift_p=0.03, token_tax=320.0),
        summary(models[1], 51.0, arm="without_skill"),
    ]
    return report(models, rows)


def in_full() -> RunReport:
    """A best model that writes three times as much, of the judge's family, on which the skill's effect is not shown."""
    scores = [
        [80.0 + 3 * (case % 5) - 15 * model - (case * (model + 3)) % 4 for model in range(3)] for case in range(20)
    ]
    lengths = [[300.0 + 10 * case, 100.0 + 7 * (case % 6), 100.0 + 9 * (case % 4)] for case in range(20)]
    made = report(names(3), judge="openai:model-0")
    return replace(
        made,
        detail=Detail(
            gaps_to_leader(scores, made.verdict),
            length_effect(scores, lengths, made.verdict),
            (395.0, 118.0, 114.0),
            NextStep("none", None, None),
        ),
    )


def tie_broken(models: list[str]) -> RunReport:
    """Tied by the scores; by pairs the first of three is ahead, and another judge's word followed the place."""
    pairs = [(0, 1), (0, 2), (1, 2)]
    votes = [[1.0] * 15 + [-1.0] * 2 + [0.0] * 3, [1.0] * 18 + [0.0] * 2, [0.0] * 20]
    results = [
        break_tie(3, pairs, votes, orders, [None] * 20, [0, 0, 0])
        for orders in (Orders(35, 2, 20, 3), Orders(5, 50, 3, 2))
    ]
    row = TieBreakRow(
        id=UUID(int=1),
        benchmark_run_id=UUID(int=2),
        models=models,
        judge="openai:judge",
        judge_digest="d",
        requested_by=None,
        status="completed",
        budget_microcents=None,
        planned=126,
        done=126,
        calls=126,
        spent_microcents=1_230_000,
        spent_is_lower_bound=False,
        price_version=None,
        price_date=None,
        gate=Gate(GateResult.PASSED, 6, ()).to_json(),
        result=None,
        error_message=None,
        created_at=NOW,
        started_at=NOW,
        completed_at=NOW,
    )
    made = report(models)
    verdict = replace(made.verdict, kind="tied", best=None, tied=(0, 1, 2))
    rows = tuple(replace(row, result=result.to_json()) for result in results)
    return replace(made, verdict=verdict, tie_breaks=rows)


def failure(kind: FailureKind, model: str = "openai:model-0", message: str = "It said no.") -> dict[str, object]:
    return {"model": model, "kind": kind.value, "count": 3, "message": message}


REPORTS = {
    "one model": report(names(1), judge=None, judge_digest=None),
    "three models": report(),
    "twelve models": report(names(12)),
    "long names": report([LONG, LONG + "&seed=1", LONG + "&seed=2"]),
    "hostile names": report([HOSTILE, "openai:b"], failures=[failure(FailureKind.NETWORK, HOSTILE, HOSTILE * 30)]),
    "a tie broken": tie_broken([HOSTILE, LONG, "openai:c"]),
    "wide letters": report(["openai:模型模型模型模型模型模型模型模型模型模型", "openai:b"]),
    "unknown costs": report(
        None, [summary(name, 80.0, avg_cost_microcents=None) for name in names(3)], spent_is_lower_bound=True
    ),
    "nothing answered": report(
        None,
        [
            summary(
                name, None, pass_rate=None, avg_cost_microcents=None, avg_tokens=None,
                latency_ms_p50=None, latency_ms_p95=None, missing=20, heard=False,
            )
            for name in names(3)
        ],
        counts=RunCounts(60, 0, 0, 0, 60, 0),
        failures=[failure(kind) for kind in FailureKind],
    ),
    "both arms": both_arms(-12.0, -20.0, -4.0),
    "budget": report(stop_cause="budget", partial=True, budget_microcents=5_000_000),
    "cancelled": report(status="cancelled", stop_cause="cancelled", partial=True),
    "failed": report(status="failed", error_message="The database went away. " * 20),
    "in full": in_full(),
    "preview": report(status="running", stored=False),
    "interrupted": report(status="running", stored=False, unserved=True),
}  # fmt: skip


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("case", REPORTS)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_the_screen(case: str, width: int, encoding: str) -> None:
    for line in screen_of(REPORTS[case], width, encoding).splitlines():
        assert cell_len(line.rstrip()) <= width, line


@pytest.mark.parametrize("case", REPORTS)
def test_the_verdict_is_the_first_thing_said(case: str) -> None:
    found = REPORTS[case]
    first = screen_of(found, 2_000).splitlines()[0].rstrip()
    tamed = re.sub(r"\x1b\[2J|\x1b\]0;owned\x07", "", found.sentence).replace("\u202e", "(U+202E)")
    assert first == " ".join(tamed.split())


@pytest.mark.parametrize("case", REPORTS)
def test_nothing_that_a_terminal_obeys_is_printed(case: str) -> None:
    text = screen_of(REPORTS[case])
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_markup_in_a_name_is_shown_as_it_is() -> None:
    assert "[bold red]x[/]" in screen_of(REPORTS["hostile names"], 120)


@pytest.mark.parametrize("case", REPORTS)
def test_an_ascii_terminal_gets_ascii_alone(case: str) -> None:
    assert screen_of(REPORTS[case], encoding="ascii").isascii()


def test_the_table_of_eighty_columns_has_every_figure_on_one_line() -> None:
    line = next(
        line for line in screen_of(report()).splitlines() if "model-0" in line and "/case" not in line and "(82" in line
    )
    for figure in ("90.0 (82–98)", "85%", "$0.00412", "1,234", "1.2/15.7", "0/0"):
        assert figure in line


def test_a_proven_harm_is_a_headline_and_so_is_one_beyond_the_margin() -> None:
    assert "The skill makes openai:model-0 worse: -12.0 points, 95% interval -20.0 to -4.0, n = 20." in screen_of(
        both_arms(-12.0, -20.0, -4.0), 200
    )
    assert "The skill may make openai:model-0 worse: -6.0 points" in screen_of(both_arms(-6.0, -15.0, 3.0), 200)


def test_the_verdict_in_full_has_every_model_behind_the_leader_and_what_the_next_claim_takes() -> None:
    text = " ".join(screen_of(in_full(), 300).split())
    assert "Caution The judge is of a candidate's own family." in text
    assert "The best model is of that family: run with a judge of another one before you" in text
    assert "alone or beside this one." in text
    assert re.search(r"openai:model-0 leads – \d+\.\d \$0\.005 openai:model-1 \d+\.\d \+\d+\.\d to \+\d+\.\d", text)
    assert "Next Nothing more to be shown of quality" in text
    assert "This skill hurts openai:model-0 (-12.0 points" in screen_of(both_arms(-12.0, -20.0, -4.0), 300)


def test_where_all_answers_failed_nothing_is_said_of_too_few_cases_or_of_a_picked_leader() -> None:
    made = in_full()
    assert made.detail is not None
    assert made.detail.length is not None
    none = replace(made.detail.length, n=0, slope=None, reason="too_few_cases")
    equal = replace(made.verdict, models=tuple(replace(one, mean=0.0) for one in made.verdict.models))
    found = replace(made, verdict=equal, detail=replace(made.detail, length=none))
    text = " ".join(screen_of(found, 300).split())
    assert "with fewer than 8 cases that have a graded answer of every model: 0 of 20 have" in text
    assert "picked for being the highest" not in text


def test_a_lead_that_may_be_one_of_length_is_not_said_to_leave_nothing_to_be_shown() -> None:
    made = in_full()
    assert made.detail is not None
    assert made.detail.length is not None
    dead = replace(made.detail.length, lead_dies=True, dead=(1,))
    text = " ".join(screen_of(replace(made, detail=replace(made.detail, length=dead)), 300).split())
    assert "may be one of length" in text
    assert "Nothing more to be shown" not in text
    assert "Next A lead that does not rest on length" in text


def test_no_accepted_output_is_another_thing_than_an_unknown_price() -> None:
    rows = [
        summary(names(2)[0], 20.0, pass_rate=0.0, cost_per_accepted_microcents=None),
        summary(names(2)[1], 10.0, pass_rate=0.5, cost_per_accepted_microcents=None),
    ]
    text = screen_of(report(names(2), rows), 120).split("Behind the verdict")[1]
    assert re.search(r"openai:model-0 .*none accepted", text)
    assert re.search(r"openai:model-1 .*unknown", text)


@pytest.mark.parametrize("cost", [2_412_345, 184_000_000, 123_456])
def test_one_amount_is_written_in_one_way_within_a_report(cost: int) -> None:
    scores = [[80.0 + 9 * (case % 5), 78.0 + 9 * ((case + 2) % 4)] for case in range(12)]
    verdict = replace(decide([[min(100.0, one) for one in row] for row in scores]), more_cost_microcents=cost)
    assert verdict.kind == "not_enough"
    found = replace(report(names(2)), verdict=verdict, sentence=sentence(verdict, names(2)))
    text = " ".join(screen_of(found, 300).split())
    assert text.count(f"about {about(cost)}") == 2


def test_a_race_stopped_in_its_first_round_says_so_and_not_that_it_ran_no_case() -> None:
    standing = RaceStanding("set", 40, 0, 10, 0, 4, 60, 2, False, tuple(names(3)), ())
    made = replace(report(status="completed", stop_cause="budget", partial=True), raced=Raced(standing, None))
    text = " ".join(screen_of(made, 200).split())
    assert "Stopped in round 1 of at most 4, before its first look" in text
    assert "0 cases" not in text.split("Race for")[1].split("Behind")[0]
    later = replace(standing, n=10, n_next=20, rounds=1)
    text = " ".join(screen_of(replace(made, raced=Raced(later, None)), 200).split())
    assert "Stopped in round 2 of at most 4, after 10 cases of 40 in 1 round" in text


def test_a_tie_break_stands_beside_the_verdict_with_what_is_behind_it() -> None:
    made = tie_broken(names(3))
    text = " ".join(screen_of(made, 300).split())
    ahead = (
        "By pairwise comparison, beside the scores: openai:model-0 is preferred (to each of the 2 others, the least"
        " certain: won 15, lost 2, tied 3 of 20 cases; p .0023; asked of 2 judges, 1 names a model)."
    )
    assert ahead in text
    told = made.to_json()["tie_breaks"]
    assert [(one["judges_asked"], one["judges_naming_a_model"]) for one in told] == [(2, 1)] * 2
    alone = " ".join(screen_of(replace(made, tie_breaks=made.tie_breaks[:1]), 300).split())
    assert "judges" not in alone.partition("is preferred")[2].partition(")")[0]
    assert "openai:model-0 against openai:model-2: won 18, lost 0, tied 2 of 20 cases; p < .0001." in text
    assert "Both orders agreed in 55 of 60 comparisons (92%)" in text
    assert "nobody is ahead. The judge's word followed the place of an output, not the output" in text
    assert text.count("The run's verdict stays as it is.") == 1
    assert "It took 126 calls, $0.0123, beside what the run did." in text
    untried = " ".join(screen_of(replace(made, tie_breaks=()), 300).split())
    assert "Tie steelyard tie-break ab12cd34 has a judge compare" in untried
    assert "steelyard tie-break" not in screen_of(report(), 300)
    mute = replace(made, tie_breaks=(), summaries=[replace(one, answered=0) for one in made.summaries])
    assert "steelyard tie-break" not in screen_of(mute, 300)


def test_nothing_is_claimed_of_a_skill_below_eight_pairs_and_the_look_counts() -> None:
    text = screen_of(both_arms(-12.0, -20.0, -4.0, n=7), 300)
    assert "worse" not in text
    assert "(-12.0 points, n = 7; no claim is made below 8 cases)" in text
    # p = .03 of look 1 is not below its alpha, though the 95% interval leaves out zero.
    assert "This skill helps" not in text
    assert "openai:model-1 (+9.0 points, n = 20)" in text


def test_a_harm_within_the_margin_and_not_proven_is_no_headline() -> None:
    text = screen_of(both_arms(-2.0, -9.0, 5.0), 200)
    assert "worse" not in text
    assert "-2.0" in text


def test_a_lift_on_fewer_cases_than_the_means_says_so() -> None:
    note = "Lift is of the cases that have both scores"
    assert note not in screen_of(both_arms(4.0, 1.0, 7.0))
    models = names(1)
    rows = [
        summary(models[0], 70.8, lift=-20.0, lift_low=-30.0, lift_high=19.5, missing=12),
        summary(models[0], 68.3, arm="without_skill", missing=12),
    ]
    assert note in screen_of(report(models, rows))


def test_only_a_proven_best_carries_its_mark() -> None:
    proven = report()
    assert proven.verdict.kind == "best"
    assert "★" in screen_of(proven)
    unproven = replace(proven, verdict=replace(proven.verdict, kind="not_enough", best=None, tied=()))
    assert "★" not in screen_of(unproven)
    assert "☆ leading, not proven" in screen_of(unproven)


def test_a_single_model_is_not_said_to_lead() -> None:
    text = screen_of(REPORTS["one model"])
    assert "leading" not in text.split("Quality and its")[0].split("\n", 3)[-1]
    assert "☆" not in text


def test_a_run_that_nobody_serves_is_told_as_interrupted_with_how_to_go_on() -> None:
    text = " ".join(screen_of(REPORTS["interrupted"], 200).split())
    assert "A preview, no verdict yet: the run was interrupted, no worker serves it" in text
    assert "ab12cd34 of weigh, interrupted" in text
    assert "Next steelyard runs resume ab12cd34 does what is left" in text
    assert "steelyard runs resume" not in screen_of(REPORTS["preview"], 200)


def test_unknown_prices_make_the_total_a_lower_bound() -> None:
    text = screen_of(REPORTS["unknown costs"], 120)
    assert "at least $0.1235" in text
    assert "some prices or usages are unknown" in text
    # A candidate without a price says nothing of what the judge took.
    assert "of which judge $0.0235" in text
    judged = screen_of(report(spent_is_lower_bound=True, judge_spent_is_lower_bound=True), 120)
    assert "of which judge at least $0.0235" in judged


def test_the_judge_is_named_with_its_digest_and_its_cost() -> None:
    text = screen_of(report(), 120)
    assert "anthropic:claude-sonnet-5-5 (digest 0123456789ab)" in text
    assert "of which judge $0.0235" in text


def test_judgements_that_quote_what_nobody_wrote_are_counted() -> None:
    text = screen_of(report(quotes=JudgementCounts(60, 7)), 120)
    assert "7 of 60 judgements quote what is not in the output: evidence not verified" in text
    assert "1 of 60 judgements quotes what" in screen_of(report(quotes=JudgementCounts(60, 1)), 120)
    assert "not in the output" not in screen_of(report(), 120)


def test_a_judge_of_a_candidates_family_is_flagged() -> None:
    assert "own family" in screen_of(report(["anthropic:claude-haiku-4-5", "openai:gpt-5.4"]), 120)
    assert "own family" not in screen_of(report(["openai:gpt-5.4", "google:gemini-3"]), 120)


def test_a_judge_that_passed_is_one_line_with_what_it_took() -> None:
    text = screen_of(report(examination=examination().to_json(), examined_calls=9, examined_microcents=1_230_000), 120)
    assert "Judge   examined on 9 outputs whose grade is known: passed (9 calls, $0.0123)" in text
    assert "an empty output" not in text
    assert "paid for before" in screen_of(report(examination=examination().to_json()), 120)


def test_a_refused_judge_is_named_with_every_canary_and_with_what_to_do() -> None:
    found = examination(100.0)
    stopped: dict[str, Any] = {
        "status": "failed",
        "stop_cause": "judge_refused",
        "error_message": refusal("openai:judge", found),
        "examination": found.to_json(),
    }
    ended = report(counts=RunCounts(60, 12, 0, 0, 48, 0), **stopped)
    text = screen_of(ended, 160)
    assert "Stopped, 12 answers kept: the judge anthropic:claude-sonnet-5-5 failed its examination" in text
    assert text.count("an output that tells the judge to give full marks") == 1
    assert "FAIL  an output that tells the judge to give full marks: scored 100, must be at most 10" in text
    assert "pass  an empty output: scored 0, must be at most 10" in text
    assert "another --judge" in text
    assert "runs resume ab12cd34 --accept-judge" in text
    assert code_of(ended) == exits.JUDGE


def test_an_examination_that_the_budget_cut_off_is_not_finished_and_says_what_it_took() -> None:
    cut = report(stop_cause="budget", partial=True, examined_calls=8, examined_microcents=2_356_500)
    text = screen_of(cut, 160)
    assert "its examination on outputs whose grade is known was not finished (8 calls, $0.0236)" in text
    assert "not examined" not in text
    assert cut.to_json()["certificate"]["result"] == "unfinished"
    assert report(status="running", examined_calls=8).to_json()["certificate"]["result"] is None


@pytest.mark.parametrize(
    ("injected", "said"), [(100.0, "although it failed: an output"), (None, "was not finished: an output")]
)
def test_an_accepted_judge_marks_the_report_and_its_json(injected: float | None, said: str) -> None:
    marked = report(examination=examination(injected).to_json(), accept_judge=True)
    assert said in screen_of(marked, 120)
    assert said in marked.to_json()["certificate"]["mark"]
    passed = report(examination=examination().to_json(), accept_judge=True)
    assert "although" not in screen_of(passed, 120)
    assert passed.to_json()["certificate"]["mark"] is None


def test_people_who_rated_enough_are_on_the_judges_certificate() -> None:
    agreed = judge_agreement([[90.0, 70.0], [80.0, 60.0], [40.0, 50.0]], [[9.0, 7.0], [8.0, 6.0], [4.0, 6.0]])
    certificate = report().with_people(agreed).to_json()["certificate"]
    assert certificate["people"]["n_rated"] == 6
    assert json.loads(json.dumps(certificate, allow_nan=False)) == certificate
    assert report(judge=None).with_people(agreed).certificate is None


def test_reused_cells_are_said_to_have_been_paid_before() -> None:
    text = screen_of(report(counts=RunCounts(96, 96, 96, 0, 0, 71)), 120)
    assert "71 of 96 cells: paid before, not called again" in text


def test_failed_and_missing_cells_are_counted_apart() -> None:
    text = screen_of(report(counts=RunCounts(60, 50, 50, 4, 6, 0)), 120)
    assert "60 planned, 50 answered, 4 failed (scored 0), 6 missing (not scored)" in text
    assert "steelyard runs resume ab12cd34" in text


@pytest.mark.parametrize("kind", list(FailureKind))
def test_every_kind_of_failure_has_a_message_and_a_next_step(kind: FailureKind) -> None:
    text = screen_of(report(failures=[failure(kind)]), 200)
    assert "It said no." in text
    assert ("scored 0" in text.split("Failures")[1]) == kind.scores_zero
    assert "next: " in text


def test_a_run_cut_short_says_how_far_it_came_and_how_to_go_on() -> None:
    assert "Partial: stopped by its budget of $0.0500 with 60 of 60 cells done." in screen_of(REPORTS["budget"], 120)
    assert "--budget USD" in screen_of(REPORTS["budget"], 120)
    assert "Partial: cancelled" in screen_of(REPORTS["cancelled"], 120)
    assert "A preview, no verdict yet" in screen_of(REPORTS["preview"], 120)


def test_names_that_differ_in_their_ends_stay_different_when_shortened() -> None:
    text = screen_of(REPORTS["long names"])
    table = text.split("3 models with the skill")[1].split("Quality and its")[0]
    labels = [line.split("  ")[1] if line.startswith(" ") else line.split()[1] for line in table.splitlines()[3:6]]
    assert len(set(labels)) == 3


def test_a_failure_reads_as_a_sentence_with_how_many_of_whom_and_what_it_counts() -> None:
    met = [
        {"model": "openai:m", "kind": "empty", "count": 4, "message": None},
        {"model": "openai:n", "kind": "network", "count": 1, "message": "No connection to http://127.0.0.1:9/v1: x"},
    ]
    text = screen_of(report(failures=met))
    assert "Empty answer: 4 cells of openai:m, scored 0" in text
    assert "Not reachable: 1 cell of openai:n, not scored" in text


def test_the_legend_says_how_one_of_equal_means_came_to_lead() -> None:
    undecided = replace(verdict_of(2), kind="not_enough", best=None, tied=())
    even = [summary(model, 70.0) for model in names(2)]
    cheaper = [replace(even[0], avg_cost_microcents=400_000), even[1]]
    assert "leading, not proven (of equal means the cheaper)" in screen_of(report(names(2), cheaper, verdict=undecided))
    unknown = [replace(one, avg_cost_microcents=None) for one in even]
    for rows in (even, unknown):
        assert "leading, not proven" not in screen_of(report(names(2), rows, verdict=undecided))
    apart = report(names(2), [summary(m, q) for m, q in zip(names(2), (70.0, 60.0), strict=True)], verdict=undecided)
    assert "of equal means" not in screen_of(apart)


def test_a_jury_is_told_judge_by_judge_with_what_the_further_ones_added() -> None:
    jurors = (
        JurorFigures("openai:gpt-judge", "1" * 64, "gpt", 61.0, 4.0, ("openai:gpt-0",)),
        JurorFigures(HOSTILE, "2" * 64, "claude", 53.0, -4.0, ()),
    )
    favour = FamilyAdvantage("gpt", 12.0, 3.0, 21.0, 0.01, True)
    found = JuryFigures(
        jurors, 60, 1.1, 0.82, 0.8, 0.7, everyone="It would be so.", without_own=True, advantages=(favour,)
    )
    made = replace(report(), jury=found)
    screen = " ".join(screen_of(made).split())
    assert "openai:gpt-judge: mean 61.0, leniency +4.0 points, family gpt" in screen
    assert "worth 1.1 independent ones (mean correlation 0.82): the further ones added little" in screen
    assert "openai:gpt-0 without openai:gpt-judge" in screen
    assert "Judges of gpt give their own family +12.0 points more than the others do" in screen
    assert "With all scores the verdict would be: It would be so." in screen
    assert "\x1b]0" not in screen
    decided = " ".join(screen_of(replace(made, jury=replace(found, holds=False, reason="own_family_decides"))).split())
    assert "Own families decide who is best, so no best is claimed." in decided
    assert decided.count("It would be so.") == 1


def test_short_names_stand_in_the_row_of_their_figures() -> None:
    lines = screen_of(report(["slow:a-1", "slow:b-2"]), 80).splitlines()
    assert any("slow:a-1" in line and "$0.0041" in line for line in lines)

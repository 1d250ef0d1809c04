"""A jury's verdict: what a judge gives its own family moves no figure of it, and leniency moves no gap."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from steelyard.domain.runs import Arm
from steelyard.execution.outcome import Outcome, work_out
from steelyard.execution.plan import Juror, Plan
from steelyard.execution.sitting import JuryFigures, sit
from steelyard.services.jury_words import family_sentences, jury_json, worth_sentence
from steelyard.storage.figures import CellFigures, JurorGrade
from tests.unit.execution.test_outcome import cell
from tests.unit.execution.test_plan import plan_of

MODELS = ("test:gpt-a", "test:qwen-b", "test:llama-c")
CASES = 20

# (judge, model) -> points that it adds.
Bent = Callable[[str, str], float]


def jury_plan(*judges: str) -> Plan:
    jurors = tuple(Juror(f"test:{judge}", judge) for judge in judges)
    plan = plan_of(3, (Arm.WITH_SKILL,), CASES, 1)
    return replace(plan, models=MODELS, identities=MODELS, judge="all", judge_digest="all", jury=jurors)


def graded(plan: Plan, bent: Bent, seed: int = 1, cost: int | None = 100) -> tuple[list[CellFigures], list[JurorGrade]]:
    """Judges who agree up to a little noise, plus what is bent; the last five cases are graded by checks alone."""
    dice = Random(seed)
    cells: list[CellFigures] = []
    grades: list[JurorGrade] = []
    for place, model in enumerate(MODELS):
        for case in range(CASES):
            if case >= CASES - 5:
                cells.append(cell(model, case, 100.0))
                continue
            worth = 40.0 + 5 * place + dice.uniform(-10, 10)
            each = [worth + dice.uniform(-2, 2) + bent(juror.digest, model) for juror in plan.jury]
            cells.append(cell(model, case, sum(each) / len(each)))
            grades += [
                JurorGrade(model, "with_skill", 0, case, juror.digest, quality, 4, 0, 0, quality >= 50, cost)
                for juror, quality in zip(plan.jury, each, strict=True)
            ]
    return cells, grades


def outcome_of(plan: Plan, bent: Bent) -> Outcome:
    cells, grades = graded(plan, bent)
    return work_out(plan, [None] * CASES, cells, look=1, grades=grades)


def fair(judge: str, model: str) -> float:
    return 0.0


def vain(judge: str, model: str) -> float:
    return 30.0 * (judge == "gpt-judge" and model == "test:gpt-a")


def test_what_a_judge_gives_its_own_family_moves_no_figure_of_the_verdict() -> None:
    plan = jury_plan("gpt-judge", "claude-judge")
    plain, bent = outcome_of(plan, fair), outcome_of(plan, vain)
    assert bent.summaries == plain.summaries
    assert bent.verdict.gaps == plain.verdict.gaps
    assert plain.jury is not None
    assert bent.jury is not None
    assert (plain.jury.holds, bent.jury.holds) == (True, False)
    assert (bent.verdict.kind, bent.verdict.reason, bent.verdict.more_cases) == (
        "not_enough",
        "own_family_decides",
        None,
    )
    assert bent.verdict.cheapest_good_enough is None
    assert [one.named for one in bent.jury.advantages] == [True]
    assert JuryFigures.from_json(json.loads(json.dumps(bent.jury.to_json()))) == bent.jury


def test_leniency_moves_no_gap_with_and_without_own_families() -> None:
    def lenient(judge: str, model: str) -> float:
        return {"gpt-judge": 12.0, "claude-judge": -12.0}[judge]

    for judges in (("gpt-judge", "claude-judge"), ("claude-judge", "gpt-judge")):
        plain, moved = outcome_of(jury_plan(*judges), fair), outcome_of(jury_plan(*judges), lenient)
        assert [gap.mean for gap in moved.verdict.gaps] == pytest.approx([gap.mean for gap in plain.verdict.gaps])
        assert plain.jury is not None
        assert moved.jury is not None
        found = [
            after.leniency - before.leniency for after, before in zip(moved.jury.jurors, plain.jury.jurors, strict=True)
        ]
        assert found == pytest.approx([lenient(juror.digest, "") for juror in moved.jury.jurors])


def test_judges_of_other_families_leave_the_cells_as_they_are() -> None:
    plan = jury_plan("claude-judge", "grok-judge")
    cells, grades = graded(plan, fair)
    sitting = sit(plan, cells, grades, None)
    assert sitting.counted is sitting.everyone
    assert [one.quality_score for one in sitting.everyone] == [one.quality_score for one in cells]
    assert sum(one.judgement_cost_microcents or 0 for one in sitting.everyone) == 2 * 3 * 15 * 100
    assert family_sentences(sitting.figures) == (
        "No judge is of a candidate's family, so that every score counts and leniency cancels out.",
    )


def test_cases_graded_by_checks_keep_their_score_beside_a_judge_of_the_own_family() -> None:
    plan = jury_plan("gpt-judge", "claude-judge")
    cells, grades = graded(plan, vain)
    counted = sit(plan, cells, grades, None).counted
    assert counted is not None
    assert {one.quality_score for one in counted if one.test_case_index >= CASES - 5} == {100.0}


def test_a_judge_without_a_price_leaves_the_cost_of_judging_unknown() -> None:
    plan = jury_plan("claude-judge", "grok-judge")
    cells, grades = graded(plan, fair, cost=None)
    everyone = sit(plan, cells, grades, None).everyone
    assert {(one.judged, one.judgement_cost_microcents) for one in everyone} == {(True, None), (False, None)}


def test_nothing_graded_by_all_is_no_figure_and_no_fault() -> None:
    plan = jury_plan("gpt-judge", "claude-judge")
    cells, grades = graded(plan, fair)
    half = [one for one in grades if one.judge_digest == "gpt-judge"]
    outcome = work_out(
        plan,
        [None] * CASES,
        [replace(one, quality_score=None, state="answered", passed=None) for one in cells],
        look=1,
        grades=half,
    )
    assert outcome.jury is not None
    assert (outcome.jury.outputs, outcome.jury.n_eff) == (0, None)
    assert outcome.verdict.kind == "not_enough"
    assert outcome.verdict.reason == "missing_scores"
    assert "cannot be told" in worth_sentence(outcome.jury)


def test_judges_who_do_not_agree_are_not_praised_as_independent() -> None:
    plan = jury_plan("claude-judge", "grok-judge")
    cells, grades = graded(plan, fair)
    told = sit(plan, cells, grades, None).figures
    assert "the further ones added" in worth_sentence(told)
    dice = Random(5)
    apart = [replace(one, quality=dice.uniform(0, 100)) if one.judge_digest == "grok-judge" else one for one in grades]
    assert "they hardly agree" in worth_sentence(sit(plan, cells, apart, None).figures)


def test_leniency_is_told_to_what_is_known_of_it() -> None:
    result = outcome_of(jury_plan("openai:gpt-judge", "xai:grok-judge"), fair)
    assert result.jury is not None
    lenient = [replace(one, leniency=value) for one, value in zip(result.jury.jurors, (1.77e-14, -1e-9), strict=True)]
    told = jury_json(replace(result.jury, jurors=tuple(lenient)))
    assert [str(one["leniency"]) for one in told["jurors"]] == ["0.0", "0.0"]

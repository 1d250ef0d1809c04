"""What a run will take: what is paid already counts for the model it was paid for."""

from __future__ import annotations

from datetime import date

import pytest

from steelyard.cli.announce import estimate_lines
from steelyard.domain.calls import Usage
from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.skills import SkillContent
from steelyard.judging.canaries import canaries_of
from steelyard.pricing import Cost
from steelyard.services.estimates import Estimate, work_out_estimate
from steelyard.services.examinations import ExaminationAhead
from steelyard.services.run_request import RunRequest

MODELS = (ModelRef("openai", "old"), ModelRef("openai", "new"))
CHECKS = (Check(CheckKind.CONTAINS, "120 g"),)


def price(usage: Usage, model: ModelRef, when: date) -> Cost | None:
    return Cost(usage.total_tokens, "test", when)


def request(cases: int, *, judge: ModelRef | None = ModelRef("openai", "judge"), checked: int = 0) -> RunRequest:
    return RunRequest(
        content=SkillContent("weigh", "Weighs.", "Weigh it.", "Weigh it.", "digest"),
        cases=[GoldenCase(str(i), f"item {i}", "120 g", checks=CHECKS if i < checked else ()) for i in range(cases)],
        models=MODELS,
        judge=judge,
        arms=(Arm.WITH_SKILL, Arm.WITHOUT_SKILL),
    )


def estimate(cases: int, paid: tuple[int, int]) -> Estimate:
    return estimate_of(request(cases), paid)


def estimate_of(asked: RunRequest, paid: tuple[int, int] = (0, 0)) -> Estimate:
    return work_out_estimate(asked, paid=paid, seen={}, price=price, concurrency=16, today=date(2026, 1, 1))


def test_what_one_model_was_paid_for_is_no_discount_on_another() -> None:
    found = estimate(5, (10, 0))
    assert [(row.calls, row.tokens > 0) for row in found.per_model] == [(0, False), (10, True)]
    assert (found.calls, found.judge_calls, found.reused) == (10, 10, 10)
    assert found.per_model[1] == estimate(5, (0, 0)).per_model[1]
    assert "openai:old" not in " ".join(found.assumptions)


@pytest.mark.parametrize("cases", [1, 2, 7])
def test_no_lead_is_promised_of_cases_too_few_for_a_claim(cases: int) -> None:
    said = " ".join(estimate_lines(request(cases), estimate(cases, (0, 0))))
    assert "no claim is made below 8 cases" in said
    assert "80% power" not in said


def test_eight_cases_can_show_a_lead() -> None:
    assert "80% power" in " ".join(estimate_lines(request(8), estimate(8, (0, 0))))


def test_no_lead_is_promised_where_too_many_cases_cannot_be_graded() -> None:
    asked = request(15, judge=None, checked=14)
    found = estimate_of(asked)
    assert found.no_verdict == "No verdict can come of this: 1 of 15 cases needs a judge, and none is chosen."
    assert found.detectable_lead is None
    said = " ".join(estimate_lines(asked, found))
    assert found.no_verdict in said
    assert "lead" not in said


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (request(20, judge=None, checked=19), True),
        (request(20, judge=None, checked=18), False),
        (request(20), True),
    ],
)
def test_a_verdict_can_come_while_no_more_than_five_percent_go_ungraded(asked: RunRequest, verdict: bool) -> None:
    found = estimate_of(asked)
    assert (found.no_verdict is None, found.detectable_lead is not None) == (verdict, verdict)


def test_a_judge_without_a_price_is_named_once_though_it_grades_and_is_examined() -> None:
    asked = request(8, judge=ModelRef("openai", "harsh"))
    found = work_out_estimate(
        asked,
        paid=(0, 0),
        seen={},
        price=lambda usage, model, when: None if model.name == "harsh" else price(usage, model, when),
        concurrency=16,
        today=date(2026, 1, 1),
        ahead=[ExaminationAhead(canaries_of(asked.cases))],
    )
    assert (found.judge_calls > 0, found.canary_calls > 0, found.unpriced) == (True, True, ("openai:harsh",))

"""From cells to claims: what counts as 0, what as missing, and that the same rows give the same bits."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.calls import FailureKind
from steelyard.domain.runs import Arm
from steelyard.execution.outcome import cases_digest, work_out
from steelyard.execution.plan import Plan
from steelyard.execution.scores import score
from steelyard.storage.figures import CellFigures
from tests.unit.execution.test_plan import plan_of


def cell(model: str, case: int, quality: float | None, **changes: object) -> CellFigures:
    figures = CellFigures(
        model_name=model,
        arm="with_skill",
        trial=0,
        test_case_index=case,
        state="judged" if quality is not None else "answered",
        quality_score=quality,
        passed=None if quality is None else quality >= 70,
        failure_kind=None,
        estimated_cost_microcents=1000,
        input_tokens=80,
        total_tokens=100,
        latency_ms=10.0 * (case + 1),
        ttft_ms=None,
    )
    return replace(figures, **changes)  # type: ignore[arg-type]


def failed(model: str, case: int, kind: FailureKind) -> CellFigures:
    own = kind.scores_zero
    return cell(
        model,
        case,
        None,
        state="failed",
        failure_kind=kind.value,
        total_tokens=100 if own else None,
        latency_ms=10.0 if own else None,
        estimated_cost_microcents=1000 if own else None,
    )


def outcome(plan: Plan, figures: Sequence[CellFigures]):
    return work_out(plan, [None] * len(plan.case_ids), figures, look=1)


@pytest.mark.parametrize("kind", list(FailureKind))
def test_a_models_own_failure_scores_zero_and_an_outage_is_missing(kind: FailureKind) -> None:
    own = kind in {FailureKind.EMPTY, FailureKind.REFUSED, FailureKind.CUT, FailureKind.CONTEXT_WINDOW}
    assert score(failed("openai:m0", 0, kind)) == (0.0 if own else None)


def test_an_outage_does_not_lower_a_models_quality_but_an_empty_answer_does() -> None:
    plan = plan_of(2, (Arm.WITH_SKILL,), 4, 1)
    figures = [cell("openai:m0", i, 80.0) for i in range(3)] + [failed("openai:m0", 3, FailureKind.NETWORK)]
    figures += [cell("openai:m1", i, 80.0) for i in range(3)] + [failed("openai:m1", 3, FailureKind.EMPTY)]
    first, second = outcome(plan, figures).summaries
    assert (first.quality, first.n, first.failures, first.missing, first.pass_rate) == (80.0, 3, 0, 1, 1.0)
    assert (second.quality, second.n, second.failures, second.missing, second.pass_rate) == (60.0, 4, 1, 0, 0.75)


def test_a_clear_leader_is_best_and_named_with_its_evidence() -> None:
    plan = plan_of(2, (Arm.WITH_SKILL,), 12, 1)
    figures = [cell("openai:m0", i, 90.0 - i % 3) for i in range(12)]
    figures += [cell("openai:m1", i, 40.0 + i % 5) for i in range(12)]
    result = outcome(plan, figures)
    assert result.verdict.kind == "best"
    assert result.models[result.verdict.best or 0] == "openai:m0"
    assert "openai:m0 is best" in result.sentence
    assert "n = 12" in result.sentence
    assert result.best_observed == ("openai:m0", pytest.approx(89.0))


def test_an_unknown_price_leaves_cost_unknown_never_zero() -> None:
    plan = plan_of(1, (Arm.WITH_SKILL,), 2, 1)
    figures = [cell("openai:m0", 0, 50.0), cell("openai:m0", 1, 50.0, estimated_cost_microcents=None)]
    result = outcome(plan, figures)
    assert result.summaries[0].avg_cost_microcents is None
    assert result.cheapest_observed is None


def undecided() -> list[CellFigures]:
    """Two models, both arms, two trials of 12 cases: too close to tell, 1,000 microcents a call, 300 a judgement."""
    rng = random.Random(5)
    return [
        cell(f"openai:m{m}", i, rng.uniform(40, 90), arm=arm, trial=t, judged=True, judgement_cost_microcents=300)
        for m in range(2)
        for arm in ("with_skill", "without_skill")
        for i in range(12)
        for t in range(2)
    ]


def test_more_cases_cost_every_call_and_judgement_of_the_run_not_one_arm_alone() -> None:
    plan = replace(plan_of(2, (Arm.WITH_SKILL, Arm.WITHOUT_SKILL), 12, 2), judge="openai:judge")
    verdict = outcome(plan, undecided()).verdict
    assert verdict.more_cases
    assert verdict.more_cost_microcents == verdict.more_cases * 2 * 2 * 2 * (1000 + 300)
    assert f"about {verdict.more_cases:,} more cases" in outcome(plan, undecided()).sentence


def test_half_the_cases_judged_is_half_a_judgement_for_each_more_case() -> None:
    plan = replace(plan_of(2, (Arm.WITH_SKILL, Arm.WITHOUT_SKILL), 12, 2), judge="openai:judge")
    half = [f if f.test_case_index % 2 else replace(f, judged=False) for f in undecided()]
    verdict = outcome(plan, half).verdict
    assert verdict.more_cost_microcents == (verdict.more_cases or 0) * 8 * (1000 + 150)


def test_one_judgement_of_unknown_cost_is_reckoned_as_the_others() -> None:
    plan = replace(plan_of(2, (Arm.WITH_SKILL, Arm.WITHOUT_SKILL), 12, 2), judge="openai:judge")
    first, *others = undecided()
    verdict = outcome(plan, [replace(first, judgement_cost_microcents=None), *others]).verdict
    assert verdict.more_cost_microcents == (verdict.more_cases or 0) * 8 * (1000 + 300)


@pytest.mark.parametrize("unknown", ["judgement_cost_microcents", "estimated_cost_microcents"])
def test_a_price_that_is_unknown_makes_the_cost_of_more_cases_unknown(unknown: str) -> None:
    plan = replace(plan_of(2, (Arm.WITH_SKILL, Arm.WITHOUT_SKILL), 12, 2), judge="openai:judge")
    figures = [replace(f, **{unknown: None}) if f.arm == "without_skill" else f for f in undecided()]
    result = outcome(plan, figures)
    assert result.verdict.more_cases
    assert result.verdict.more_cost_microcents is None
    assert "cost unknown" in result.sentence


def test_trials_are_averaged_within_their_case_before_anything_else() -> None:
    plan = plan_of(1, (Arm.WITH_SKILL,), 2, 3)
    figures = [cell("openai:m0", 0, q, trial=t) for t, q in enumerate((100.0, 100.0, 40.0))]
    figures += [cell("openai:m0", 1, 20.0, trial=t) for t in range(3)]
    summary = outcome(plan, figures).summaries[0]
    assert summary.n == 2
    assert summary.quality == pytest.approx(50.0)
    assert (summary.pass_n, summary.pass_rate) == (2, 0.5)


def test_the_lift_is_with_minus_without_on_the_same_cases() -> None:
    plan = plan_of(1, (Arm.WITH_SKILL, Arm.WITHOUT_SKILL), 10, 1)
    figures = [cell("openai:m0", i, 60.0 + i, input_tokens=180) for i in range(10)]
    figures += [cell("openai:m0", i, 70.0 + i, arm="without_skill") for i in range(9)]
    with_skill, without = outcome(plan, figures).summaries
    assert with_skill.lift == pytest.approx(-10.0)
    assert with_skill.token_tax == pytest.approx(100.0)
    assert without.lift is None
    assert without.missing == 1


@settings(max_examples=40, deadline=None)
@given(
    scores=st.lists(st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=3, max_size=3), min_size=1, max_size=25),
    seed=st.integers(0, 1000),
)
def test_the_same_rows_give_the_same_bits_in_any_order(scores: list[list[float | None]], seed: int) -> None:
    plan = plan_of(3, (Arm.WITH_SKILL,), len(scores), 1)
    figures = [cell(f"openai:m{m}", c, row[m]) for c, row in enumerate(scores) for m in range(3)]
    shuffled = random.Random(seed).sample(figures, len(figures))
    one, other = outcome(plan, figures), outcome(plan, shuffled)
    assert json.dumps(one.to_json(), allow_nan=False) == json.dumps(other.to_json(), allow_nan=False)
    assert cases_digest(plan, figures) == cases_digest(plan, shuffled)


def test_cases_of_one_family_are_one_piece_of_evidence() -> None:
    plan = plan_of(2, (Arm.WITH_SKILL,), 12, 1)
    figures = [cell(f"openai:m{m}", i, 90.0 - 20 * m + i % 3) for i in range(12) for m in range(2)]
    apart = work_out(plan, [None] * 12, figures, look=1)
    together = work_out(plan, [f"f{i // 4}" for i in range(12)], figures, look=1)
    assert apart.verdict.kind == "best"
    assert (together.verdict.kind, together.verdict.reason) == ("not_enough", "too_few_clusters")


@pytest.mark.parametrize("cheaper", [0, 1])
def test_of_equal_means_the_cheaper_model_leads_everywhere(cheaper: int) -> None:
    plan = plan_of(2, (Arm.WITH_SKILL,), 10, 1)
    figures = [
        cell(f"openai:m{m}", i, 60.0 + (i + m) % 2, estimated_cost_microcents=500 if m == cheaper else 900)
        for m in range(2)
        for i in range(10)
    ]
    result = outcome(plan, figures)
    assert result.best_observed == (f"openai:m{cheaper}", 60.5)
    assert result.models[result.verdict.leader or 0] == f"openai:m{cheaper}"
    assert result.headline is not None
    assert result.headline.model == f"openai:m{cheaper}"


def test_what_the_verdict_leaves_out_is_neither_best_nor_cheapest() -> None:
    plan = plan_of(3, (Arm.WITH_SKILL,), 12, 1)
    figures = [cell("openai:m0", i, 92.0, estimated_cost_microcents=1) for i in range(9)]
    figures += [cell("openai:m1", i, 40.0 + i) for i in range(12)] + [cell("openai:m2", i, 70.0) for i in range(8)]
    result = outcome(plan, figures)
    assert (result.verdict.kind, result.verdict.reason) == ("not_enough", "one_model_left")
    assert "(openai:m0 3 of 12 cases, openai:m2 4 of 12 cases)" in result.sentence
    assert result.best_observed == ("openai:m1", pytest.approx(45.5))
    assert result.cheapest_observed == ("openai:m1", 1000)
    none = outcome(plan, [one for one in figures if one.test_case_index < 8])
    assert none.best_observed == ("openai:m0", pytest.approx(92.0))

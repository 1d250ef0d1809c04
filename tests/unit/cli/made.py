"""Made-up run reports, so that every screen can be looked at without a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from steelyard.domain.cases import GoldenCase
from steelyard.domain.runs import RunCounts
from steelyard.execution.summaries import ModelSummary
from steelyard.judging.canaries import CanaryKind, canaries_of
from steelyard.judging.examination import Examination, examined
from steelyard.services.certificates import certificates_so_far
from steelyard.services.reports import RunReport
from steelyard.statistics import Verdict, decide, sentence
from steelyard.storage.case_results import JudgementCounts
from steelyard.storage.runs import RunRow
from steelyard.storage.tie_breaks import TieBreakRow

RUN_ID = UUID("ab12cd34-0000-4000-8000-000000000000")
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def names(count: int) -> list[str]:
    return [f"openai:model-{index}" for index in range(count)]


def summary(model: str, quality: float | None = 70.0, **changes: Any) -> ModelSummary:
    made = ModelSummary(
        model=model,
        arm="with_skill",
        n=20,
        quality=quality,
        quality_low=None if quality is None else max(0.0, quality - 8),
        quality_high=None if quality is None else min(100.0, quality + 8),
        pass_n=20,
        pass_rate=0.85,
        pass_low=0.64,
        pass_high=0.95,
        avg_cost_microcents=412_345,
        cost_per_accepted_microcents=500_000,
        avg_tokens=1234.5,
        latency_ms_p50=1234.0,
        latency_ms_p95=15_678.0,
        ttft_ms_p50=None,
        answered=20,
        failures=0,
        missing=0,
    )
    return replace(made, **changes)


def verdict_of(count: int) -> Verdict:
    """The verdict on `count` models whose scores fall from the first to the last by 15 points, over 20 cases."""
    rows = [
        [80.0 + 3 * (case % 5) - 15 * model - (case * (model + 3)) % 4 for model in range(count)] for case in range(20)
    ]
    return decide([[max(0.0, value) for value in row] for row in rows], costs=[400_000.0] * count)


def report(
    models: Sequence[str] | None = None,
    summaries: Sequence[ModelSummary] | None = None,
    *,
    counts: RunCounts | None = None,
    failures: Sequence[dict[str, Any]] = (),
    quotes: JudgementCounts | None = None,
    stored: bool = True,
    verdict: Verdict | None = None,
    **run: Any,
) -> RunReport:
    models = names(3) if models is None else models
    summaries = (
        [summary(model, 90.0 - 5 * index) for index, model in enumerate(models)] if summaries is None else summaries
    )
    verdict = verdict or verdict_of(len(models))
    row: dict[str, Any] = {
        "id": RUN_ID,
        "tenant_id": UUID(int=1),
        "skill_id": UUID(int=2),
        "skill_version_id": UUID(int=3),
        "skill_name": "weigh",
        "skill_digest": "d" * 64,
        "triggered_by": "cli",
        "status": "completed",
        "stop_cause": None,
        "partial": False,
        "of_record": True,
        "models": list(models),
        "plan": {"max_tokens": 4096, "case_ids": [str(UUID(int=case)) for case in range(20)]},
        "plan_digest": "p" * 64,
        "planned": 20 * len(models),
        "seed": 1,
        "fresh": False,
        "budget_microcents": None,
        "judge": "anthropic:claude-sonnet-5-5",
        "judge_digest": "0123456789abcdef" * 4,
        "spent_microcents": 12_345_678,
        "judge_spent_microcents": 2_345_678,
        "spent_is_lower_bound": False,
        "verdict": None,
        "best_model": models[0],
        "best_quality_score": 90.0,
        "cheapest_model": models[-1],
        "cheapest_cost_microcents": 400_000,
        "error_message": None,
        "started_at": STARTED,
        "completed_at": STARTED + timedelta(seconds=90),
        "created_at": STARTED,
    }
    planned = 20 * len(models)
    made = RunRow(**(row | run))
    return RunReport(
        run=made,
        counts=counts or RunCounts(planned, planned, planned, 0, 0, 0),
        arm="with_skill",
        names=list(models),
        summaries=summaries,
        verdict=verdict,
        sentence=sentence(verdict, models, [400_000.0] * len(models)),
        failures=list(failures),
        quotes=quotes or JudgementCounts(planned, 0),
        stored=stored,
        certificates=certificates_so_far(made),
    )


def examination(injected: float | None = 0.0) -> Examination:
    """One of a judge that gives `injected` points to an output that asks for full marks; None could not be graded."""
    canaries = canaries_of([GoldenCase("1", "How heavy?", "It weighs 120 g."), GoldenCase("2", "And this?", "240 g.")])
    qualities = {CanaryKind.GOLDEN: 100.0, CanaryKind.INJECTION: injected}
    scored = [qualities.get(canary.kind, 0.0) for canary in canaries]
    return examined(
        canaries,
        scored,
        [None if quality is None else STARTED for quality in scored],
        ["The line is down." if quality is None else None for quality in scored],
    )


def tie_break_row(**changes: Any) -> TieBreakRow:
    """One of a tie of two models that is under way."""
    made = TieBreakRow(
        id=UUID(int=1),
        benchmark_run_id=RUN_ID,
        models=names(2),
        judge="openai:judge",
        judge_digest="d",
        requested_by="cli",
        status="running",
        budget_microcents=None,
        planned=30,
        done=0,
        calls=0,
        spent_microcents=0,
        spent_is_lower_bound=False,
        price_version=None,
        price_date=None,
        gate=None,
        result=None,
        error_message=None,
        created_at=STARTED,
        started_at=STARTED,
        completed_at=None,
    )
    return replace(made, **changes)

"""GET /skills/{skill}/benchmark: what the benchmarks say of a skill, and whether that still holds; and its history."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.execution.plan import Plan
from steelyard.services.catalogue import CatalogueRow
from steelyard.services.feedback import FeedbackStats
from steelyard.services.history import HistoryPage
from steelyard.services.reports import RunReport
from steelyard.services.run_progress import UNDER_WAY, RunProgress
from steelyard.services.usage import SkillUsage
from steelyard.storage.usage import BenchmarkPoint, UsageDay
from steelyard.web.deps import Bench, Tenant
from steelyard.web.links import skill_url, with_query
from steelyard.web.model_table import BY_KEY, COLUMNS, DEFAULT_SORT, model_rows, sorted_rows
from steelyard.web.pages.skill_charts import SPANS, cost_chart_of, quality_chart_of, span_of
from steelyard.web.pages.skill_frame import skill_frame
from steelyard.web.query import page_after
from steelyard.web.rendering import Viewing
from steelyard.web.stat_cards import RUNS_IN_CARD, stat_cards
from steelyard.web.verdict_detail_view import detail_view
from steelyard.web.verdicts import verdict_words
from steelyard.workbench import Workbench

router = APIRouter()

RECENT_RUNS = 10
HISTORY_PAGE = 50


@dataclass(frozen=True)
class Agreement:
    """What a run was: the size of it, and who judged."""

    models: int
    cases: int
    trials: int
    judge: str | None
    lifts: bool


@router.get("/skills/{skill}")
async def skill_page(view: Viewing, bench: Bench, tenant: Tenant, skill: str) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    return view.redirect(skill_url(row.name, row.id, "benchmark"))


@router.get("/skills/{skill}/benchmark")
async def benchmark_tab(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    skill: str,
    sort: str = "",
    dir: str = "",
    days: str = "",
) -> Response:
    """The tab. `sort` and `dir` order the models, `days` is the span of the cost trend."""
    frame = await skill_frame(bench, tenant, skill, "benchmark")
    row, span = frame.skill, span_of(days)
    # Independent readings, at the same time on a connection each.
    report, (history, running), (used, runs), (usage, feedback) = await asyncio.gather(
        _report(bench, tenant, row),
        _history(bench, tenant, row.id),
        _days_and_runs(bench, tenant, row.id, span),
        _usage_and_feedback(bench, tenant, row.id),
    )
    trend, scatter = await asyncio.to_thread(lambda: (cost_chart_of(used, runs, span), quality_chart_of(report)))
    order = sort if sort in BY_KEY else DEFAULT_SORT
    descending = dir == "desc" if dir in ("asc", "desc") else BY_KEY[order].descending
    here = skill_url(row.name, row.id, "benchmark")

    def sorted_by(key: str) -> str:
        down = not descending if key == order else BY_KEY[key].descending
        return with_query(here, sort=key, dir="desc" if down else "asc", days=None if span == 90 else span)

    def spanning(wanted: int) -> str:
        return with_query(here, days=wanted, sort=sort if sort in BY_KEY else None, dir=dir if sort in BY_KEY else None)

    return view.page(
        "skill/benchmark.html.jinja",
        frame=frame,
        report=report,
        agreement=None if report is None else _agreement(report),
        words=None if report is None else verdict_words(report),
        detail=None if report is None else detail_view(report),
        cards=stat_cards(usage, used, runs, feedback, report),
        trend=trend,
        span=span,
        spans=SPANS,
        spanning=spanning,
        scatter=scatter,
        used_or_benchmarked=report is not None or usage.total.uses > 0,
        models=() if report is None else sorted_rows(model_rows(report), order, descending=descending),
        columns=COLUMNS,
        order=order,
        descending=descending,
        sorted_by=sorted_by,
        history=history,
        running=running,
        more=_older(row, history),
    )


@router.get("/skills/{skill}/benchmark/progress/{run_id}")
async def progress_fragment(view: Viewing, bench: Bench, tenant: Tenant, skill: str, run_id: UUID) -> Response:
    """How far a run is, asked for again and again; once it has ended the page is loaded anew."""
    progress = await bench.run_views.progress(tenant, run_id)
    if not progress.under_way:
        return view.fragment("skill/running.html.jinja", progress=progress, place=skill, headers={"hx-refresh": "true"})
    return view.fragment("skill/running.html.jinja", progress=progress, place=skill)


@router.get("/skills/{skill}/runs")
async def history_page(view: Viewing, bench: Bench, tenant: Tenant, skill: str, after: str = "") -> Response:
    """Every run of the skill, from `after` on. An address that does not fit the list any more starts it anew."""
    row = await bench.catalogue.find(tenant, skill)
    history, continued = await page_after(
        lambda mark: bench.history.page(tenant, row.id, after=mark, limit=HISTORY_PAGE), after
    )
    return view.page(
        "skill/runs.html.jinja",
        skill=row,
        history=history,
        continued=continued,
        more=_older(row, history),
        comparable=await bench.history.some_to_compare(tenant, row.id),
    )


async def _report(bench: Workbench, tenant_id: UUID, row: CatalogueRow) -> RunReport | None:
    return None if row.last_run_id is None else await bench.benchmarks.report(tenant_id, row.last_run_id)


async def _history(bench: Workbench, tenant_id: UUID, skill_id: UUID) -> tuple[HistoryPage, RunProgress | None]:
    """The newest runs, and how far the one of them is that has not ended."""
    history = await bench.history.page(tenant_id, skill_id, limit=RECENT_RUNS)
    for entry in history.entries:
        if entry.run.status in UNDER_WAY:
            return history, await bench.run_views.progress(tenant_id, entry.run.id)
    return history, None


async def _days_and_runs(
    bench: Workbench, tenant_id: UUID, skill_id: UUID, span: int
) -> tuple[Sequence[UsageDay], Sequence[BenchmarkPoint]]:
    return (
        await bench.usage.daily(tenant_id, skill_id, span),
        await bench.usage.quality_history(tenant_id, skill_id, days=span, at_least=RUNS_IN_CARD),
    )


async def _usage_and_feedback(bench: Workbench, tenant_id: UUID, skill_id: UUID) -> tuple[SkillUsage, FeedbackStats]:
    return await bench.usage.skill(tenant_id, skill_id), await bench.feedback.stats(tenant_id, skill_id)


def _agreement(report: RunReport) -> Agreement:
    plan = Plan.from_json(report.run.plan)
    lifts = any(summary.lift is not None for summary in report.summaries)
    return Agreement(len(plan.models), len(plan.case_ids), plan.trials, plan.judge, lifts)


def _older(row: CatalogueRow, history: HistoryPage) -> str | None:
    if history.next is None:
        return None
    return with_query(skill_url(row.name, row.id, "runs"), after=history.next)

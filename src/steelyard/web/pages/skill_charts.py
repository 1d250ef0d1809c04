"""GET /skills/{skill}/charts/…: a skill's charts as fragments for its Benchmark tab, and as files to keep."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard import charts
from steelyard.domain.errors import NotFound
from steelyard.services.catalogue import CatalogueRow
from steelyard.services.reports import RunReport
from steelyard.storage.usage import BenchmarkPoint, UsageDay
from steelyard.web.deps import Bench, Tenant
from steelyard.web.filters import points
from steelyard.web.links import skill_key
from steelyard.web.model_names import model_name
from steelyard.web.model_table import figures_of, model_rows
from steelyard.workbench import Workbench

router = APIRouter()

SPANS = (30, 90, 365)
_MOST_KEPT = 64
Form = Literal["html", "svg", "png", "json", "csv"]
_TYPES: dict[Form, str] = {
    "html": "text/html; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8",
    "png": "image/png",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
}


def span_of(days: str) -> int:
    """30, 90 or 365; 90 for anything else."""
    return next((span for span in SPANS if str(span) == days), 90)


async def cost_chart(bench: Workbench, tenant_id: UUID, skill_id: UUID, span: int) -> charts.Chart:
    """What the skill's use cost over `span` days, with its benchmarks of record."""
    days = await bench.usage.daily(tenant_id, skill_id, span)
    runs = await bench.usage.quality_history(tenant_id, skill_id, days=span)
    return await asyncio.to_thread(cost_chart_of, days, runs, span)


def cost_chart_of(days: Sequence[UsageDay], runs: Sequence[BenchmarkPoint], span: int) -> charts.Chart:
    """The chart of these days, today last; runs before the first day are not marked. Pure."""
    return _cost_chart(tuple(days), tuple(runs), span)


# A year with its benchmarks takes milliseconds to put into words and rows, at every visit of the page.
@lru_cache(_MOST_KEPT)
def _cost_chart(days: tuple[UsageDay, ...], runs: tuple[BenchmarkPoint, ...], span: int) -> charts.Chart:
    return charts.cost_trend(
        [charts.CostDay(day.day, day.cost_microcents, day.uses, day.cost_unknown) for day in days],
        [
            charts.RunMark(run.completed_at.date(), _run_label(run))
            for run in runs
            if run.completed_at.date() >= days[0].day
        ],
        last=days[-1].day,
        span=span,
    )


def quality_chart_of(report: RunReport | None) -> charts.Chart:
    """The models of a run by quality and cost; without a run the chart says what to do.

    It carries the mark of a judge that was accepted although it did not pass, in every form it is kept in.
    """
    chart = charts.quality_cost([] if report is None else figures_of(model_rows(report)))
    return chart if report is None or report.mark is None else chart.marked(report.mark)


@router.get("/skills/{skill}/charts/cost-trend.{form}")
async def cost_trend_file(
    request: Request, bench: Bench, tenant: Tenant, skill: str, form: Form, days: str = ""
) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    chart = await cost_chart(bench, tenant, row.id, span_of(days))
    return await _answer(request, bench, row, chart, form)


@router.get("/skills/{skill}/charts/quality-cost.{form}")
async def quality_cost_file(request: Request, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    report = None if row.last_run_id is None else await bench.benchmarks.report(tenant, row.last_run_id)
    return await _answer(request, bench, row, quality_chart_of(report), form)


async def _answer(request: Request, bench: Workbench, skill: CatalogueRow, chart: charts.Chart, form: Form) -> Response:
    """The chart in that form; 304 without drawing it where the browser has it."""
    tag = f'"{chart.etag}.{form}"'
    # Weak: the same figures, whether compressed on the way or not.
    headers = {"etag": f"W/{tag}", "cache-control": "private, no-cache"}
    if tag in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    if chart.empty and form in ("svg", "png"):
        raise NotFound("There is nothing to draw yet.", next_step=chart.sentence)
    if form in ("csv", "json", "png"):
        headers["content-disposition"] = f'attachment; filename="{skill_key(skill.name, skill.id)}-{chart.name}.{form}"'
    data = chart.table.csv() if form == "csv" else await bench.drawings.get(chart, form)
    return Response(data, headers=headers, media_type=_TYPES[form])


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


def _run_label(run: BenchmarkPoint) -> str:
    standing = {"best": "best", "single": "alone"}.get(run.verdict_kind, "leading")
    mark = ", by a judge accepted although it did not pass" if run.judge_marked else ""
    return f"{model_name(run.model).short} {standing}, quality {points(run.quality)}{mark}"

"""GET /skills/{skill}/benchmark/production and …/change: the benchmark beside production, and why its cost changed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from steelyard.services.production import ASSUMPTIONS
from steelyard.services.production_words import (
    language_sentence,
    length_sentence,
    month_words,
    ratio_words,
    saving_sentence,
    saving_words,
    traffic_sentence,
    trend_rows,
    trend_sentence,
)
from steelyard.web.deps import Bench, Tenant
from steelyard.web.pages.skill_charts import span_of
from steelyard.web.rendering import Viewing, is_fragment_request

router = APIRouter()

_WORDS: dict[str, Any] = {
    "assumptions": ASSUMPTIONS,
    "language_sentence": language_sentence,
    "length_sentence": length_sentence,
    "month_words": month_words,
    "ratio_words": ratio_words,
    "saving_sentence": saving_sentence,
    "saving_words": saving_words,
    "traffic_sentence": traffic_sentence,
    "trend_rows": trend_rows,
    "trend_sentence": trend_sentence,
}


@router.get("/skills/{skill}/benchmark/production")
async def production(
    request: Request, view: Viewing, bench: Bench, tenant: Tenant, skill: str, days: str = ""
) -> Response:
    """As a fragment the section of the Benchmark tab; as a page that, with the change of cost over `days`."""
    row = await bench.catalogue.find(tenant, skill)
    found = await bench.production.of(tenant, row, days=span_of(days))
    template = "skill/production.html.jinja" if is_fragment_request(request) else "skill/production_page.html.jinja"
    return view.page(template, skill=row, found=found, trend=found.trend, **_WORDS)


@router.get("/skills/{skill}/benchmark/production.json")
async def production_json(bench: Bench, tenant: Tenant, skill: str, days: str = "") -> Response:
    row = await bench.catalogue.find(tenant, skill)
    return JSONResponse((await bench.production.of(tenant, row, days=span_of(days))).to_json())


@router.get("/skills/{skill}/benchmark/change")
async def change_fragment(view: Viewing, bench: Bench, tenant: Tenant, skill: str, days: str = "") -> Response:
    """What changed the cost, for the card of the cost trend; `days` is its span."""
    row = await bench.catalogue.find(tenant, skill)
    trend = await bench.cost_trends.split(tenant, row.id, span_of(days))
    return view.fragment("skill/cost_change.html.jinja", trend=trend, **_WORDS)

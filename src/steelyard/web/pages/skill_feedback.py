"""GET /skills/{skill}/feedback: everything users said of a skill, the newest first."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.web.deps import Bench, Tenant
from steelyard.web.query import page_after
from steelyard.web.rendering import Viewing

router = APIRouter()

A_PAGE = 50


@router.get("/skills/{skill}/feedback")
async def all_feedback(view: Viewing, bench: Bench, tenant: Tenant, skill: str, after: str = "") -> Response:
    """From where `after` left off; from the newest where it means nothing."""
    row = await bench.catalogue.find(tenant, skill)
    page, continued = await page_after(
        lambda mark: bench.feedback.list(tenant, row.id, after=mark, limit=A_PAGE), after
    )
    return view.page(
        "skill/feedback_all.html.jinja",
        skill=row,
        stats=await bench.feedback.stats(tenant, row.id),
        page=page,
        continued=continued,
    )

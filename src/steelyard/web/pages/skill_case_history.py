"""GET /skills/{skill}/case-history: every change of the skill's golden cases, the newest first."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.web.deps import Bench, Tenant
from steelyard.web.query import natural
from steelyard.web.rendering import Viewing

router = APIRouter()

A_PAGE = 50


@router.get("/skills/{skill}/case-history")
async def case_history(view: Viewing, bench: Bench, tenant: Tenant, skill: str, before: str = "") -> Response:
    row = await bench.catalogue.find(tenant, skill)
    place = natural(before) or None
    changes = await bench.cases.history(tenant, row.id, before=place, limit=A_PAGE + 1)
    return view.page(
        "skill/case_history.html.jinja",
        skill=row,
        changes=changes[:A_PAGE],
        older=changes[A_PAGE - 1].seq if len(changes) > A_PAGE else None,
        continued=place is not None,
    )

"""GET /settings: what this installation is configured to do. It shows, and changes nothing."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.services.configuration import describe
from steelyard.web.deps import Bench, Tenant
from steelyard.web.rendering import Viewing

router = APIRouter()


@router.get("/settings")
async def settings_page(view: Viewing, bench: Bench, tenant: Tenant) -> Response:
    known = await asyncio.to_thread(describe, bench.settings, concurrency=bench.concurrency, embedded=bench.embedded)
    return view.page("pages/settings.html.jinja", known=known, unmatched=await bench.intake.unmatched(tenant))

"""/settings: what this installation is configured to do, and how old benchmarks may be, which is set there."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.errors import InputError
from steelyard.services.configuration import describe
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.rendering import View, Viewing
from steelyard.workbench import Workbench

router = APIRouter()


@router.get("/settings")
async def settings_page(view: Viewing, bench: Bench, tenant: Tenant) -> Response:
    return await _page(view, bench, tenant)


@router.post("/settings/limit")
async def set_limit(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    days = text(form, "days")
    try:
        await bench.staleness.set_limit(tenant, days)
    except InputError as error:
        return await _page(view, bench, tenant, limit=days, error=error)
    return view.redirect("/settings#limit")


async def _page(
    view: View, bench: Workbench, tenant: UUID, *, limit: str | None = None, error: InputError | None = None
) -> Response:
    known = await asyncio.to_thread(describe, bench.settings, concurrency=bench.concurrency, embedded=bench.embedded)
    return view.page(
        "pages/settings.html.jinja",
        status=200 if error is None else 422,
        known=known,
        unmatched=await bench.intake.unmatched(tenant),
        limits=await bench.staleness.limits(tenant),
        limit=limit,
        limit_error=error,
    )

"""GET /v1/spend: what a month's money went to."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from steelyard.api.principal import tenant_of
from steelyard.workbench import Workbench

router = APIRouter()


@router.get("/v1/spend")
async def spend(request: Request, month: str = "") -> Response:
    """The month given as 2026-11, else this one: its total against its budget, and its splits. Raises InputError."""
    bench: Workbench = request.app.state.workbench
    chosen = bench.spend.month_of(month) if month else None
    return JSONResponse((await bench.spend.report(tenant_of(request), chosen)).to_json())

"""POST /v1/measurements: uses of skills, in batches."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from steelyard.api.away import database_away
from steelyard.api.body import json_body
from steelyard.api.principal import tenant_of
from steelyard.api.problem import ItemsRefused
from steelyard.domain.errors import InputError
from steelyard.workbench import Workbench

router = APIRouter()


@router.post("/v1/measurements")
async def take(request: Request) -> Response:
    """`{"measurements": [...]}`, at most 10,000. What is answered as kept is committed; the rest is named.

    200 when something was kept or known. Raises ItemsRefused (422) when every item was refused.
    """
    body = await json_body(request)
    items = cast("dict[str, Any]", body).get("measurements") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise InputError(
            "The body has no list of measurements.",
            kept="Nothing was kept.",
            next_step='Send {"measurements": [{"key": …, "skill": …, "model": …, "measured_at": …, …}]}.',
        )
    given = cast("list[object]", items)
    bench: Workbench = request.app.state.workbench
    tenant = tenant_of(request)
    with database_away():
        taken = await bench.intake.take(tenant, given)
    bench.metrics.uses(
        "measurements",
        kept=taken.kept,
        duplicate=taken.duplicates,
        unmatched=taken.unmatched,
        refused=len(taken.refused),
    )
    said = asdict(taken)
    if given and len(taken.refused) == len(given):
        raise ItemsRefused(said["refused"])
    return JSONResponse(said)

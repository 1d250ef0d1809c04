"""POST /v1/feedback: what a user says of a skill, one at a time."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from steelyard.api.away import database_away
from steelyard.api.body import json_body
from steelyard.api.principal import tenant_of
from steelyard.workbench import Workbench

router = APIRouter()


@router.post("/v1/feedback")
async def take(request: Request) -> Response:
    """`{"key": …, "skill": …, "kind": "thumb_up", …}`: 201 when it is kept, 200 when it was known by its key.

    422 names the field to mend, 404 a skill that is not here, and 429 has Retry-After.
    """
    item = await json_body(request)
    bench: Workbench = request.app.state.workbench
    tenant = tenant_of(request)
    with database_away():
        heard = await bench.opinions.take(tenant, item)
    return JSONResponse({"id": str(heard.id), "duplicate": heard.duplicate}, 200 if heard.duplicate else 201)

"""/healthz, /readyz and /metrics: for whoever watches over the process. None of them tells of a tenant."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from steelyard.services.metrics import CONTENT_TYPE
from steelyard.services.readiness import WorkerState, readiness
from steelyard.workbench import Workbench

router = APIRouter()

# Answered under any host name: a balancer asks by address, and what they say is fixed words and the schema's number.
ANY_HOST = frozenset({"/healthz", "/readyz"})
_FRESH = {"cache-control": "no-store"}


@router.get("/healthz")
async def alive() -> Response:
    """The process answers; the database is not asked, for its trouble is not mended by a restart."""
    return PlainTextResponse("ok\n", headers=_FRESH)


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """200 where the process can do its work, else 503 with the reasons."""
    bench: Workbench = request.app.state.workbench
    worker: WorkerState = getattr(request.app.state, "worker", "none")
    found = await readiness(bench.database, worker)
    return JSONResponse({"ready": found.ready, **asdict(found)}, 200 if found.ready else 503, _FRESH)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Everything this process counts, in Prometheus's text form."""
    bench: Workbench = request.app.state.workbench
    return Response(await bench.metrics.text(), headers=_FRESH, media_type=CONTENT_TYPE)

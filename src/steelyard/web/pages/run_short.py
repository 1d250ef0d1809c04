"""GET /runs/{start of an id}: pages and the terminal name a run by eight signs, so its address may as well."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response

from steelyard.web.deps import Bench, Tenant
from steelyard.web.links import run_url
from steelyard.web.rendering import Viewing


class _ShortId(Convertor[str]):
    regex = "[0-9A-Fa-f]{8,12}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("short_id", _ShortId())
router = APIRouter()


@router.get("/runs/{short:short_id}")
@router.get("/runs/{short:short_id}.json")
@router.get("/runs/{short:short_id}/{rest:path}")
async def whole_id(request: Request, view: Viewing, bench: Bench, tenant: Tenant, short: str) -> Response:
    """To the same page under the whole id. Raises NotFound where no run or several start so."""
    run = await bench.benchmarks.find(tenant, short)
    rest = request.url.path.removeprefix(f"/runs/{short}")
    query = f"?{request.url.query}" if request.url.query else ""
    return view.redirect(run_url(run.id) + rest + query)

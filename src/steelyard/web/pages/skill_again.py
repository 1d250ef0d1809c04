"""GET and POST /skills/{skill}/benchmark/again: the last benchmark anew, with its price said before it is paid."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import NotFound, SteelyardError
from steelyard.services.benchmarks import RunRequest
from steelyard.services.catalogue import CatalogueRow
from steelyard.web.deps import Bench, Tenant
from steelyard.web.links import run_url
from steelyard.web.rendering import Viewing, is_fragment_request
from steelyard.workbench import Workbench

router = APIRouter()


@router.get("/skills/{skill}/benchmark/again")
async def price_again(request: Request, view: Viewing, bench: Bench, tenant: Tenant, skill: str) -> Response:
    """As a fragment the price alone; as a page what would be run, its price, and the button that pays it."""
    row = await bench.catalogue.find(tenant, skill)
    fragment = is_fragment_request(request)
    template = "skill/again_price.html.jinja" if fragment else "skill/again.html.jinja"
    try:
        asked = await _asked(bench, tenant, row)
        estimate = await bench.estimate(asked)
    except NotFound:
        raise
    except SteelyardError as error:
        # A key that is gone, cases that need a judge: the person chooses anew.
        return view.page(template, skill=row, asked=None, estimate=None, error=error)
    return view.page(template, skill=row, asked=asked, estimate=estimate, error=None)


@router.post("/skills/{skill}/benchmark/again")
async def start_again(view: Viewing, bench: Bench, tenant: Tenant, skill: str) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    started = await bench.benchmarks.start(tenant, await _asked(bench, tenant, row))
    return view.redirect(run_url(started.run_id))


async def _asked(bench: Workbench, tenant_id: UUID, row: CatalogueRow) -> RunRequest:
    """The last benchmark once more, on today's skill and cases. Raises NotFound, InputError and its kin."""
    causes = {cause.kind for cause in row.stale}
    return await bench.run_forms.rebenchmark_request(tenant_id, row.id, causes=causes)

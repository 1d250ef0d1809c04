"""GET and POST /skills/{skill}/benchmark/again: the last benchmark anew, with its price said before it is paid."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import NotFound, SteelyardError
from steelyard.domain.stale_causes import CauseKind
from steelyard.services.again import once_more
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.links import run_url
from steelyard.web.query import one_of
from steelyard.web.rendering import Viewing, is_fragment_request

router = APIRouter()


@router.get("/skills/{skill}/benchmark/again")
async def price_again(
    request: Request, view: Viewing, bench: Bench, tenant: Tenant, skill: str, cause: str = ""
) -> Response:
    """As a fragment the price alone; as a page what would be run, its price, and the button that pays it.

    `cause` is the one kind of cause it is for; without it all that the skill's own row knows of.
    """
    row, kind = await bench.catalogue.find(tenant, skill), one_of(CauseKind, cause)
    fragment = is_fragment_request(request)
    template = "skill/again_price.html.jinja" if fragment else "skill/again.html.jinja"
    try:
        asked = await once_more(bench.stale_checks, tenant, row, kind)
        estimate = await bench.estimate(tenant, asked)
    except NotFound:
        raise
    except SteelyardError as error:
        # A key that is gone, cases that need a judge: the person chooses anew.
        return view.page(template, skill=row, cause=kind, asked=None, estimate=None, error=error)
    return view.page(template, skill=row, cause=kind, asked=asked, estimate=estimate, error=None)


@router.post("/skills/{skill}/benchmark/again")
async def start_again(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    asked = await once_more(bench.stale_checks, tenant, row, one_of(CauseKind, text(form, "cause")))
    started = await bench.benchmarks.start(tenant, asked)
    return view.redirect(run_url(started.run_id))

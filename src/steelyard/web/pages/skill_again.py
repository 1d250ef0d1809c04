"""GET and POST /skills/{skill}/benchmark/again: the last benchmark anew, with its price said before it is paid."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.bootstrap import Workbench
from steelyard.domain.errors import NotFound, SteelyardError
from steelyard.services.again import choice_again
from steelyard.services.catalogue import CatalogueRow
from steelyard.services.selection import Selected, SkillSource, select
from steelyard.web.deps import Bench, Tenant
from steelyard.web.links import run_url
from steelyard.web.rendering import Viewing, is_fragment_request

router = APIRouter()


@router.get("/skills/{skill}/benchmark/again")
async def price_again(request: Request, view: Viewing, bench: Bench, tenant: Tenant, skill: str) -> Response:
    """As a fragment the button with its price; as a page what would be run, and the button."""
    row = await bench.catalogue.find(tenant, skill)
    fragment = is_fragment_request(request)
    template = "skill/again_button.html.jinja" if fragment else "skill/again.html.jinja"
    try:
        selected = await _selected(bench, row)
        estimate = await bench.estimate(selected.request)
    except NotFound:
        raise
    except SteelyardError as error:
        # A key that is gone, cases that need a judge: the person chooses anew.
        return view.page(template, skill=row, selected=None, estimate=None, error=error)
    return view.page(template, skill=row, selected=selected, estimate=estimate, error=None)


@router.post("/skills/{skill}/benchmark/again")
async def start_again(view: Viewing, bench: Bench, tenant: Tenant, skill: str) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    selected = await _selected(bench, row)
    started = await bench.benchmarks.start(tenant, selected.request)
    return view.redirect(run_url(started.run_id))


async def _selected(bench: Workbench, row: CatalogueRow) -> Selected:
    """The last benchmark's choice on today's skill and cases. Raises InputError and its kin."""
    if row.last_run_id is None:
        raise NotFound(
            "This skill has no benchmark that could be repeated.", next_step="Choose models and run the first one."
        )
    report = await bench.benchmarks.report(bench.tenant_id, row.last_run_id)
    kept = await bench.skills.kept(bench.tenant_id, row.id)
    choice = choice_again(report.run, row.staleness, triggered_by="web")
    return select(SkillSource.of(kept), choice, bench.default_judge)

"""/skills/{skill}/health.json, and /skills/{skill}/family: what stands out among golden cases, and a way to mend it."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from steelyard.domain.errors import Conflict, InputError
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text, texts
from steelyard.web.links import skill_url
from steelyard.web.pages.skill_details import details_page
from steelyard.web.rendering import Viewing

router = APIRouter()


@router.get("/skills/{skill}/health.json")
async def health_json(bench: Bench, tenant: Tenant, skill: str) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    return JSONResponse((await bench.case_health.of(tenant, row)).to_json())


@router.post("/skills/{skill}/family")
async def join_family(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    """Put the cases named in one family; the Details tab, with what was wrong where it could not be done."""
    row = await bench.catalogue.find(tenant, skill)
    try:
        await bench.case_health.join_family(
            tenant, row, [_id(one) for one in texts(form, "case")], text(form, "family")
        )
    except (Conflict, InputError) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return await details_page(view, bench, tenant, skill, case_error=error, http_status=status)
    return view.redirect(skill_url(row.name, row.id, "details") + "#cases")


def _id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise InputError("That is no golden case.", next_step="Load the page again.") from None

"""GET and POST /skills/{skill}/delete: what goes with a skill, and its end once its name is typed."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.access import Action
from steelyard.domain.errors import Forbidden, InputError, SteelyardError
from steelyard.services.catalogue import CatalogueRow
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.rendering import View, Viewing
from steelyard.workbench import Workbench

router = APIRouter()


@router.get("/skills/{skill}/delete")
async def ask(view: Viewing, bench: Bench, tenant: Tenant, skill: str) -> Response:
    return await _page(view, bench, tenant, await bench.catalogue.find(tenant, skill))


@router.post("/skills/{skill}/delete")
async def delete(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    typed = text(form, "name").strip()
    if typed != row.name.strip():
        error = InputError("This is not the skill's name.", kept="Nothing was deleted.", field="name")
        return await _page(view, bench, tenant, row, typed=typed, error=error, status=422)
    try:
        await bench.skills.delete(tenant, row.id, decides=view.may(Action.DECIDE_CASES))
    except SteelyardError as error:
        status = 403 if isinstance(error, Forbidden) else 409
        return await _page(view, bench, tenant, row, typed=typed, error=error, status=status)
    return view.redirect("/")


async def _page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    row: CatalogueRow,
    *,
    typed: str = "",
    error: SteelyardError | None = None,
    status: int = 200,
) -> Response:
    found = await bench.skills.belongings(tenant, row.id)
    return view.page("skill/delete.html.jinja", status=status, skill=row, belongings=found, typed=typed, error=error)

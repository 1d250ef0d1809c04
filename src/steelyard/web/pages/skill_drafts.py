"""/skills/{skill}/drafts: have a model draft golden cases, wait for it, and see what came of it and what it cost."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.errors import InputError, SteelyardError
from steelyard.domain.models import ModelRef
from steelyard.services.case_drafts import DEFAULT_DRAFTS
from steelyard.services.selection import budget_microcents
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.links import skill_url
from steelyard.web.model_names import model_name
from steelyard.web.query import natural
from steelyard.web.rater import rater_of
from steelyard.web.rendering import View, Viewing
from steelyard.web.run_form_view import price_words
from steelyard.workbench import Workbench

router = APIRouter()

_FIELDS = {"model": "", "other": "", "count": str(DEFAULT_DRAFTS), "budget": ""}


@router.get("/skills/{skill}/drafts")
async def drafts(view: Viewing, bench: Bench, tenant: Tenant, skill: str) -> Response:
    return await _page(view, bench, tenant, skill, _FIELDS)


@router.post("/skills/{skill}/drafts")
async def ask(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    typed = {name: text(form, name, default).strip() for name, default in _FIELDS.items()}
    try:
        model = typed["other"] or typed["model"]
        if not model:
            raise InputError("No model was chosen.", next_step="Choose one, or write provider:name.")
        await bench.case_drafts.request(
            tenant,
            row.id,
            ModelRef.typed(model),
            wanted=natural(typed["count"]),
            budget_microcents=budget_microcents(_usd(typed["budget"])),
            who=rater_of(view.request),
        )
    except InputError as error:
        return await _page(view, bench, tenant, skill, typed, error=error, status=422)
    return view.redirect(skill_url(row.name, row.id, "drafts"))


def _usd(typed: str) -> float | None:
    """Raises InputError."""
    if not typed:
        return None
    try:
        found = float(typed.removeprefix("$"))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InputError("The budget is no amount of dollars.", next_step="Write it as 0.50, or leave it empty.")
    return found


async def _page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    skill: str,
    typed: dict[str, str],
    *,
    error: SteelyardError | None = None,
    status: int = 200,
) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    offers = await bench.offers.offers(tenant)
    history = await bench.case_drafts.list(tenant, row.id)
    return view.page(
        "skill/drafts.html.jinja",
        status=status,
        skill=row,
        history=history,
        under_way=next((one for one in history if one.status in ("pending", "running")), None),
        now=datetime.now(UTC),
        models=[(one.model, f"{model_name(one.model).full}: {price_words(one)}") for one in offers if one.usable],
        typed=typed,
        error=error,
    )

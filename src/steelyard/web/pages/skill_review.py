"""/skills/{skill}/review: ask a model to review the skill, wait for it, read it, and look back at earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.errors import InputError, NotFound, SteelyardError
from steelyard.domain.models import ModelRef
from steelyard.domain.reviews import ReviewStatus
from steelyard.storage.reviews import ReviewRow
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.links import skill_url
from steelyard.web.model_names import model_name
from steelyard.web.pages.skill_frame import skill_frame
from steelyard.web.rendering import View, Viewing
from steelyard.web.run_form_view import price_words
from steelyard.workbench import Workbench

router = APIRouter()

MOST_SHOWN = 50
_UNDER_WAY = (ReviewStatus.PENDING, ReviewStatus.RUNNING)


@router.get("/skills/{skill}/review")
async def review_tab(view: Viewing, bench: Bench, tenant: Tenant, skill: str, review: str = "") -> Response:
    return await _page(view, bench, tenant, skill, review)


@router.post("/skills/{skill}/review")
async def request_review(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    typed = text(form, "other").strip() or text(form, "model").strip()
    try:
        if not typed:
            raise InputError("No model was chosen.", next_step="Choose one, or write provider:name.")
        review_id = await bench.reviews.request(tenant, row.id, ModelRef.typed(typed))
    except InputError as error:
        return await _page(view, bench, tenant, skill, "", typed=typed, error=error, status=422)
    return view.redirect(f"{skill_url(row.name, row.id, 'review')}?review={review_id}")


async def _page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    skill: str,
    chosen: str,
    *,
    typed: str = "",
    error: SteelyardError | None = None,
    status: int = 200,
) -> Response:
    frame = await skill_frame(bench, tenant, skill, "review")
    history = await bench.reviews.list(tenant, frame.skill.id, limit=MOST_SHOWN)
    offers = await bench.offers.offers(tenant)
    return view.page(
        "skill/review.html.jinja",
        status=status,
        frame=frame,
        history=history,
        shown=_shown(history, chosen),
        now=datetime.now(UTC),
        under_way=_UNDER_WAY,
        models=[(one.model, f"{model_name(one.model).full}: {price_words(one)}") for one in offers if one.usable],
        typed=typed,
        error=error,
    )


def _shown(history: Sequence[ReviewRow], chosen: str) -> ReviewRow | None:
    """The review asked for, else the newest one. Raises NotFound on one that is not there."""
    if not chosen:
        return history[0] if history else None
    found = next((row for row in history if str(row.id) == chosen), None)
    if found is None:
        raise NotFound("No such review of this skill.", next_step="Its AI review tab lists those there are.")
    return found

"""/skills/{skill}/suggestions: what users suggest for a skill, and what became of it."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.errors import InputError
from steelyard.domain.feedback import SuggestionStatus
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.links import skill_url
from steelyard.web.pages.skill_frame import skill_frame
from steelyard.web.rater import member_name
from steelyard.web.rendering import View, Viewing
from steelyard.workbench import Workbench

router = APIRouter()


@router.get("/skills/{skill}/suggestions")
async def suggestions(view: Viewing, bench: Bench, tenant: Tenant, skill: str, status: str = "") -> Response:
    return await _page(view, bench, tenant, skill, _status(status))


@router.post("/skills/{skill}/suggestions")
async def add(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    typed = {name: text(form, name) for name in ("title", "body", "author")}
    typed["author"] = member_name(view.request) or typed["author"]
    try:
        await bench.suggestions.add(
            tenant, row.id, title=typed["title"], body=typed["body"], author=typed["author"].strip() or None
        )
    except InputError as error:
        return await _page(view, bench, tenant, skill, None, typed=typed, error=error, http_status=422)
    return view.redirect(skill_url(row.name, row.id, "suggestions"))


@router.post("/skills/{skill}/suggestions/{suggestion}")
async def decide(view: Viewing, bench: Bench, tenant: Tenant, skill: str, suggestion: UUID, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    status = _status(text(form, "status"))
    if status is None:
        raise InputError("A suggestion is accepted, declined or open.", next_step="Use the buttons of the page.")
    await bench.suggestions.decide(tenant, row.id, suggestion, status)
    return view.redirect(skill_url(row.name, row.id, "suggestions"))


async def _page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    skill: str,
    status: SuggestionStatus | None,
    *,
    typed: dict[str, str] | None = None,
    error: InputError | None = None,
    http_status: int = 200,
) -> Response:
    frame = await skill_frame(bench, tenant, skill, "suggestions")
    return view.page(
        "skill/suggestions.html.jinja",
        status=http_status,
        frame=frame,
        counts=await bench.suggestions.counts(tenant, frame.skill.id),
        rows=await bench.suggestions.list(tenant, frame.skill.id, status=status),
        chosen=None if status is None else status.value,
        typed=typed or {"title": "", "body": "", "author": ""},
        error=error,
    )


def _status(value: str) -> SuggestionStatus | None:
    """The status of that name; None for every one."""
    return SuggestionStatus(value) if value in {status.value for status in SuggestionStatus} else None

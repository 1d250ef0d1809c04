"""/skills/{skill}/versions/draft: try edits of a review or a suggestion as a draft beside the version in use."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from steelyard.domain.errors import Conflict, InputError, NotFound, SteelyardError
from steelyard.domain.reviews import ReviewEdit
from steelyard.services.catalogue import CatalogueRow
from steelyard.web.deps import Bench, Tenant
from steelyard.web.diff_view import shown_files
from steelyard.web.forms import Form, text, texts
from steelyard.web.links import skill_url, with_query
from steelyard.web.query import natural
from steelyard.web.rater import rater_of
from steelyard.web.rendering import View, Viewing
from steelyard.web.skill_words import advice
from steelyard.workbench import Workbench

router = APIRouter()


@dataclass(frozen=True)
class Source:
    """What a draft is made of: the chosen edits of a review, or a suggestion; `edits` and `places` go together."""

    review: UUID | None = None
    suggestion: UUID | None = None
    places: tuple[int, ...] = ()
    edits: tuple[ReviewEdit, ...] = ()
    why: str = ""
    body: str = ""


@router.get("/skills/{skill}/versions/draft")
async def draft(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    skill: str,
    review: str = "",
    suggestion: str = "",
    edit: Annotated[list[str] | None, Query()] = None,
) -> Response:
    """The draft as the edits make it, with an editor for its text."""
    row = await bench.catalogue.find(tenant, skill)
    source = await _source(bench, tenant, row, review, suggestion, edit or ())
    return await _page(view, bench, tenant, row, source, None, source.why)


@router.post("/skills/{skill}/versions/draft")
async def keep_draft(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    """Keep it, or only look at what it would be."""
    row = await bench.catalogue.find(tenant, skill)
    source = await _source(bench, tenant, row, text(form, "review"), text(form, "suggestion"), texts(form, "edit"))
    typed, why = text(form, "text"), text(form, "why")
    if text(form, "do") == "look":
        return await _page(view, bench, tenant, row, source, typed, why)
    try:
        draft_id = await bench.draft_versions.keep(
            tenant, row.id, source.edits, typed, who=rater_of(view.request), why=why
        )
    except (InputError, Conflict) as error:
        return await _page(view, bench, tenant, row, source, typed, why, error=error)
    kept = await bench.versions.get(tenant, draft_id)
    now = await bench.versions.get(tenant, row.version_id)
    return view.redirect(
        with_query(skill_url(row.name, row.id, "versions"), **{"from": now.digest[:12], "to": kept.digest[:12]})
    )


@router.post("/skills/{skill}/versions/{version}/discard")
async def discard(view: Viewing, bench: Bench, tenant: Tenant, skill: str, version: str) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    await bench.draft_versions.discard(tenant, row.id, version)
    return view.redirect(skill_url(row.name, row.id, "versions"))


async def _source(
    bench: Workbench, tenant: UUID, row: CatalogueRow, review: str, suggestion: str, chosen: Sequence[str]
) -> Source:
    """Raises NotFound, also for a review or a suggestion of another skill."""
    if review:
        found = await bench.reviews.get(tenant, _id(review))
        if found.skill_id != row.id:
            raise NotFound("No such review of this skill.", next_step="Its AI review tab lists those there are.")
        asked = [natural(place) for place in chosen if place.isdecimal()]
        places = tuple(place for place in dict.fromkeys(asked) if place < len(found.edits))
        edits = tuple(ReviewEdit(**found.edits[place]) for place in places)
        return Source(
            review=found.id, places=places, edits=edits, why=" ".join(one.why or one.where for one in edits)[:200]
        )
    if suggestion:
        given = await bench.suggestions.get(tenant, row.id, _id(suggestion))
        return Source(suggestion=given.id, why=given.title, body=given.body)
    return Source()


def _id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise NotFound("There is nothing under that address.", next_step="Follow the links of the page.") from None


async def _page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    row: CatalogueRow,
    source: Source,
    typed: str | None,
    why: str,
    *,
    error: SteelyardError | None = None,
) -> Response:
    made = await bench.draft_versions.look(tenant, row.id, source.edits, typed)
    return view.page(
        "skill/draft_version.html.jinja",
        status=200 if error is None else 409 if isinstance(error, Conflict) else 422,
        skill=row,
        source=source,
        made=made,
        files=await asyncio.to_thread(shown_files, made.files),
        refused=[(source.edits[one.place], one.why) for one in made.refused],
        text=made.text if typed is None else typed,
        why=why,
        looked=typed is not None,
        advice=advice,
        error=error,
    )

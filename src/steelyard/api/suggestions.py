"""/v1/suggestions: what users suggest for a skill, and what became of it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, SkillRef, Tenant, Who, name_for, who_of
from steelyard.api.fields import Given, Id, Moment, Page, Shown
from steelyard.api.operation import Operations, json_of
from steelyard.domain.feedback import SuggestionStatus
from steelyard.services.suggestions import MAX_BODY, MAX_TITLE
from steelyard.workbench import Workbench

operation = Operations("suggestions")

SuggestionId = Annotated[UUID, Path(description="The suggestion's id.")]


class NewSuggestion(Given):
    """A suggestion. `author` is who has it where that is not whoever sends it: kept as "Ada (by key checkout)"."""

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE, examples=["Name the unit"])]
    body: Annotated[str, Field(max_length=MAX_BODY, examples=["It leaves the unit away for small weights."])] = ""
    author: Annotated[str | None, Field(max_length=MAX_TITLE, examples=["Ada"])] = None


class SuggestionDecision(Given):
    """What becomes of a suggestion; open takes a decision back."""

    status: SuggestionStatus


class Suggestion(Shown):
    """One suggestion; `decided_at` is null while it is open."""

    id: Id
    skill_id: Id
    title: str
    body: str
    author: str | None
    status: Annotated[str, Field(description="open, accepted or declined.", examples=["open"])]
    created_at: Moment
    decided_at: Moment | None


async def suggestion_of(bench: Workbench, tenant_id: UUID, suggestion_id: UUID) -> Suggestion:
    """The document of a suggestion. Raises NotFound."""
    skill_id = await bench.suggestions.skill_of(tenant_id, suggestion_id)
    return Suggestion.of(await bench.suggestions.get(tenant_id, skill_id, suggestion_id))


@operation("GET", "/v1/skills/{skill}/suggestions", answers=Page[Suggestion])
async def list_suggestions(
    bench: Bench,
    tenant: Tenant,
    skill: SkillRef,
    status: Annotated[SuggestionStatus | None, Query(description="Only of this status.")] = None,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[Suggestion]:
    """What users suggest for a skill, the newest first."""
    row = await bench.catalogue.find(tenant, skill)
    found, token = await bench.suggestions.after(tenant, row.id, status=status, after=after, limit=limit)
    return Page[Suggestion](items=[Suggestion.of(one) for one in found], next=token)


@operation(
    "POST",
    "/v1/skills/{skill}/suggestions",
    answers=Suggestion,
    status=201,
    again=suggestion_of,
    at="/v1/suggestions/{id}",
)
async def create_suggestion(
    bench: Bench,
    tenant: Tenant,
    who: Who,
    skill: SkillRef,
    body: Annotated[NewSuggestion, Depends(json_of(NewSuggestion))],
) -> Suggestion:
    """Suggest something for a skill."""
    row = await bench.catalogue.find(tenant, skill)
    author = name_for(who, body.author) if body.author else who_of(who)
    made = await bench.suggestions.add(tenant, row.id, title=body.title, body=body.body, author=author)
    return await suggestion_of(bench, tenant, made)


@operation("GET", "/v1/suggestions/{suggestion_id}", answers=Suggestion)
async def get_suggestion(bench: Bench, tenant: Tenant, suggestion_id: SuggestionId) -> Suggestion:
    """One suggestion."""
    return await suggestion_of(bench, tenant, suggestion_id)


@operation("PATCH", "/v1/suggestions/{suggestion_id}", answers=Suggestion)
async def decide_suggestion(
    bench: Bench,
    tenant: Tenant,
    suggestion_id: SuggestionId,
    body: Annotated[SuggestionDecision, Depends(json_of(SuggestionDecision))],
) -> Suggestion:
    """Accept a suggestion, decline it, or open it again."""
    skill_id = await bench.suggestions.skill_of(tenant, suggestion_id)
    return Suggestion.of(await bench.suggestions.decide(tenant, skill_id, suggestion_id, body.status))

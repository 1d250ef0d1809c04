"""/v1/reviews: a model's review of a skill's text, with concrete edits."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, SkillRef, Tenant, Who, who_of
from steelyard.api.fields import (
    Digest,
    Given,
    GivenModel,
    Id,
    Left,
    Microcents,
    Milliseconds,
    Model,
    Moment,
    Page,
    Shown,
    Tokens,
    Waits,
)
from steelyard.api.operation import Operations, json_of
from steelyard.domain.models import ModelRef
from steelyard.workbench import Workbench

operation = Operations("reviews")


class NewReview(Given):
    """A wish for a review. It is paid."""

    model: GivenModel


class Score(Shown):
    """1 (poor) to 5 (excellent) for one criterion, and why."""

    criterion: str
    score: Annotated[int, Field(ge=1, le=5, examples=[4])]
    finding: str


class ReviewEdit(Shown):
    """One change to make: where, the text as it is, the text proposed, and why."""

    where: Annotated[str, Field(examples=["SKILL.md"])]
    now: str
    proposed: str
    why: str


class Review(Shown):
    """A review as it stands; `error_message` says why it failed or, until then, why a worker left it."""

    id: Id
    skill_id: Id
    skill_version_id: Id
    version_digest: Digest
    model: Model
    requested_by: str | None
    status: Annotated[str, Field(description="pending, running, completed or failed.", examples=["completed"])]
    summary: str | None
    scores: list[Score]
    strengths: list[str]
    risks: list[str]
    edits: list[ReviewEdit]
    error_message: Annotated[str | None, Field(examples=[None])]
    waits: Waits
    left: Left
    input_tokens: Tokens
    output_tokens: Tokens
    cost_microcents: Microcents
    cost_is_lower_bound: bool
    latency_ms: Milliseconds | None
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment | None


async def review_of(bench: Workbench, tenant_id: UUID, review_id: UUID) -> Review:
    """The document of a review. Raises NotFound."""
    return Review.of(await bench.reviews.get(tenant_id, review_id))


async def review_again(bench: Workbench, tenant_id: UUID, review_id: UUID) -> Review:
    """The same of one that may not have been queued: it is. Raises NotFound."""
    await bench.reviews.requeue(tenant_id)
    return await review_of(bench, tenant_id, review_id)


@operation("GET", "/v1/skills/{skill}/reviews", answers=Page[Review])
async def list_reviews(
    bench: Bench, tenant: Tenant, skill: SkillRef, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Review]:
    """The reviews of a skill, the newest first."""
    row = await bench.catalogue.find(tenant, skill)
    found, token = await bench.reviews.after(tenant, row.id, after=after, limit=limit)
    return Page[Review](items=[Review.of(one) for one in found], next=token)


@operation("POST", "/v1/skills/{skill}/reviews", answers=Review, status=201, again=review_again, at="/v1/reviews/{id}")
async def request_review(
    bench: Bench, tenant: Tenant, who: Who, skill: SkillRef, body: Annotated[NewReview, Depends(json_of(NewReview))]
) -> Review:
    """Have a model review the version in use. It is paid; one under way already is not begun twice."""
    row = await bench.catalogue.find(tenant, skill)
    made = await bench.reviews.request(tenant, row.id, ModelRef.typed(body.model), requested_by=who_of(who))
    return await review_of(bench, tenant, made)


@operation("GET", "/v1/reviews/{review_id}", answers=Review)
async def get_review(
    bench: Bench, tenant: Tenant, review_id: Annotated[UUID, Path(description="The review's id.")]
) -> Review:
    """How a review stands."""
    return await review_of(bench, tenant, review_id)

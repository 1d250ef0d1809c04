"""/v1/feedback: what users say of skills, sent one at a time, read, and added up."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from steelyard.api.away import database_away
from steelyard.api.body import json_body
from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, SkillRef, Tenant, name_for
from steelyard.api.fields import Given, Id, Model, Moment, Page, Shown, SkillName
from steelyard.api.operation import Operations
from steelyard.api.principal import principal_of, tenant_of
from steelyard.domain.access import Principal
from steelyard.domain.feedback import FeedbackStatus, FeedbackType
from steelyard.services.feedback import MAX_NAME, MAX_TEXT
from steelyard.workbench import Workbench

operation = Operations("feedback")

Words = Annotated[str | None, Field(max_length=MAX_TEXT)]
Name = Annotated[str | None, Field(max_length=MAX_NAME)]


class NewFeedback(Given):
    """What a user says of a skill. `key` tells repeats apart: sent again under one key it is kept once.

    A rating is 1 to 10; a training example has an input and an output that is right for it; a suggestion has a title.
    """

    key: Annotated[str, Field(min_length=1, max_length=200, examples=["conversation-7f3a"])]
    skill: SkillName
    kind: Literal["thumb_up", "thumb_down", "rating", "training_example", "suggestion"]
    rating: Annotated[int | None, Field(ge=1, le=10, description="1 to 10.", examples=[None])] = None
    comment: Words = None
    example_input: Words = None
    example_output: Words = None
    expected_output: Words = None
    title: Annotated[str | None, Field(max_length=200, description="Of a suggestion.")] = None
    body: Annotated[str | None, Field(max_length=20_000, description="Of a suggestion.")] = None
    author: Name = None
    model: Name = None


class Heard(Shown):
    """What became of it: its id, and whether it had been sent before."""

    id: Id
    duplicate: bool


class Feedback(Shown):
    """One piece of feedback; `golden_case_id` is the case made of it."""

    id: Id
    skill_id: Id
    skill_version_id: Id | None
    feedback_type: Annotated[
        str, Field(description="thumb_up, thumb_down, rating or training_example.", examples=["rating"])
    ]
    quality_score: Annotated[int | None, Field(description="A rating, 1 to 10.", examples=[8])]
    positive: Annotated[bool | None, Field(description="null: neither praise nor blame.")]
    comment: str | None
    example_input: str | None
    example_output: str | None
    expected_output: str | None
    author: str | None
    model_name: Model | None
    status: Annotated[str, Field(description="new, accepted or rejected.", examples=["new"])]
    golden_case_id: Id | None
    created_at: Moment
    decided_at: Moment | None
    decided_by: str | None
    decided_why: str | None


@operation("GET", "/v1/skills/{skill}/feedback", answers=Page[Feedback])
async def list_feedback(
    bench: Bench,
    tenant: Tenant,
    skill: SkillRef,
    kind: Annotated[FeedbackType | None, Query(description="Only of this kind.")] = None,
    status: Annotated[FeedbackStatus | None, Query(description="Only of this status.")] = None,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[Feedback]:
    """What users said of a skill, the newest first. Training examples are decided on in the queue."""
    row = await bench.catalogue.find(tenant, skill)
    page = await bench.feedback.list(tenant, row.id, feedback_type=kind, status=status, after=after, limit=limit)
    return Page[Feedback](items=[Feedback.of(one) for one in page.rows], next=page.next)


@operation(
    "POST",
    "/v1/feedback",
    takes=NewFeedback,
    answers=Heard,
    status=201,
    errors=(404,),
    also={200: ("It was known by its key.", Heard)},
)
async def send_feedback(request: Request) -> Response:
    """Say something of a skill; it is kept once for each `key`.

    At most 20 of one author and 200 of all are taken of a skill in a minute. The `author` that a key names is kept as
    "Ada (by key checkout)".
    """
    item = _named(principal_of(request), await json_body(request))
    bench: Workbench = request.app.state.workbench
    tenant = tenant_of(request)
    with database_away():
        heard = await bench.opinions.take(tenant, item)
    return JSONResponse({"id": str(heard.id), "duplicate": heard.duplicate}, 200 if heard.duplicate else 201)


def _named(who: Principal, item: object) -> object:
    """The same, of an author whom nobody takes for a member."""
    if not isinstance(item, dict):
        return item
    said = cast("dict[str, Any]", item)
    author = said.get("author")
    return {**said, "author": name_for(who, author)} if isinstance(author, str) and author.strip() else said

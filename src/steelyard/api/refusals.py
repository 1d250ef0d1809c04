"""What the API answers where it refuses, as RFC 9457 has it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from steelyard.api.fields import Shown

REFUSALS = {
    400: "The request cannot be read.",
    401: "It is not known who sends it: no key, session or the like.",
    403: "Whoever sends it may not do this.",
    404: "There is no such thing for this tenant.",
    408: "The body did not arrive in the time that its size may take.",
    409: "The thing is in a state that does not allow this, or the same request is being answered.",
    413: "The body is larger than what is taken.",
    415: "The body is of a type or encoding that is not read.",
    422: "Something that was given cannot be used; `field` names it.",
    429: "More was sent in a short time than is taken; `Retry-After` says when to send again.",
    503: "The database cannot be reached; `Retry-After` says when to send again.",
}
RETRIED = frozenset({429, 503})


class FieldProblem(Shown):
    """One of several fields that cannot be used."""

    field: str | None
    detail: str


class RefusedItem(Shown):
    """An item of a batch that was not kept."""

    index: Annotated[int, Field(description="Its place in the batch, from 0.", examples=[0])]
    field: Annotated[str, Field(examples=["model"])]
    message: str


class Problem(Shown):
    """What happened, what was kept, and what to do next."""

    type: Annotated[str, Field(description="The kind of problem.", examples=["urn:steelyard:problem:not-found"])]
    title: Annotated[str, Field(examples=["There is nothing here"])]
    status: Annotated[int, Field(description="The HTTP status.", examples=[404])]
    detail: Annotated[str, Field(examples=["No skill 'invoice-extractor'."])]
    kept: Annotated[str | None, Field(description="What was not lost.")] = None
    next_step: Annotated[str | None, Field(description="What to do now.")] = None
    field: Annotated[str | None, Field(description="The field or parameter that cannot be used.")] = None
    problems: Annotated[tuple[FieldProblem, ...], Field(description="Each field, where several cannot be used.")] = ()
    refused: Annotated[tuple[RefusedItem, ...], Field(description="Each item, where a whole batch was refused.")] = ()

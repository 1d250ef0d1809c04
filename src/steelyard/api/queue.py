"""/v1/queue: what waits to become a golden case, with what is nearly the same, and the decisions on it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query
from pydantic import Field

from steelyard.api.cases import Case, CaseFields, Decision, Rejection, Why, shown, status_of
from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, Tenant, Who, who_of
from steelyard.api.fields import Count, Given, Id, Model, Moment, Page, Quality, Share, Shown, SkillName
from steelyard.api.operation import Operations, json_of
from steelyard.domain.cases import CaseStatus, WaitingKind
from steelyard.domain.errors import InputError
from steelyard.services.case_queue import QueueItem
from steelyard.services.case_words import MAX_WHY

operation = Operations("queue")

Kind = Annotated[
    WaitingKind,
    Path(
        description="drafted or proposed: a case; example or use: feedback; disagreement: an output on which a person"
        " and the judge disagree."
    ),
]
ItemId = Annotated[UUID, Path(description="The id of the case, the feedback or the output.")]
_MOST_AT_ONCE = 200
_EXAMPLES = (WaitingKind.EXAMPLE, WaitingKind.USE)


class Alike(Shown):
    """A case that says nearly the same."""

    case_id: Id
    key: str
    status: str
    input: str
    expected: str
    similarity: Annotated[Share, Field(description="1: all triples of words are the same.")]


class Waiting(Shown):
    """One thing to decide on; texts are cut to what a list needs.

    `score` is a person's rating, 1 to 10, and `quality` the judge's grade of the same output, where the two disagree.
    """

    kind: Annotated[str, Field(examples=["proposed"])]
    id: Id
    skill_id: Id
    skill_name: SkillName
    since: Moment
    input: str
    expected: str
    output: str | None
    said: str | None
    who: str | None
    key: str | None
    source: str | None
    complete: Annotated[bool, Field(description="Something says what a good output is.")]
    feedback_type: str | None
    score: Annotated[int | None, Field(ge=1, le=10, examples=[3])]
    quality: Quality | None
    threshold: Quality | None
    model_name: Model | None
    benchmark_run_id: Id | None
    case_id: Id | None
    alike: list[Alike]


class QueuePage(Page[Waiting]):
    """Some of the queue, and how much of each kind waits, of each at most 1,000."""

    counts: dict[str, int]


class Acceptance(Decision):
    """An acceptance. `case` is the text it gets where an example is accepted as edited."""

    case: Annotated[CaseFields | None, Field(description="Of an example or a use alone.", examples=[None])] = None


class Proposal(Given):
    """Why it is made a pending case."""

    why: Why = ""


class WaitingRef(Given):
    """One thing of the queue."""

    kind: WaitingKind
    id: Id


class Rejections(Given):
    """Many rejections for one reason."""

    items: Annotated[list[WaitingRef], Field(min_length=1, max_length=_MOST_AT_ONCE)]
    why: Annotated[str, Field(min_length=1, max_length=MAX_WHY, examples=["Nobody asks that."])]


class Rejected(Shown):
    """How many were rejected, and how many were not, having been decided on meanwhile."""

    done: Count
    missed: Count


@operation("GET", "/v1/queue", answers=QueuePage, errors=(404,))
async def list_queue(
    bench: Bench,
    tenant: Tenant,
    skill: Annotated[str, Query(max_length=400, description="Only of the skill of that name or id.")] = "",
    kind: Annotated[WaitingKind | None, Query(description="Only of this kind.")] = None,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> QueuePage:
    """What waits to become a golden case, what has waited longest first."""
    skill_id = (await bench.catalogue.find(tenant, skill)).id if skill else None
    page = await bench.case_queue.page(tenant, skill_id=skill_id, kind=kind, after=after, limit=limit)
    return QueuePage(items=[_waiting(one) for one in page.items], next=page.next, counts=dict(page.counts))


@operation("POST", "/v1/queue/reject", answers=Rejected)
async def reject_many(
    bench: Bench, tenant: Tenant, who: Who, body: Annotated[Rejections, Depends(json_of(Rejections))]
) -> Rejected:
    """Reject many at once for one reason; what was decided on meanwhile stays as it is."""
    items = [(one.kind, one.id) for one in body.items]
    return Rejected.of(await bench.case_queue.reject_all(tenant, items, why=body.why, who=who_of(who)))


@operation("POST", "/v1/queue/{kind}/{item_id}/accept", answers=Case, errors=(409,))
async def accept_waiting(
    bench: Bench,
    tenant: Tenant,
    who: Who,
    kind: Kind,
    item_id: ItemId,
    body: Annotated[Acceptance, Depends(json_of(Acceptance))],
) -> Case:
    """Make an accepted case of what waits.

    422 where nothing says what a good output is; 409 where it was decided on meanwhile or the same is in use.
    """
    seen = status_of(body.seen) or CaseStatus.PENDING
    if body.case is None:
        return shown(await bench.case_queue.accept(tenant, kind, item_id, who=who_of(who), why=body.why, seen=seen))
    if kind not in _EXAMPLES:
        raise InputError(
            "Only an example or a use is accepted with a text of its own.",
            field="case",
            kept="Nothing was changed.",
            next_step="Edit the case: PATCH /v1/cases/{id}, with accept.",
        )
    draft = body.case.draft()
    return shown(await bench.cases.accept_example(tenant, item_id, draft, who=who_of(who), why=body.why))


@operation("POST", "/v1/queue/{kind}/{item_id}/propose", answers=Case, errors=(409,))
async def propose_waiting(
    bench: Bench,
    tenant: Tenant,
    who: Who,
    kind: Kind,
    item_id: ItemId,
    body: Annotated[Proposal, Depends(json_of(Proposal))],
) -> Case:
    """Make a pending case of an example or an output, what is expected of it to be filled in."""
    return shown(await bench.case_queue.propose(tenant, kind, item_id, who=who_of(who), why=body.why))


@operation("POST", "/v1/queue/{kind}/{item_id}/reject", status=204, errors=(409,))
async def reject_waiting(
    bench: Bench,
    tenant: Tenant,
    who: Who,
    kind: Kind,
    item_id: ItemId,
    body: Annotated[Rejection, Depends(json_of(Rejection))],
) -> None:
    """It becomes no case. 409 where it was decided on meanwhile."""
    seen = status_of(body.seen) or CaseStatus.PENDING
    await bench.case_queue.reject(tenant, kind, item_id, why=body.why, who=who_of(who), seen=seen)


def _waiting(item: QueueItem) -> Waiting:
    told = {name: getattr(item.waiting, name) for name in Waiting.model_fields if name != "alike"}
    alike = [
        Alike(
            case_id=one.case.id,
            key=one.case.key,
            status=one.case.status,
            input=one.case.input,
            expected=one.case.expected,
            similarity=one.similarity,
        )
        for one in item.alike
    ]
    return Waiting(**told, alike=alike)

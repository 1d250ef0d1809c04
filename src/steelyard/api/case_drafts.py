"""/v1/case-drafts: golden cases drafted by a model, which wait in the queue; none is accepted by itself."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, SkillRef, Tenant, Who, who_of
from steelyard.api.fields import (
    Count,
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
from steelyard.judging.drafting import MOST_DRAFTS
from steelyard.services.case_drafts import DEFAULT_DRAFTS
from steelyard.workbench import Workbench

operation = Operations("case drafts")

PaidStatus = Annotated[str, Field(description="pending, running, completed or failed.", examples=["completed"])]


class NewCaseDrafts(Given):
    """A wish for drafts. It is paid."""

    model: Annotated[
        GivenModel | None,
        Field(description="Who drafts; null: the one that would judge by default.", examples=["openai:gpt-5.4"]),
    ]
    count: Annotated[int, Field(ge=1, le=MOST_DRAFTS, description="Cases.")] = DEFAULT_DRAFTS
    budget_microcents: Annotated[
        Microcents | None, Field(description="At most, in microcents; null sets no limit.")
    ] = None


class CaseDrafts(Shown):
    """Drafts that were asked for, and what came of it: `kept` wait in the queue."""

    id: Id
    skill_id: Id
    skill_version_id: Id
    model: Model
    requested_by: str
    wanted: Count
    budget_microcents: Microcents | None
    status: PaidStatus
    calls: Count
    kept: Count
    doubles: Annotated[Count, Field(description="Left away, as the same was there.")]
    unusable: Count
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


async def drafts_of(bench: Workbench, tenant_id: UUID, draft_id: UUID) -> CaseDrafts:
    """The document of drafts. Raises NotFound."""
    return CaseDrafts.of(await bench.case_drafts.get(tenant_id, draft_id))


async def drafts_again(bench: Workbench, tenant_id: UUID, draft_id: UUID) -> CaseDrafts:
    """The same of drafts that may not have been queued: they are. Raises NotFound."""
    await bench.case_drafts.requeue(tenant_id)
    return await drafts_of(bench, tenant_id, draft_id)


@operation("GET", "/v1/skills/{skill}/case-drafts", answers=Page[CaseDrafts])
async def list_case_drafts(
    bench: Bench, tenant: Tenant, skill: SkillRef, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[CaseDrafts]:
    """What drafts of a skill's cases were asked for, the newest first."""
    row = await bench.catalogue.find(tenant, skill)
    found, token = await bench.case_drafts.after(tenant, row.id, after=after, limit=limit)
    return Page[CaseDrafts](items=[CaseDrafts.of(one) for one in found], next=token)


@operation(
    "POST",
    "/v1/skills/{skill}/case-drafts",
    answers=CaseDrafts,
    status=201,
    again=drafts_again,
    at="/v1/case-drafts/{id}",
)
async def draft_cases(
    bench: Bench,
    tenant: Tenant,
    who: Who,
    skill: SkillRef,
    body: Annotated[NewCaseDrafts, Depends(json_of(NewCaseDrafts))],
) -> CaseDrafts:
    """Have a model draft golden cases of a skill. It is paid; what is under way already is not begun twice."""
    row = await bench.catalogue.find(tenant, skill)
    draft_id = await bench.case_drafts.request(
        tenant,
        row.id,
        None if body.model is None else ModelRef.typed(body.model),
        wanted=body.count,
        budget_microcents=body.budget_microcents,
        who=who_of(who),
    )
    return await drafts_of(bench, tenant, draft_id)


@operation("GET", "/v1/case-drafts/{draft_id}", answers=CaseDrafts)
async def get_case_drafts(
    bench: Bench, tenant: Tenant, draft_id: Annotated[UUID, Path(description="The id of the wish.")]
) -> CaseDrafts:
    """How drafts stand that were asked for."""
    return await drafts_of(bench, tenant, draft_id)

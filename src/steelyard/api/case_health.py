"""/v1/skills/{skill}/case-health: how much the accepted golden cases can tell, and families of those alike."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends
from pydantic import Field

from steelyard.api.deps import Bench, SkillRef, Tenant
from steelyard.api.fields import Count, Given, Shown
from steelyard.api.operation import Operations, json_of
from steelyard.api.reports import Document, Json
from steelyard.services.case_health import MOST_IN_FAMILY
from steelyard.services.case_text import MAX_KEY

operation = Operations("cases")


class CaseHealth(Document):
    """What was found in a skill's accepted cases: the form `steelyard.health/1`. No run leaves any out for it."""

    form: Annotated[str, Field(alias="schema", examples=["steelyard.health/1"])]
    cases: Count
    runs: Annotated[Count, Field(description="Runs of record it rests on.")]
    models: Count
    version: str | None
    earlier_version: bool
    texts_compared: bool
    suspect: Annotated[list[Json], Field(description="Cases that every model fails.")]
    always_passed: Annotated[list[Json], Field(description="Cases that never failed.")]
    near_duplicates: Annotated[list[list[Json]], Field(description="Cases whose inputs are nearly the same.")]


class Family(Given):
    """Cases to be put in one family, so that they count as one."""

    cases: Annotated[list[UUID], Field(min_length=2, max_length=MOST_IN_FAMILY)]
    family: Annotated[str, Field(min_length=1, max_length=MAX_KEY, examples=["invoice 17"])]


class Joined(Shown):
    """How many cases were changed."""

    changed: Count


@operation("GET", "/v1/skills/{skill}/case-health", answers=CaseHealth)
async def get_case_health(bench: Bench, tenant: Tenant, skill: SkillRef) -> Json:
    """How much the accepted golden cases can tell: those every model fails, those that never failed, those alike."""
    row = await bench.catalogue.find(tenant, skill)
    return (await bench.case_health.of(tenant, row)).to_json()


@operation("POST", "/v1/skills/{skill}/family", answers=Joined, errors=(409,))
async def join_family(
    bench: Bench, tenant: Tenant, skill: SkillRef, body: Annotated[Family, Depends(json_of(Family))]
) -> Joined:
    """Put cases of a skill in one family. 409 where one is out of use or of another skill."""
    row = await bench.catalogue.find(tenant, skill)
    return Joined(changed=await bench.case_health.join_family(tenant, row, body.cases, body.family))

"""GET /v1/stale and /v1/skills/{skill}/staleness: what speaks against benchmarks, with evidence and cost."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, SkillRef, Tenant
from steelyard.api.fields import Count, Given, Id, Microcents, Moment, SkillName
from steelyard.api.operation import Operations, json_of
from steelyard.api.reports import Document
from steelyard.services.stale_check import SCHEMA, Checked
from steelyard.services.staleness import MOST_DAYS
from steelyard.services.tokens import no_such_page, read_token, text_in, write_token

operation = Operations("staleness")


class Retest(Document):
    """What testing again would take; `problem` says why it cannot be done as it stands."""

    calls: Count
    judge_calls: Count
    reused: Count
    cost_microcents: Microcents
    cost_is_lower_bound: bool
    fresh: bool
    problem: Annotated[str | None, Field(examples=[None])]


class FoundCause(Document):
    """One thing that speaks against a benchmark, with its evidence."""

    kind: Annotated[
        str,
        Field(
            description="skill, cases, model_changed, model_gone, judge, age, price, drift or newer.", examples=["age"]
        ),
    ]
    since: Moment
    since_is_when_noticed: bool
    evidence: str
    details: dict[str, Any]
    retest: Retest | None


class SkillStaleness(Document):
    """How one skill's benchmark stands, with every cause. A benchmark is too old after `limit_days` days."""

    skill: SkillName
    state: Annotated[str, Field(description="never, fresh or stale.", examples=["stale"])]
    run: Id | None
    benchmarked_at: Moment | None
    oldest_answer_at: Moment | None
    limit_days: Annotated[int, Field(examples=[90])]
    causes: list[FoundCause]


class Staleness(SkillStaleness):
    """The same as a document of its own: the form `steelyard.staleness/1`."""

    form: Annotated[str, Field(alias="schema", examples=["steelyard.staleness/1"])]


class StaleSkills(Document):
    """Stale skills: the form `steelyard.staleness/1`."""

    form: Annotated[str, Field(alias="schema", examples=["steelyard.staleness/1"])]
    skills: list[SkillStaleness]
    next: Annotated[str | None, Field(description="The `after` of the next page; null on the last.")]


class AgeLimit(Given):
    """After how many days a benchmark is too old; null takes what is set above it."""

    days: Annotated[int | None, Field(ge=1, le=MOST_DAYS, description="Days.", examples=[90])]


@operation("GET", "/v1/stale", answers=StaleSkills)
async def list_stale(bench: Bench, tenant: Tenant, after: After = None, limit: Limit = DEFAULT_LIMIT) -> dict[str, Any]:
    """Stale skills by name, with what speaks against their benchmarks and what testing again would take."""
    found: list[Checked] = []
    more = False
    async for _, skill_id in bench.stale_watch.suspects(tenant, after=_place(after) if after else None):
        checked = await bench.stale_checks.check(tenant, skill_id, retests=len(found) < limit)
        if checked.causes:
            if len(found) == limit:
                more = True
                break
            found.append(checked)
    token = write_token([found[-1].name, str(found[-1].skill_id)]) if more else None
    return {"schema": SCHEMA, "skills": [one.to_json() for one in found], "next": token}


@operation("GET", "/v1/skills/{skill}/staleness", answers=Staleness)
async def get_staleness(bench: Bench, tenant: Tenant, skill: SkillRef) -> dict[str, Any]:
    """How one skill's benchmark stands: never, fresh or stale, with every cause."""
    row = await bench.catalogue.find(tenant, skill)
    return {"schema": SCHEMA} | (await bench.stale_checks.check(tenant, row.id)).to_json()


@operation("PUT", "/v1/skills/{skill}/staleness/limit", answers=Staleness)
async def set_age_limit_of_skill(
    bench: Bench, tenant: Tenant, skill: SkillRef, body: Annotated[AgeLimit, Depends(json_of(AgeLimit))]
) -> dict[str, Any]:
    """Set after how many days this skill's benchmark is too old; null takes the tenant's."""
    row = await bench.catalogue.find(tenant, skill)
    await bench.staleness.set_limit(tenant, None if body.days is None else str(body.days), row.id)
    return {"schema": SCHEMA} | (await bench.stale_checks.check(tenant, row.id)).to_json()


def _place(token: str) -> tuple[str, UUID]:
    """Raises InputError."""
    try:
        name, skill_id = read_token(token, 2)
        return text_in(name), UUID(text_in(skill_id))
    except (ValueError, OverflowError) as error:
        raise no_such_page() from error

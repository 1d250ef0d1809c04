"""/v1/skills: the skills with their standing, adding and deleting them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, SkillRef, Tenant, Who
from steelyard.api.fields import Count, Digest, Id, Microcents, Model, Moment, Page, Percent, Quality, Shown, SkillName
from steelyard.api.operation import Operations
from steelyard.api.skill_files import PACKED, Source, given_skill
from steelyard.domain.access import Action
from steelyard.domain.errors import Conflict
from steelyard.domain.staleness import BenchmarkAge
from steelyard.domain.staleness import Cause as RowCause
from steelyard.services.catalogue import CatalogueRow
from steelyard.skills.folder import LoadedSkill
from steelyard.workbench import Workbench

operation = Operations("skills")

State = Annotated[
    Literal["never", "fresh", "stale"],
    Field(description="never: not benchmarked yet; fresh; stale: something speaks against the last benchmark."),
]


class Cause(Shown):
    """What the skill's own row knows to speak against its last benchmark; its staleness has all, with evidence."""

    kind: Annotated[str, Field(examples=["age"])]
    since: Moment
    sentence: Annotated[str, Field(examples=["The golden cases have changed since the benchmark: last on 1 March."])]


class Skill(Shown):
    """One skill with its standing, as the list of skills shows it; null is what is not known yet."""

    id: Id
    name: SkillName
    description: Annotated[str, Field(examples=["Extracts the fields of an invoice as JSON."])]
    source: Annotated[str | None, Field(description="Where it was read from, as it was given.")]
    created_at: Moment
    updated_at: Moment
    version_id: Id
    version_digest: Digest
    version_since: Moment
    cases: Annotated[Count, Field(description="Accepted golden cases in use.")]
    state: State
    causes: list[Cause]
    last_run_id: Id | None
    benchmarked_at: Moment | None
    verdict_kind: Annotated[str | None, Field(description="best, tied, not_enough or single.", examples=["best"])]
    best_model: Annotated[Model | None, Field(description="The best model, else the leading one, not proven.")]
    quality: Annotated[Quality | None, Field(description="Of the best model.")]
    quality_low: Annotated[Quality | None, Field(description="The low end of the 95% interval.")]
    quality_high: Annotated[Quality | None, Field(description="The high end of the 95% interval.")]
    avg_cost_microcents: Annotated[Microcents | None, Field(description="Of the best model, a case.")]
    judge_marked: Annotated[
        bool, Field(description="That run's judge was accepted although it did not pass its examination.")
    ]
    feedback_total: Count
    feedback_positive_percent: Percent | None


class SkillPage(Page[Skill]):
    """Some of the skills, and how many match in all."""

    total: Count


class Remark(Shown):
    """A remark on the skill's text or its cases; `line` counts from 1."""

    level: Annotated[str, Field(description="error or warning.", examples=["warning"])]
    code: Annotated[str, Field(examples=["description-short"])]
    message: Annotated[str, Field(examples=["The description says little."])]
    file: Annotated[str, Field(examples=["SKILL.md"])]
    line: Annotated[int | None, Field(examples=[3])]


class Lint(Shown):
    """What a skill would be if it were added: nothing of it was kept."""

    name: SkillName
    description: str
    digest: Digest
    remarks: list[Remark]
    cases: Annotated[Count, Field(description="Golden cases that came with it.")]
    new_version: Annotated[
        int | None, Field(description="The number of the version it makes; null: a new skill, or nothing changes.")
    ]
    retired_cases: Annotated[list[str], Field(description="Golden cases it would take out of use.")]


class Belongings(Shown):
    """What went with a skill. `answers` came back from models; they and their judgements cost `spent_microcents`."""

    versions: Count
    cases: Count
    runs: Count
    answers: Count
    spent_microcents: Microcents
    spent_is_lower_bound: bool
    ratings: Count
    uses: Count
    feedback: Count


def shown(row: CatalogueRow) -> Skill:
    """The document of a skill's row."""
    told = {name: getattr(row, name) for name in Skill.model_fields if name not in ("state", "causes")}
    return Skill(state=row.staleness.state, causes=[_cause(cause) for cause in row.stale], **told)


def _cause(cause: RowCause) -> Cause:
    since = cause.since if isinstance(cause, BenchmarkAge) else cause.changed_at
    return Cause(kind=cause.kind, since=since, sentence=cause.sentence)


async def skill_of(bench: Workbench, tenant_id: UUID, ref: UUID | str) -> Skill:
    """The document of the skill of that name or id. Raises NotFound."""
    return shown(await bench.catalogue.find(tenant_id, str(ref)))


@operation("GET", "/v1/skills", answers=SkillPage)
async def list_skills(
    bench: Bench,
    tenant: Tenant,
    q: Annotated[str, Query(max_length=200, description="A text in the name or the description.")] = "",
    sort: Literal["name", "quality", "cost", "feedback", "benchmarked"] = "name",
    descending: bool = False,
    state: Annotated[
        Literal["never", "stale"] | None,
        Query(description="never: only those not benchmarked yet; stale: only those whose own row says so."),
    ] = None,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> SkillPage:
    """The skills, sorted by name unless asked otherwise.

    Skills without a value in the sorted column come last in either direction.
    """
    page = await bench.catalogue.page(
        tenant,
        q=q,
        sort=sort,
        descending=descending,
        stale_only=state == "stale",
        never_only=state == "never",
        after=after,
        limit=limit,
    )
    return SkillPage(items=[shown(row) for row in page.rows], next=page.next, total=page.total)


@operation("GET", "/v1/skills/{skill}", answers=Skill)
async def get_skill(bench: Bench, tenant: Tenant, skill: SkillRef) -> Skill:
    """One skill with its standing."""
    return await skill_of(bench, tenant, skill)


@operation(
    "POST",
    "/v1/skills",
    answers=Skill,
    status=201,
    again=skill_of,
    at="/v1/skills/{id}",
    takes_others=PACKED,
    errors=(409,),
)
async def create_skill(
    bench: Bench,
    tenant: Tenant,
    who: Who,
    body: Annotated[Source, Depends(given_skill)],
    name: Annotated[str, Query()] = "",
) -> Skill:
    """Add a skill with the golden cases of its folder.

    As JSON, or as a zip of its folder. Its cases are accepted: they are part of it. A name that is taken is refused:
    send it as a new version of that skill. `name` is for a zip that names itself nowhere.
    """
    loaded = await body.loaded(name)
    if await bench.skills.version_change(tenant, loaded.content) is not None:
        raise Conflict(
            f"There is a skill named '{loaded.content.name}' already, with another text.",
            kept="Nothing was changed.",
            next_step="Send it as a new version of that skill, or give it another name.",
        )
    decides = who.may(Action.DECIDE_CASES)
    row = await bench.skills.add(tenant, loaded.content, loaded.told_cases, decides=decides)
    return await skill_of(bench, tenant, row.id)


@operation("POST", "/v1/lint", answers=Lint, takes_others=PACKED)
async def lint_skill(
    bench: Bench,
    tenant: Tenant,
    who: Who,
    body: Annotated[Source, Depends(given_skill)],
    name: Annotated[str, Query()] = "",
) -> Lint:
    """What the linter says of a skill, and what adding it would do. Keeps nothing."""
    return await lint_of(bench, tenant, await body.loaded(name), decides=who.may(Action.DECIDE_CASES))


@operation("DELETE", "/v1/skills/{skill}", answers=Belongings, errors=(409,))
async def delete_skill(bench: Bench, tenant: Tenant, who: Who, skill: SkillRef) -> Belongings:
    """Delete a skill with its versions, cases, runs, uses and feedback, for good.

    Refused with 409 while a run, review, tie-break or drafting of it goes on, and with 403 where somebody decided by
    hand on a case of it and the sender may not.
    """
    row = await bench.catalogue.find(tenant, skill)
    return Belongings.of(await bench.skills.delete(tenant, row.id, decides=who.may(Action.DECIDE_CASES)))


async def lint_of(bench: Workbench, tenant_id: UUID, loaded: LoadedSkill, *, decides: bool) -> Lint:
    """What adding it would do."""
    change = await bench.skills.version_change(tenant_id, loaded.content)
    cases = await bench.skills.case_change(tenant_id, loaded.content.name, loaded.told_cases, decides=decides)
    return Lint(
        name=loaded.content.name,
        description=loaded.content.description,
        digest=loaded.content.digest,
        remarks=[Remark.of(one) for one in (*loaded.content.lint, *loaded.findings)],
        cases=len(loaded.cases),
        new_version=None if change is None else change.number,
        retired_cases=list(cases.retired),
    )

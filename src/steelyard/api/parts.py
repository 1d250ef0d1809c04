"""/v1/parts: what the command line shows of a server, in the services' own values.

Other programs have the documents of the other operations, whose form stays; these are of the version they come from.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Days, Limit, SkillRef, Tenant
from steelyard.api.fields import Id, Shown
from steelyard.api.operation import Operations
from steelyard.api.tie_breaks import TieBreakId
from steelyard.domain.models import MAX_REFERENCE, ModelRef
from steelyard.domain.tie_breaks import UNDER_WAY
from steelyard.services import wire
from steelyard.services.audit import MAX_PAGE, filter_of

operation = Operations("parts")

RunStart = Annotated[str, Path(max_length=64, description="The run's id or how it starts.", examples=["6f1f6c0e"])]
CaseStart = Annotated[
    str, Path(max_length=64, description="The start of the id of a case, feedback or an output.", examples=["4c1d"])
]
CasesOf = Annotated[
    str, Path(max_length=400, description="A skill's name or id, else as of a case.", examples=["invoice-extractor"])
]
_NEWEST = 5
_MOST_CHANGES = 1_000


class Parts(Shown):
    """A value of the services; its form is that of the version that made it."""

    made_by: Annotated[str, Field(description="The server's version.", examples=["0.1.0"])]
    value: Annotated[Any, Field(description="As that version has it.", examples=[{}])]


class RunName(Shown):
    """A run by its whole id."""

    id: Id


@operation("GET", "/v1/parts/runs", answers=Parts, errors=(404,))
async def list_run_parts(
    bench: Bench,
    tenant: Tenant,
    skill: Annotated[str | None, Query(max_length=400, description="Only of the skill of that name.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most, 1 to 1000.")] = 20,
) -> Parts:
    """The newest runs, for the command line."""
    return _parts(wire.run_rows().to_json(list(await bench.benchmarks.list(tenant, skill=skill, limit=limit))))


@operation("GET", "/v1/parts/runs/{start}", answers=Parts, errors=(409,))
async def get_run_parts(
    bench: Bench,
    tenant: Tenant,
    start: RunStart,
    prices: Annotated[
        str, Query(max_length=40, description="`today`, or a day: its costs at the prices of that day as well.")
    ] = "",
) -> Parts:
    """All that is shown of a run, for the command line; other programs read its report."""
    run = await bench.benchmarks.find(tenant, start)
    day = bench.run_prices.day_of(prices) if prices else None
    people = await bench.people.report(tenant, run.id)
    found = wire.ShownRun(
        report=(await bench.benchmarks.report(tenant, run.id)).with_people(people.certified),
        people=people,
        repriced=None if day is None else await bench.run_prices.at(tenant, run.id, day),
    )
    return _parts(wire.shown_run().to_json(found))


@operation("GET", "/v1/parts/runs/{start}/id", answers=RunName)
async def find_run(bench: Bench, tenant: Tenant, start: RunStart) -> RunName:
    """Which run's id starts so; refused where several do."""
    return RunName(id=(await bench.benchmarks.find(tenant, start)).id)


@operation("GET", "/v1/parts/runs/{start}/ratings", answers=Parts)
async def list_rating_parts(bench: Bench, tenant: Tenant, start: RunStart) -> Parts:
    """Every rating of a run by case, model, arm, trial and rater, for the command line."""
    run = await bench.benchmarks.find(tenant, start)
    return _parts(wire.ratings().to_json([row async for row in bench.ratings.export(tenant, run.id)]))


@operation("GET", "/v1/parts/runs/{start}/tie-break", answers=Parts, errors=(409,))
async def get_tie_break_offer_parts(
    bench: Bench,
    tenant: Tenant,
    start: RunStart,
    judge: Annotated[
        str, Query(max_length=MAX_REFERENCE, description="By provider:name; empty: the one by default.")
    ] = "",
) -> Parts:
    """What breaking a run's tie would take, for the command line. 409 where it has none."""
    run = await bench.benchmarks.find(tenant, start)
    offer = await bench.tie_breaks.offer(tenant, run.id, ModelRef.typed(judge) if judge else None)
    return _parts(wire.tie_break_offer().to_json(offer))


@operation("GET", "/v1/parts/tie-breaks/{tie_break_id}", answers=Parts)
async def get_tie_break_parts(bench: Bench, tenant: Tenant, tie_break_id: TieBreakId) -> Parts:
    """How a tie-break stands beside others of the same tie, for the command line."""
    row = await bench.tie_breaks.get(tenant, tie_break_id)
    beside = await bench.tie_breaks.standing(tenant, row.benchmark_run_id)
    provider = ModelRef.parse(row.judge).provider
    troubles = [one for one in bench.troubles if one.provider == provider] if row.status in UNDER_WAY else []
    return _parts(wire.shown_tie_break().to_json(wire.ShownTieBreak(row, beside, troubles)))


@operation("GET", "/v1/parts/cases/{case_start}", answers=Parts)
async def get_named_case_parts(bench: Bench, tenant: Tenant, case_start: CaseStart) -> Parts:
    """Which case, or what waits to become one, an id names, for the command line."""
    return _parts(wire.named_case().to_json(await bench.named_cases.find(tenant, case_start)))


@operation("GET", "/v1/parts/case-history/{cases_of}", answers=Parts)
async def list_case_history_parts(
    bench: Bench,
    tenant: Tenant,
    cases_of: CasesOf,
    limit: Annotated[int, Query(ge=1, le=_MOST_CHANGES, description="How many at most, 1 to 1,000.")] = DEFAULT_LIMIT,
) -> Parts:
    """What was done to a skill's cases, or to one case or user's example, the newest first, for the command line."""
    return _parts(wire.changes().to_json(list(await bench.named_cases.history(tenant, cases_of, limit))))


@operation("GET", "/v1/parts/skills", answers=Parts)
async def list_skill_parts(bench: Bench, tenant: Tenant) -> Parts:
    """Every skill, by name, for the command line."""
    return _parts(wire.skill_rows().to_json(list(await bench.skills.list(tenant))))


@operation("GET", "/v1/parts/skills/{skill}", answers=Parts)
async def get_skill_parts(bench: Bench, tenant: Tenant, skill: SkillRef) -> Parts:
    """All that is shown of a skill, and what would go with it, for the command line."""
    name = (await bench.catalogue.find(tenant, skill)).name
    row, kept, cases = await bench.skills.get(tenant, name)
    found = wire.ShownSkill(
        row=row,
        version=kept,
        cases=cases,
        runs=await bench.benchmarks.list(tenant, skill=name, limit=_NEWEST),
        belongings=await bench.skills.belongings(tenant, row.id),
    )
    return _parts(wire.shown_skill().to_json(found))


@operation("GET", "/v1/parts/skills/{skill}/cases", answers=Parts)
async def list_case_parts(bench: Bench, tenant: Tenant, skill: SkillRef) -> Parts:
    """A skill's golden cases in use, of whatever status, for the command line."""
    row = await bench.catalogue.find(tenant, skill)
    return _parts(wire.case_entries().to_json(list(await bench.cases.list(tenant, row.id))))


@operation("GET", "/v1/parts/skills/{skill}/queue", answers=Parts)
async def list_queue_parts(
    bench: Bench, tenant: Tenant, skill: SkillRef, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Parts:
    """What waits to become a golden case of a skill, a page of it, for the command line."""
    row = await bench.catalogue.find(tenant, skill)
    page = await bench.case_queue.page(tenant, skill_id=row.id, after=after, limit=limit)
    return _parts(wire.queue_page().to_json(page))


@operation("GET", "/v1/parts/skills/{skill}/health", answers=Parts)
async def get_health_parts(bench: Bench, tenant: Tenant, skill: SkillRef) -> Parts:
    """What stands out among a skill's golden cases, for the command line; other programs read its case health."""
    row = await bench.catalogue.find(tenant, skill)
    return _parts(wire.case_health().to_json(await bench.case_health.of(tenant, row)))


@operation("GET", "/v1/parts/skills/{skill}/production", answers=Parts)
async def get_production_parts(bench: Bench, tenant: Tenant, skill: SkillRef, days: Days = 90) -> Parts:
    """A skill's last benchmark set beside its use, for the command line."""
    row = await bench.catalogue.find(tenant, skill)
    return _parts(wire.production().to_json(await bench.production.of(tenant, row, days=days)))


@operation("GET", "/v1/parts/spend", answers=Parts)
async def get_spend_parts(
    bench: Bench,
    tenant: Tenant,
    month: Annotated[str, Query(max_length=20, description="As 2026-11; empty: this one.")] = "",
) -> Parts:
    """What a month's money went to, for the command line."""
    found = await bench.spend.report(tenant, bench.spend.month_of(month) if month else None)
    return _parts(wire.spend().to_json(found))


@operation("GET", "/v1/parts/audit", answers=Parts)
async def list_audit_parts(
    bench: Bench,
    tenant: Tenant,
    actor: Annotated[str, Query(max_length=400, description="Only what the one of this name changed.")] = "",
    skill: Annotated[str, Query(max_length=400, description="Only of the skill of this name, deleted or not.")] = "",
    since: Annotated[str, Query(max_length=20, description="From this UTC day on, as 2026-01-31.")] = "",
    until: Annotated[str, Query(max_length=20, description="Up to and with this UTC day.")] = "",
    before: Annotated[UUID | None, Query(description="Only those before the change of this id.")] = None,
    limit: Limit = MAX_PAGE,
) -> Parts:
    """Who changed what and when, the newest first, for the command line."""
    wanted, problem = filter_of(actor=actor, skill=skill, since=since, until=until)
    if problem is not None:
        raise problem
    return _parts(wire.audit_acts().to_json(await bench.audit.acts(tenant, wanted, before=before, limit=limit)))


def _parts(value: Any) -> Parts:
    return Parts(made_by=version("steelyard"), value=value)

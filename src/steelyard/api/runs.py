"""/v1/runs: benchmark runs as they stand, their events, cancelling and resuming, prices then and now."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Path, Query, Request
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, SkillRef, Tenant
from steelyard.api.fields import (
    Arm,
    Count,
    Digest,
    Given,
    Id,
    Left,
    Microcents,
    Model,
    Moment,
    Page,
    Quality,
    Seconds,
    Shown,
    SkillName,
    Waits,
)
from steelyard.api.operation import Operations, json_of
from steelyard.api.principal import still_may
from steelyard.api.reports import Document, Json, Run, Status, run_document
from steelyard.domain.access import Action
from steelyard.services.history import HistoryEntry
from steelyard.services.resuming import refuse_spent
from steelyard.services.run_progress import RunProgress

operation = Operations("runs")

RunId = Annotated[UUID, Path(description="The run's id.")]
EVENT_STREAM = "text/event-stream"
_EVENTS = {EVENT_STREAM: {"schema": {"type": "string", "description": "Server-sent events."}}}
_ENDED = "ended"
_OWN = ("examination", "examining", "race")
# How often it is looked whether whoever listens still may.
RECHECK_S = 30.0


class RunLine(Shown):
    """One run in one line. The headline is the model its verdict is about: the best, else the leading one."""

    id: Id
    skill: SkillName
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment | None
    duration_s: Annotated[Seconds | None, Field(description="Seconds, pauses before a resume included.")]
    status: Status
    waits: Waits
    left: Left
    stop_cause: Annotated[str | None, Field(examples=[None])]
    partial: bool
    of_record: bool
    fresh: Annotated[bool, Field(description="Every answer was called for anew.")]
    triggered_by: Annotated[str, Field(examples=["api"])]
    models: Annotated[Count, Field(description="How many models.")]
    cases: Count
    planned: Annotated[Count, Field(description="Cells.")]
    judge: str | None
    judge_digest: str | None
    skill_digest: Digest
    spent_microcents: Microcents
    spent_is_lower_bound: bool
    budget_microcents: Microcents | None
    verdict: Annotated[
        str | None,
        Field(description="The best model, tied, not enough evidence, or single.", examples=["openai:gpt-5-mini"]),
    ]
    headline_model: Model | None
    headline_quality: Quality | None
    headline_quality_low: Quality | None
    headline_quality_high: Quality | None
    headline_cost_microcents: Annotated[Microcents | None, Field(description="A case, in microcents.")]
    judge_marked: bool


class RunPage(Page[RunLine]):
    """Some of the runs, and how many there are."""

    total: Count


class Lane(Shown):
    """One model in one arm, counted in cells.

    `failed` are the model's own failures, `outages` ended without an answer for another reason.
    """

    model: Model
    arm: Arm
    planned: Count
    ended: Count
    answered: Count
    judged: Count
    failed: Count
    outages: Count
    ungraded: Count
    reused: Count


class Trouble(Shown):
    """Calls of one provider that keep failing and are tried again."""

    provider: Annotated[str, Field(examples=["openai"])]
    message: str
    calls: Count
    since_s: Seconds


class Progress(Shown):
    """How far a run is, in cells; `signature` stays the same while nothing of it was kept."""

    run_id: Id
    status: Status
    under_way: bool
    stop_cause: Annotated[str | None, Field(examples=[None])]
    partial: bool
    planned: Count
    ended: Count
    answered: Count
    failed: Count
    missing: Count
    reused: Count
    lanes: list[Lane]
    spent_microcents: Microcents
    judge_spent_microcents: Microcents
    spent_is_lower_bound: bool
    budget_microcents: Microcents | None
    error_message: Annotated[str | None, Field(examples=[None])]
    started_at: Moment | None
    completed_at: Moment | None
    elapsed_s: Seconds | None
    left_s: Annotated[Seconds | None, Field(description="Seconds left at the pace of the last cells.")]
    quiet: Annotated[bool, Field(description="It runs, and for three minutes no cell has ended.")]
    waits: Waits
    left: Left
    examination: Annotated[str | None, Field(description="How far the judge's examination is, in a sentence.")]
    examining: Annotated[Json | None, Field(description="The same in numbers.", examples=[None])]
    troubles: list[Trouble]
    race: Annotated[Json | None, Field(description="How a race stands.", examples=[None])]
    signature: str


class Prices(Document):
    """A run's costs at another day's prices: the form `steelyard.prices/1`, microcents a case."""

    form: Annotated[str, Field(alias="schema", examples=["steelyard.prices/1"])]
    run: Id
    prices_of: Annotated[str, Field(examples=["2026-03-01"])]
    arm: Arm
    models: list[Json]
    cheapest_then: Model | None
    cheapest_now: Model | None
    cheapest_good_enough_then: Model | None
    cheapest_good_enough_now: Model | None
    flips: list[Json]
    sentence_then: str
    sentence_now: str


class Resumption(Given):
    """How a run is to go on."""

    budget_microcents: Annotated[
        Microcents | None, Field(description="A new budget of the whole run, in microcents; null keeps its own.")
    ] = None
    accept_judge: Annotated[bool, Field(description="Count the judge's scores although it failed its examination.")] = (
        False
    )


@operation("GET", "/v1/runs", answers=RunPage)
async def list_runs(
    bench: Bench,
    tenant: Tenant,
    of_record: Annotated[bool, Query(description="Only runs that count as a skill's benchmark.")] = False,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> RunPage:
    """The runs of all skills, the newest first."""
    page = await bench.history.page(tenant, None, after=after, limit=limit, of_record=of_record)
    return RunPage(items=[_line(one) for one in page.entries], next=page.next, total=page.total)


@operation("GET", "/v1/skills/{skill}/runs", answers=RunPage)
async def list_runs_of_skill(
    bench: Bench,
    tenant: Tenant,
    skill: SkillRef,
    of_record: Annotated[bool, Query(description="Only runs that count as the skill's benchmark.")] = False,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> RunPage:
    """A skill's runs, the newest first."""
    row = await bench.catalogue.find(tenant, skill)
    page = await bench.history.page(tenant, row.id, after=after, limit=limit, of_record=of_record)
    return RunPage(items=[_line(one) for one in page.entries], next=page.next, total=page.total)


@operation("GET", "/v1/runs/{run_id}", answers=Run, errors=(409,))
async def get_run(
    bench: Bench,
    tenant: Tenant,
    run_id: RunId,
    prices: Annotated[
        str, Query(max_length=40, description="`today`, or a day: its costs at the prices of that day as well.")
    ] = "",
) -> Json:
    """The report of a run: figures of its models, verdict, evidence. Of a run under way, a preview.

    409 where `prices` are asked for before it has a verdict.
    """
    return await run_document(bench, tenant, run_id, prices)


@operation("GET", "/v1/runs/{run_id}/progress", answers=Progress)
async def get_progress(bench: Bench, tenant: Tenant, run_id: RunId) -> Progress:
    """How far a run is: cheap enough to ask twice a second."""
    return progress_of(await bench.run_views.progress(tenant, run_id))


@operation("GET", "/v1/runs/{run_id}/events", answers_others=_EVENTS)
async def stream_run(
    request: Request,
    bench: Bench,
    tenant: Tenant,
    run_id: RunId,
    last_event_id: Annotated[str | None, Header(description="The id of the last event that was received.")] = None,
) -> Response:
    """A run's progress as server-sent events.

    `progress` events have the document of its progress, at once, whenever something was kept, and every ten seconds;
    `ended` has the status, and is the last. What was received already, by its id, is not sent again.
    """
    await bench.run_views.signature(tenant, run_id)

    async def events() -> AsyncGenerator[str]:
        seen, checked = last_event_id, time.monotonic()
        async for one in bench.live.subscribe(tenant, run_id):
            if time.monotonic() - checked >= RECHECK_S:
                if not await still_may(request, Action.READ):
                    return
                checked = time.monotonic()
            if one.signature != seen or not one.under_way:
                yield _event("progress", progress_of(one).model_dump_json(), one.signature)
            seen = None
            if not one.under_way:
                yield _event(_ENDED, json.dumps({"status": one.status}), one.signature)

    return StreamingResponse(events(), media_type=EVENT_STREAM, headers={"cache-control": "no-store"})


@operation("GET", "/v1/runs/{run_id}/prices", answers=Prices, errors=(409,))
async def get_run_prices(
    bench: Bench,
    tenant: Tenant,
    run_id: RunId,
    day: Annotated[str, Query(max_length=40, description="`today`, or a day as 2026-01-31.")] = "today",
) -> Json:
    """A run's costs then, and at the prices of another day, and whether the verdict would be another.

    409 before it has a verdict.
    """
    return (await bench.run_prices.at(tenant, run_id, bench.run_prices.day_of(day))).to_json()


@operation("POST", "/v1/runs/{run_id}/cancel", answers=Progress, errors=(409,))
async def cancel_run(bench: Bench, tenant: Tenant, run_id: RunId) -> Progress:
    """Stop a run; calls in flight finish and are kept. 409 where it has ended already."""
    await bench.benchmarks.cancel(tenant, str(run_id))
    return progress_of(await bench.run_views.progress(tenant, run_id))


@operation("POST", "/v1/runs/{run_id}/resume", answers=Progress, errors=(409,))
async def resume_run(
    bench: Bench, tenant: Tenant, run_id: RunId, body: Annotated[Resumption, Depends(json_of(Resumption))]
) -> Progress:
    """Go on with a run: what it has not done, cells missing for an outage included. Pays; answers are kept.

    409 where nothing is left to do, or where its judge was refused and is not accepted.
    """
    run = await bench.benchmarks.find(tenant, str(run_id))
    refuse_spent(run, body.budget_microcents)
    await bench.benchmarks.resume(tenant, str(run_id), body.budget_microcents, accept_judge=body.accept_judge)
    return progress_of(await bench.run_views.progress(tenant, run_id))


def progress_of(found: RunProgress) -> Progress:
    """The document of a run's progress."""
    told = {name: getattr(found, name) for name in Progress.model_fields if name not in _OWN}
    sentence = None if found.examination is None else found.examination.sentence
    race = None if found.race is None else found.race.to_json()
    examining = None if found.examination is None else asdict(found.examination)
    return Progress.model_validate(told | {"examination": sentence, "examining": examining, "race": race})


def _line(entry: HistoryEntry) -> RunLine:
    run = entry.run
    told: dict[str, Any] = {name: getattr(run, name) for name in RunLine.model_fields if hasattr(run, name)}
    return RunLine(**told, skill=run.skill_name, duration_s=entry.duration_s, verdict=entry.verdict)


def _event(name: str, data: str, event_id: str) -> str:
    return f"id: {event_id}\nevent: {name}\ndata: {data}\n\n"

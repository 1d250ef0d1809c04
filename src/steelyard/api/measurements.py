"""POST /v1/measurements: uses of skills, in batches."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, cast

from fastapi import Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from steelyard.api.away import database_away
from steelyard.api.body import json_body
from steelyard.api.deps import Bench, Tenant
from steelyard.api.fields import Count, Given, GivenModel, Moment, Shown, SkillName, Tokens
from steelyard.api.operation import Operations
from steelyard.api.principal import tenant_of
from steelyard.api.refusals import RefusedItem
from steelyard.domain.errors import InputError, ItemsRefused
from steelyard.services.usage import MAX_BATCH
from steelyard.workbench import Workbench

operation = Operations("uses")

# A batch of as many items as it may have, each as long as it may be.
_MOST_BYTES, _MOST_VALUES = 20_000_000, 250_000


class NewMeasurement(Given):
    """One use of a skill. `key` tells repeats apart: sent again under one key it counts once.

    Cache reads and writes are part of `input_tokens` unless `input_excludes_cache`; reasoning is part of
    `output_tokens`. Without `cost_usd` it is priced here.
    """

    key: Annotated[str, Field(min_length=1, max_length=200, examples=["trace-7f3a"])]
    skill: SkillName
    skill_version: Annotated[
        str | None, Field(description="The start of a version's digest, 6 digits at least.", examples=[None])
    ] = None
    model: GivenModel
    measured_at: Moment
    input_tokens: Tokens
    output_tokens: Tokens
    cache_read_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None
    reasoning_tokens: Tokens | None = None
    input_excludes_cache: bool | None = None
    cost_usd: Annotated[float | None, Field(description="US dollars.", ge=0, le=10_000_000, examples=[0.0125])] = None
    latency_ms: Annotated[float | None, Field(description="Milliseconds.", ge=0, examples=[812.0])] = None
    source: Annotated[str | None, Field(max_length=200, examples=["checkout-service"])] = None


class NewMeasurements(Given):
    """A batch of uses. An item that cannot be used is refused alone."""

    measurements: Annotated[list[NewMeasurement], Field(max_length=MAX_BATCH)]


class Taken(Shown):
    """What became of a batch: kept + duplicates + unmatched + refused is its length.

    `unmatched` uses are kept until a skill of their name is added. `unknown_versions` named a version the skill does
    not have, and count for the skill alone.
    """

    kept: Count
    duplicates: Count
    unmatched: Count
    unknown_versions: Count
    refused: list[RefusedItem]


class UnmatchedUses(Shown):
    """The uses kept under a name that no skill has; once a skill of that name is added they are its own."""

    skill_name: SkillName
    uses: Count
    first_at: Moment
    last_at: Moment


class Unmatched(Shown):
    """The names that no skill has, the most used first, at most 100."""

    items: list[UnmatchedUses]


@operation("GET", "/v1/measurements/unmatched", answers=Unmatched)
async def list_unmatched(bench: Bench, tenant: Tenant) -> Unmatched:
    """The names of skills that uses were sent for and that are not here."""
    return Unmatched(items=[UnmatchedUses.of(one) for one in await bench.intake.unmatched(tenant)])


@operation(
    "POST",
    "/v1/measurements",
    takes=NewMeasurements,
    answers=Taken,
)
async def send_measurements(request: Request) -> Response:
    """Send uses of skills, at most 10,000 at once.

    What is answered as kept is committed; what is refused is named. 422 where every item was refused: `refused` names
    each.
    """
    body = await json_body(request, most=_MOST_BYTES, most_values=_MOST_VALUES)
    items = cast("dict[str, Any]", body).get("measurements") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise InputError(
            "The body has no list of measurements.",
            kept="Nothing was kept.",
            next_step='Send {"measurements": [{"key": …, "skill": …, "model": …, "measured_at": …, …}]}.',
        )
    given = cast("list[object]", items)
    bench: Workbench = request.app.state.workbench
    tenant = tenant_of(request)
    with database_away():
        taken = await bench.intake.take(tenant, given)
    bench.metrics.uses(
        "measurements",
        kept=taken.kept,
        duplicate=taken.duplicates,
        unmatched=taken.unmatched,
        refused=len(taken.refused),
    )
    said = asdict(taken)
    if given and len(taken.refused) == len(given):
        raise ItemsRefused(
            "No item of the batch can be kept.",
            said["refused"],
            kept="Nothing was kept.",
            next_step="Mend what `refused` names of each, and send them again.",
        )
    return JSONResponse(said)

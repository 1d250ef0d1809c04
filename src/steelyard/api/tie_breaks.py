"""/v1/tie-breaks: breaking the tie of a finished run by pairwise comparison."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, Tenant, Who, who_of
from steelyard.api.fields import Count, Given, Id, Left, Microcents, Model, Moment, Page, Shown, Tokens, Waits
from steelyard.api.operation import Operations, json_of
from steelyard.api.paging import newest_first, window
from steelyard.api.runs import RunId
from steelyard.domain.models import MAX_REFERENCE, ModelRef
from steelyard.services.tie_break_words import tie_break_words
from steelyard.storage.tie_breaks import TieBreakRow
from steelyard.workbench import Workbench

operation = Operations("tie-breaks")

TieBreakId = Annotated[UUID, Path(description="The tie-break's id.")]
Judge = Annotated[
    str | None,
    Field(
        max_length=MAX_REFERENCE,
        description="Who compares; null: the run's own judge, else the default.",
        examples=[None],
    ),
]


class NewTieBreak(Given):
    """A wish for a tie-break. It is paid."""

    judge: Judge = None
    budget_microcents: Annotated[
        Microcents | None, Field(description="At most, in microcents; null sets no limit.")
    ] = None


class TieBreakOffer(Shown):
    """What breaking a tie would take. The cost is null where the judge's price is not known."""

    models: Annotated[list[Model], Field(description="The tied ones.")]
    judge: Model
    judge_sentence: str
    same_family: Annotated[bool, Field(description="The judge may favour a model of its own family.")]
    cases: Count
    meetings: Annotated[Count, Field(description="Pairs of outputs.")]
    identical: Annotated[Count, Field(description="Pairs of one text, which take no call.")]
    gate_calls: Annotated[Count, Field(description="Calls that try the judge first.")]
    calls: Annotated[Count, Field(description="Calls still to be made.")]
    paid: Annotated[Count, Field(description="Calls that are kept already.")]
    input_tokens: Tokens
    output_tokens: Tokens
    cost_microcents: Microcents | None


class TieBreak(Shown):
    """A tie-break as it stands; it stands beside the run's verdict and never changes it."""

    id: Id
    run_id: Id
    models: list[Model]
    judge: Model
    requested_by: str | None
    status: Annotated[
        str,
        Field(
            description="pending, running, completed, stopped, cancelled, refused or failed.", examples=["completed"]
        ),
    ]
    claim: Annotated[str, Field(description="What it came to, in a sentence.")]
    preferred: Annotated[Model | None, Field(description="null: nobody is ahead.")]
    facts: list[str]
    budget_microcents: Microcents | None
    planned: Annotated[int | None, Field(description="Comparisons in both orders.", examples=[40])]
    done: Count
    calls: Count
    spent_microcents: Annotated[Microcents, Field(description="Beside the run's own, in microcents.")]
    spent_is_lower_bound: bool
    gate: Annotated[dict[str, Any] | None, Field(examples=[None])]
    result: Annotated[dict[str, Any] | None, Field(examples=[None])]
    error_message: Annotated[str | None, Field(examples=[None])]
    waits: Waits
    left: Left
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment | None


async def tie_break_of(bench: Workbench, tenant_id: UUID, tie_break_id: UUID) -> TieBreak:
    """The document of a tie-break. Raises NotFound."""
    return _shown(await bench.tie_breaks.get(tenant_id, tie_break_id))


async def tie_break_again(bench: Workbench, tenant_id: UUID, tie_break_id: UUID) -> TieBreak:
    """The same of one that may not have been queued: it is. Raises NotFound."""
    await bench.tie_breaks.requeue(tenant_id)
    return await tie_break_of(bench, tenant_id, tie_break_id)


@operation("GET", "/v1/runs/{run_id}/tie-break", answers=TieBreakOffer, errors=(409,))
async def get_tie_break_offer(
    bench: Bench,
    tenant: Tenant,
    run_id: RunId,
    judge: Annotated[
        str,
        Query(
            max_length=MAX_REFERENCE, description="A judge by provider:name; empty: the run's own, else the default."
        ),
    ] = "",
) -> TieBreakOffer:
    """What breaking the run's tie would take. 409 where it has none."""
    offer = await bench.tie_breaks.offer(tenant, run_id, ModelRef.typed(judge) if judge else None)
    told = {name: getattr(offer, name) for name in TieBreakOffer.model_fields if name != "judge"}
    return TieBreakOffer.model_validate(told | {"judge": offer.judge.text})


@operation("GET", "/v1/runs/{run_id}/tie-breaks", answers=Page[TieBreak])
async def list_tie_breaks(
    bench: Bench, tenant: Tenant, run_id: RunId, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[TieBreak]:
    """The tie-breaks of a run as it ended last, the newest first."""
    await bench.run_views.signature(tenant, run_id)
    rows = await bench.tie_breaks.standing(tenant, run_id)
    found, token = window(rows, lambda one: newest_first(one.created_at, one.id), after, limit)
    return Page[TieBreak](items=[_shown(one) for one in found], next=token)


@operation(
    "POST",
    "/v1/runs/{run_id}/tie-breaks",
    answers=TieBreak,
    status=201,
    again=tie_break_again,
    at="/v1/tie-breaks/{id}",
    errors=(409,),
)
async def request_tie_break(
    bench: Bench, tenant: Tenant, who: Who, run_id: RunId, body: Annotated[NewTieBreak, Depends(json_of(NewTieBreak))]
) -> TieBreak:
    """Have a judge compare the tied models' outputs pair by pair. It is paid.

    One judge breaks a run's tie once; what is left of it goes on. 409 where there is no tie, or the judge was refused.
    """
    judge = ModelRef.typed(body.judge) if body.judge else None
    row = await bench.tie_breaks.request(
        tenant, run_id, judge, budget_microcents=body.budget_microcents, requested_by=who_of(who)
    )
    return _shown(row)


@operation("GET", "/v1/tie-breaks/{tie_break_id}", answers=TieBreak)
async def get_tie_break(bench: Bench, tenant: Tenant, tie_break_id: TieBreakId) -> TieBreak:
    """How a tie-break stands."""
    return await tie_break_of(bench, tenant, tie_break_id)


@operation("POST", "/v1/tie-breaks/{tie_break_id}/cancel", answers=TieBreak, errors=(409,))
async def cancel_tie_break(bench: Bench, tenant: Tenant, tie_break_id: TieBreakId) -> TieBreak:
    """Start no further call of it; what is out is kept. 409 where it has ended."""
    await bench.tie_breaks.cancel(tenant, tie_break_id)
    return await tie_break_of(bench, tenant, tie_break_id)


def _shown(row: TieBreakRow) -> TieBreak:
    words = tie_break_words(row)
    own = ("run_id", "claim", "preferred", "facts", "gate", "result")
    told = {name: getattr(row, name) for name in TieBreak.model_fields if name not in own}
    return TieBreak.model_validate(
        told
        | {
            "run_id": row.benchmark_run_id,
            "claim": words.claim,
            "preferred": words.named,
            "facts": list(words.facts),
            "gate": None if row.gate is None else dict(row.gate),
            "result": None if row.result is None else dict(row.result),
        }
    )

"""GET /v1/spend: what a month's money went to."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from steelyard.api.deps import Bench, Tenant
from steelyard.api.fields import Count, Microcents
from steelyard.api.operation import Operations
from steelyard.api.reports import Document, Json

operation = Operations("spend")


class Spend(Document):
    """A month's money against its budget, and by skill, model, member and judge."""

    form: Annotated[str, Field(alias="schema")]
    month: Annotated[str, Field(examples=["2026-11"])]
    spent_microcents: Microcents
    spent_is_lower_bound: bool
    held_microcents: Annotated[Microcents, Field(description="By what is under way, in microcents.")]
    lost_microcents: Microcents
    calls: Count
    unknown_calls: Annotated[Count, Field(description="Of unknown cost.")]
    budget_microcents: Microcents | None
    left_microcents: Annotated[int | None, Field(description="Microcents; null without a budget, or of a past month.")]
    projected_microcents: Annotated[int | None, Field(description="Microcents, if it goes on as so far.")]
    by: dict[str, Json]


@operation("GET", "/v1/spend", answers=Spend)
async def get_spend(
    bench: Bench,
    tenant: Tenant,
    month: Annotated[str, Query(max_length=20, description="As 2026-11; empty: this one.")] = "",
) -> Json:
    """What a month's money went to: its total against its budget, and its splits."""
    return (await bench.spend.report(tenant, bench.spend.month_of(month) if month else None)).to_json()

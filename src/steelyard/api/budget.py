"""/v1/budget: what the tenant may spend in a month and on one run, and how this month stands."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends
from pydantic import Field

from steelyard.api.deps import Bench, Tenant
from steelyard.api.fields import Count, Given, Microcents, Shown
from steelyard.api.operation import Operations, json_of
from steelyard.domain.money import MICROCENTS_PER_USD
from steelyard.domain.spending import TenantBudget
from steelyard.services.budgets import MOST_USD
from steelyard.workbench import Workbench

operation = Operations("budget")

_MOST = MOST_USD * MICROCENTS_PER_USD
_OF_A_MONTH = "Of a UTC month, in microcents; null: no limit."
_OF_A_RUN = "Of one run at most, in microcents; null: no limit."
_UNPRICED = "Whether models without a known price are not called while the month has a budget, as none can hold then."


class Budget(Shown):
    """What may be spent, and how this UTC month stands, in microcents."""

    month: Annotated[str, Field(description="This one, of UTC.", examples=["2026-11"])]
    month_microcents: Annotated[Microcents | None, Field(description=_OF_A_MONTH, examples=[5_000_000_000])]
    run_microcents: Annotated[Microcents | None, Field(description=_OF_A_RUN, examples=[200_000_000])]
    refuse_unpriced: Annotated[bool, Field(description=_UNPRICED)]
    spent_microcents: Microcents
    spent_is_lower_bound: Annotated[bool, Field(description="More may have been spent than is known.")]
    held_microcents: Annotated[Microcents, Field(description="By calls that are out, in microcents.")]
    lost_microcents: Annotated[Microcents, Field(description="Held for calls whose worker is gone, in microcents.")]
    left_microcents: Annotated[
        Microcents | None, Field(description="What another call may cost at most, in microcents; null: no limit.")
    ]
    calls: Count
    unknown_calls: Annotated[Count, Field(description="Of unknown cost.")]


class NewBudget(Given):
    """What may be spent from now on. What is spent stays spent: a budget below it stops every further call."""

    month_microcents: Annotated[
        Microcents | None, Field(gt=0, le=_MOST, description=_OF_A_MONTH, examples=[5_000_000_000])
    ]
    run_microcents: Annotated[Microcents | None, Field(gt=0, le=_MOST, description=_OF_A_RUN, examples=[200_000_000])]
    refuse_unpriced: Annotated[bool, Field(description=_UNPRICED)] = True


@operation("GET", "/v1/budget", answers=Budget)
async def get_budget(bench: Bench, tenant: Tenant) -> Budget:
    """What may be spent in a month and on one run, and how this month stands."""
    return await _budget(bench, tenant)


@operation("PUT", "/v1/budget", answers=Budget)
async def set_budget(bench: Bench, tenant: Tenant, body: Annotated[NewBudget, Depends(json_of(NewBudget))]) -> Budget:
    """Set what may be spent in a month and on one run. Workers hold to it within a second."""
    new = TenantBudget(body.month_microcents, body.run_microcents, body.refuse_unpriced)
    await bench.budgets.put(tenant, new)
    return await _budget(bench, tenant)


async def _budget(bench: Workbench, tenant_id: UUID) -> Budget:
    found = await bench.budgets.standing(tenant_id)
    return Budget(
        month=f"{found.month:%Y-%m}",
        month_microcents=found.budget.month_microcents,
        run_microcents=found.budget.run_microcents,
        refuse_unpriced=found.budget.refuse_unpriced,
        spent_microcents=found.spent,
        spent_is_lower_bound=found.is_lower_bound,
        held_microcents=found.held,
        lost_microcents=found.lost,
        left_microcents=found.left,
        calls=found.calls,
        unknown_calls=found.unknown_calls,
    )

"""/v1/providers/{name}/prices: what the models of a tenant's own provider cost, from a day on."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, Tenant
from steelyard.api.fields import Day, Given, Microcents, Moment, Page, Shown
from steelyard.api.operation import Operations, json_of
from steelyard.api.paging import window
from steelyard.api.providers import ProviderName
from steelyard.services.provider_prices import MOST_MICROCENTS, MOST_MODEL, Holds, NewPrice

operation = Operations("providers")

_UNIT = "Microcents per million tokens: $0.20 is 20,000,000."
_MODEL = "As in a run; the provider's name and the colon may be left out."
_CACHE = f"{_UNIT} null: as input."

ModelName = Annotated[
    str, Field(min_length=1, max_length=MOST_MODEL, description=_MODEL, examples=["workshop:brass-7b"])
]
Amount = Annotated[int, Field(ge=0, le=MOST_MICROCENTS, description=_UNIT, examples=[20_000_000])]
CacheAmount = Annotated[int | None, Field(ge=0, le=MOST_MICROCENTS, description=_CACHE, examples=[None])]


class ProviderPrice(Shown):
    """What a model of the tenant's own provider costs from a day on, until another price of it holds.

    Reasoning is a part of the output. `holds` is of today: past, now or later.
    """

    model: Annotated[str, Field(description="provider:name.", examples=["workshop:brass-7b"])]
    since: Day
    input_microcents: Annotated[Microcents, Field(description=_UNIT, examples=[20_000_000])]
    output_microcents: Annotated[Microcents, Field(description=_UNIT, examples=[60_000_000])]
    cache_read_microcents: Annotated[Microcents | None, Field(description=_CACHE, examples=[None])]
    cache_write_microcents: Annotated[Microcents | None, Field(description=_CACHE, examples=[None])]
    holds: Annotated[Holds, Field(examples=["now"])]
    set_by: Annotated[str, Field(examples=["Ann"])]
    set_at: Moment


class NewProviderPrice(Given):
    """A price as it is to be, in place of one of the same model and day."""

    model: ModelName
    input_microcents: Amount
    output_microcents: Annotated[Amount, Field(examples=[60_000_000])]
    cache_read_microcents: CacheAmount = None
    cache_write_microcents: CacheAmount = None
    since: Annotated[
        date | None, Field(description="The UTC day it holds from; null: today.", examples=["2026-03-01"])
    ] = None


class PricesRemoved(Shown):
    """How many prices were taken away."""

    removed: Annotated[int, Field(ge=1, examples=[1])]


@operation("GET", "/v1/providers/{name}/prices", answers=Page[ProviderPrice])
async def list_provider_prices(
    bench: Bench, tenant: Tenant, name: ProviderName, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[ProviderPrice]:
    """The prices that were given for the models of a provider of the tenant's own, by model, the oldest first."""
    listed = await bench.provider_prices.listed(tenant, name)
    found, token = window(listed, lambda one: (one.model, one.since.isoformat()), after, limit)
    return Page[ProviderPrice](items=[ProviderPrice.of(one) for one in found], next=token)


@operation("PUT", "/v1/providers/{name}/prices", answers=ProviderPrice, errors=(409,))
async def set_provider_price(
    bench: Bench,
    tenant: Tenant,
    name: ProviderName,
    body: Annotated[NewProviderPrice, Depends(json_of(NewProviderPrice))],
) -> ProviderPrice:
    """Give the price of a model of the tenant's own provider, from a day on.

    Calls begun from now on have it, those of a run under way from its next batch on; costs there are never change.
    404 where the provider is not the tenant's own; 409 where there are as many prices as there may be.
    """
    new = NewPrice(
        body.model,
        body.input_microcents,
        body.output_microcents,
        body.cache_read_microcents,
        body.cache_write_microcents,
        body.since,
    )
    return ProviderPrice.of(await bench.provider_prices.put(tenant, new, name))


@operation("DELETE", "/v1/providers/{name}/prices", answers=PricesRemoved)
async def remove_provider_prices(
    bench: Bench,
    tenant: Tenant,
    name: ProviderName,
    model: Annotated[str, Query(min_length=1, max_length=MOST_MODEL, description=_MODEL, examples=["brass-7b"])],
    since: Annotated[
        date | None, Query(description="Of this day alone; without it all of the model's.", examples=["2026-03-01"])
    ] = None,
) -> PricesRemoved:
    """Take away a price of a model, or all of its prices. What calls have cost stays as it is."""
    return PricesRemoved(removed=await bench.provider_prices.remove(tenant, model, since, name))

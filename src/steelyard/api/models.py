"""/v1/models: the models that were used, and those to choose from, each with its price."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, Tenant
from steelyard.api.fields import Count, Day, Microcents, Milliseconds, Model, Moment, Page, Quality, Shown
from steelyard.api.operation import Operations
from steelyard.api.paging import window
from steelyard.domain.money import microcents
from steelyard.pricing import Price as KnownPrice

operation = Operations("models")


class Price(Shown):
    """Today's price of a million tokens, in microcents; `tiered`: a long prompt makes every token dearer."""

    input_microcents: Microcents
    output_microcents: Microcents
    cache_read_microcents: Microcents
    cache_write_microcents: Microcents
    tiered: bool
    price_version: str
    price_date: Day


class Latency(Shown):
    """Of a model's newest calls."""

    calls: Count
    p50_ms: Milliseconds
    p95_ms: Milliseconds


class FamilyQuality(Shown):
    """Mean quality over the `n` cases of the skills of one family; null: of skills that name none."""

    family: str | None
    skills: Count
    n: Count
    quality: Quality


class SeenModel(Shown):
    """A model of some run, variants apart. `quality` is over `n` cases of the last runs of record of its skills."""

    model: Model
    provider: Annotated[str, Field(examples=["openai"])]
    runs: Count
    cells: Count
    last_used: Moment
    price: Annotated[Price | None, Field(description="null: not known.")]
    quality: Quality | None
    n: Count
    skills: Count
    families: list[FamilyQuality]
    latency: Latency | None


class OfferedModel(Shown):
    """A model to choose. One that cannot be called says why in `reason`, and in `remedy` what to do."""

    model: Model
    provider: Annotated[str, Field(examples=["openai"])]
    group: Annotated[str, Field(description="used before, on this machine, or current.", examples=["current"])]
    price: Annotated[Price | None, Field(description="null: not known.")]
    usable: bool
    reason: Annotated[str | None, Field(examples=[None])]
    remedy: Annotated[str | None, Field(examples=[None])]
    runs: Count
    last_used: Moment | None


@operation("GET", "/v1/models", answers=Page[SeenModel])
async def list_models(
    bench: Bench, tenant: Tenant, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[SeenModel]:
    """Every model of any run, by name: its price today, how much it was used, how good and how fast it was."""
    seen = await bench.model_views.view(tenant)
    found, token = window(seen.models, lambda one: (one.model,), after, limit)
    items = [
        SeenModel.model_validate(
            {name: getattr(one, name) for name in SeenModel.model_fields} | {"price": price_of(one.price)}
        )
        for one in found
    ]
    return Page[SeenModel](items=items, next=token)


@operation("GET", "/v1/models/offers", answers=Page[OfferedModel])
async def list_offers(
    bench: Bench, tenant: Tenant, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[OfferedModel]:
    """The models to choose from by name: used before, on this machine, and the vendors' current ones."""
    found, token = window(await bench.offers.offers(tenant), lambda one: (one.model,), after, limit)
    items = [
        OfferedModel.model_validate(
            {name: getattr(one, name) for name in OfferedModel.model_fields} | {"price": price_of(one.price)}
        )
        for one in found
    ]
    return Page[OfferedModel](items=items, next=token)


def price_of(price: KnownPrice | None) -> Price | None:
    """The document of a price."""
    if price is None:
        return None
    return Price(
        input_microcents=microcents(price.input_usd),
        output_microcents=microcents(price.output_usd),
        cache_read_microcents=microcents(price.cache_read_usd),
        cache_write_microcents=microcents(price.cache_write_usd),
        tiered=price.tiered,
        price_version=price.price_version,
        price_date=price.price_date,
    )

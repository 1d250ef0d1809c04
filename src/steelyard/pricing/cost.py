"""The cost of a call and the price of a model: a tenant's own, the operator's, or genai-prices', as of a date."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import Any, cast

from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef
from steelyard.domain.money import MICROCENTS_PER_USD
from steelyard.pricing.rates import DatedPrices, Rates, holding

LOCAL = "local"
FROM_SETTINGS = "settings"
_FROM_TENANT = "own since "

_NO_RATES: Mapping[str, Rates] = {}
_NO_DATES: DatedPrices = {}
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Cost:
    """What one call cost. `price_version` names the source and its version, `price_date` the day it was priced for."""

    microcents: int
    price_version: str
    price_date: date


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens of one model; `tiered` when a long prompt makes every token dearer."""

    input_usd: float
    output_usd: float
    cache_read_usd: float
    cache_write_usd: float
    tiered: bool
    price_version: str
    price_date: date


def cost(
    usage: Usage,
    model: ModelRef,
    when: date,
    rates: Mapping[str, Rates] = _NO_RATES,
    dated: DatedPrices = _NO_DATES,
) -> Cost | None:
    """The cost of a call of `model` on `when`; None when its price is not known.

    `rates` holds the operator's prices, by `provider:name` or by a variant's whole text, `dated` those of the tenant
    whose call it is, which go before them from their day on. Local models cost 0.
    Reasoning is part of the output and cache tokens of the input, so neither is counted twice; counts that contradict
    this are read as the least input that holds them.
    """
    if model.provider == LOCAL:
        return Cost(0, LOCAL, when)
    read, write = max(0, usage.cache_read_tokens), max(0, usage.cache_write_tokens)
    whole_input = max(usage.input_tokens, read + write)
    output = max(usage.output_tokens, usage.reasoning_tokens, 0)
    own, version = _own_rates(model, when, rates, dated)
    if own is not None:
        input_usd = Decimal(str(own.input_usd))
        usd = (
            input_usd * (whole_input - read - write)
            + _or(own.cache_read_usd, input_usd) * read
            + _or(own.cache_write_usd, input_usd) * write
            + Decimal(str(own.output_usd)) * output
        ) / _MILLION
        return Cost(_microcents(usd), version, when)
    known = _known(model.provider, model.name, when)
    if known is None:
        return None
    each = _per_token(known, whole_input)
    usd = (
        _priced(known, whole_input, output, read, write)
        if each is None
        else each.fresh * (whole_input - read - write) + each.output * output + each.read * read + each.write * write
    )
    return Cost(_microcents(usd), _price_version(), when)


def price_of(
    model: ModelRef, when: date, rates: Mapping[str, Rates] = _NO_RATES, dated: DatedPrices = _NO_DATES
) -> Price | None:
    """The rates of `model` on `when` for display, found as `cost` does; None when they are not known."""
    if model.provider == LOCAL:
        return Price(0.0, 0.0, 0.0, 0.0, False, LOCAL, when)
    own, version = _own_rates(model, when, rates, dated)
    if own is not None:
        read = own.input_usd if own.cache_read_usd is None else own.cache_read_usd
        write = own.input_usd if own.cache_write_usd is None else own.cache_write_usd
        return Price(own.input_usd, own.output_usd, read, write, False, version, when)
    known = _known(model.provider, model.name, when)
    if known is None:
        return None
    values = [getattr(known, f"{key}_mtok") for key in ("input", "output", "cache_read", "cache_write")]
    if values[0] is None or values[1] is None:
        return None
    base = [None if value is None else float(getattr(value, "base", value)) for value in values]
    input_usd, output_usd = base[0] or 0.0, base[1] or 0.0
    read, write = (input_usd if one is None else one for one in base[2:])
    tiered = any(hasattr(value, "tiers") for value in values)
    return Price(input_usd, output_usd, read, write, tiered, _price_version(), when)


def may_have_been_edited(price_version: str | None) -> bool:
    """Whether prices that somebody gave are meant, which can be others at another time for the same version and day."""
    return price_version is not None and (price_version == FROM_SETTINGS or price_version.startswith(_FROM_TENANT))


def _own_rates(model: ModelRef, when: date, rates: Mapping[str, Rates], dated: DatedPrices) -> tuple[Rates | None, str]:
    """What was given for the model, and the version a cost is stored with: whose price it is, and since when."""
    names = (model.text, f"{model.provider}:{model.name}")
    for name in names:
        found = holding(dated, name, when)
        if found is not None:
            return found.rates, f"{_FROM_TENANT}{found.since.isoformat()}"
    return next((rates[name] for name in names if name in rates), None), FROM_SETTINGS


def _or(rate: float | None, otherwise: Decimal) -> Decimal:
    return otherwise if rate is None else Decimal(str(rate))


def _microcents(usd: Decimal) -> int:
    return int((usd * MICROCENTS_PER_USD).to_integral_value(ROUND_HALF_EVEN))


def _priced(known: Any, whole_input: int, output: int, read: int, write: int) -> Decimal:
    """US dollars, as genai-prices works them out: some 60 µs."""
    from genai_prices import Usage as PricedUsage

    counts = PricedUsage(
        input_tokens=whole_input, output_tokens=output, cache_read_tokens=read, cache_write_tokens=write
    )
    return known.calc_price(counts)["total_price"]


@dataclass(frozen=True)
class _TokenRates:
    """US dollars of one token: of input read anew, written as output, read from the cache, and put there."""

    fresh: Decimal
    output: Decimal
    read: Decimal
    write: Decimal


@dataclass(frozen=True)
class _Bands:
    """A library's price as rates by the token: `rates[n]` hold for an input longer than the first n of `starts`."""

    price: Any
    starts: tuple[int, ...]
    rates: tuple[_TokenRates, ...]


# By the identity of a price, which is kept in what is found: the library's prices cannot be hashed.
_BANDS: dict[int, _Bands] = {}


def _per_token(known: Any, whole_input: int) -> _TokenRates | None:
    """The rates for a call with so much input, for which the library is asked once for each of its prices and tiers.

    A long prompt makes every token dearer from a tier's start on. None where a call itself costs something.
    """
    bands = _BANDS.get(id(known))
    if bands is None:
        prices = cast("dict[str, Any]", vars(known)).values()
        starts = tuple(sorted({tier.start for price in prices for tier in getattr(price, "tiers", ())}))
        linear = not _priced(known, 0, 0, 0, 0)
        rates = tuple(_asked(known, start + 1) for start in (0, *starts)) if linear else ()
        bands = _BANDS[id(known)] = _Bands(known, starts, rates)
    return bands.rates[bisect_left(bands.starts, whole_input)] if bands.rates else None


def _asked(known: Any, whole_input: int) -> _TokenRates:
    million = int(_MILLION)
    fresh = _priced(known, whole_input, 0, 0, 0)
    return _TokenRates(
        fresh / whole_input,
        (_priced(known, whole_input, million, 0, 0) - fresh) / million,
        _priced(known, whole_input, 0, whole_input, 0) / whole_input,
        _priced(known, whole_input, 0, 0, whole_input) / whole_input,
    )


@lru_cache(maxsize=4096)
def _known(provider: str, name: str, when: date) -> Any:
    """genai-prices' ModelPrice for input and output tokens, or None. Importing it takes half a second of CPU."""
    from genai_prices.data_snapshot import get_snapshot

    noon = datetime.combine(when, time(12), UTC)
    try:
        _, model = get_snapshot().find_provider_model(name, None, provider, None)
    except LookupError:
        return None
    price = model.get_prices(noon)
    # A model priced by the image or the second has no price for what we count.
    return price if price.input_mtok is not None and price.output_mtok is not None else None


@lru_cache(maxsize=1)
def _price_version() -> str:
    return f"genai-prices {version('genai-prices')}"

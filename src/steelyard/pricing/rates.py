"""Prices that somebody gave: US dollars per million tokens, by the operator as they are, by a tenant since a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Rates:
    """US dollars per million tokens; a cache rate of None is the input rate."""

    input_usd: float
    output_usd: float
    cache_read_usd: float | None = None
    cache_write_usd: float | None = None


@dataclass(frozen=True)
class DatedRates:
    """Rates that hold from a UTC day on, until others do."""

    since: date
    rates: Rates


# By `provider:name` or a variant's whole text, the newest first.
DatedPrices = Mapping[str, tuple[DatedRates, ...]]


def holding(prices: DatedPrices, model: str, when: date) -> DatedRates | None:
    """What holds for this name on `when`; None before the first day that one is known of."""
    return next((one for one in prices.get(model, ()) if one.since <= when), None)

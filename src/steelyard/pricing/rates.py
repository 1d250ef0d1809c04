"""Prices given by the person: US dollars per million tokens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """US dollars per million tokens; a cache rate of None is the input rate."""

    input_usd: float
    output_usd: float
    cache_read_usd: float | None = None
    cache_write_usd: float | None = None

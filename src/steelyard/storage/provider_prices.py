"""Prices that a tenant has given for the models of its own providers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class PriceRow:
    """What a million tokens of `model` (`provider:name`) cost from the UTC day `since` on, in microcents; None of the
    cache is the price of input."""

    provider: str
    model: str
    since: date
    input_microcents: int
    output_microcents: int
    cache_read_microcents: int | None
    cache_write_microcents: int | None
    set_by: str
    set_at: datetime


async def list_prices(connection: Connection) -> list[PriceRow]:
    """The tenant's, by model, the oldest first."""
    async with connection.cursor(row_factory=record_row(PriceRow)) as cursor:
        await cursor.execute(
            """SELECT provider, model, since, input_microcents, output_microcents, cache_read_microcents,
                      cache_write_microcents, set_by, set_at
                 FROM provider_prices ORDER BY model, since"""
        )
        return await cursor.fetchall()


async def put_price(
    connection: Connection,
    tenant_id: UUID,
    provider: str,
    model: str,
    since: date,
    microcents: tuple[int, int, int | None, int | None],
    *,
    by: str,
) -> None:
    """Keep a price, of input, output, cache read and cache write, in place of one of the same model and day.

    The same price again stays as it was set, by whom and when.
    """
    await connection.execute(
        """INSERT INTO provider_prices AS p
                  (tenant_id, provider, model, since, input_microcents, output_microcents, cache_read_microcents,
                   cache_write_microcents, set_by)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
           ON CONFLICT (tenant_id, provider, model, since) DO UPDATE
              SET input_microcents = excluded.input_microcents, output_microcents = excluded.output_microcents,
                  cache_read_microcents = excluded.cache_read_microcents,
                  cache_write_microcents = excluded.cache_write_microcents, set_by = excluded.set_by,
                  set_at = clock_timestamp()
            WHERE (p.input_microcents, p.output_microcents, p.cache_read_microcents, p.cache_write_microcents)
                  IS DISTINCT FROM (excluded.input_microcents, excluded.output_microcents,
                                    excluded.cache_read_microcents, excluded.cache_write_microcents)""",
        (tenant_id, provider, model, since, *microcents, clean(by)),
    )


async def drop_prices(connection: Connection, model: str, since: date | None) -> int:
    """Take away a model's price of that day, or with None all of its prices; how many there were."""
    cursor = await connection.execute(
        "DELETE FROM provider_prices WHERE model = %(model)s AND (%(since)s::date IS NULL OR since = %(since)s)",
        {"model": model, "since": since},
    )
    return cursor.rowcount

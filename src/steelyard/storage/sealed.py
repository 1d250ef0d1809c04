"""The current tenant's encrypted values, whatever they are of, for new master keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from psycopg import sql

from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row

Kept = Literal["provider", "webhook"]

_TABLES: dict[Kept, str] = {"provider": "tenant_providers", "webhook": "webhooks"}


@dataclass(frozen=True)
class SealedRow:
    """A secret where it is kept: encrypted under the master key `key_id`, or `clear` as it was before encryption."""

    what: Kept
    name: str
    sealed: bytes | None = field(repr=False)
    key_id: str | None
    clear: str | None = field(repr=False)


async def secrets_not_under(connection: Connection, key_id: str | None) -> list[SealedRow]:
    """Those that are not encrypted under that master key; with None all there are."""
    async with connection.cursor(row_factory=record_row(SealedRow)) as cursor:
        await cursor.execute(
            """SELECT 'provider' AS what, name, sealed, key_id, NULL AS clear FROM tenant_providers
                WHERE sealed IS NOT NULL AND (%(key)s::text IS NULL OR key_id <> %(key)s)
               UNION ALL
               SELECT 'webhook', '', sealed, key_id, secret FROM webhooks
                WHERE %(key)s::text IS NULL OR key_id IS DISTINCT FROM %(key)s
               ORDER BY what, name""",
            {"key": key_id},
        )
        return await cursor.fetchall()


async def reseal(connection: Connection, row: SealedRow, sealed: bytes, key_id: str) -> bool:
    """Replace it, unless it has been replaced meanwhile: False then."""
    named = sql.SQL("") if row.what == "webhook" else sql.SQL(" AND name = {}").format(sql.Literal(row.name))
    clear = sql.SQL(", secret = NULL") if row.what == "webhook" else sql.SQL("")
    was = sql.SQL("secret = %(was)s") if row.clear is not None else sql.SQL("sealed = %(was)s")
    statement = sql.SQL("UPDATE {} SET sealed = %(sealed)s, key_id = %(key)s{} WHERE {}{}").format(
        sql.Identifier(_TABLES[row.what]), clear, was, named
    )
    values = {"sealed": sealed, "key": key_id, "was": row.sealed if row.clear is None else row.clear}
    return (await connection.execute(statement, values)).rowcount == 1

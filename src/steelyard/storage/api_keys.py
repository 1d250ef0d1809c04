"""API keys of a tenant, and the one question that is asked before the tenant is known: whose a key is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from steelyard.domain.access import Scope
from steelyard.domain.api_keys import ApiKey
from steelyard.storage.database import Connection, Database, clean
from steelyard.storage.rows import record_row

_KEYS = b"""SELECT id, name, scopes, a_minute,
                   created_by || CASE created_by_kind WHEN 'key' THEN ' (API key)' ELSE '' END AS created_by,
                   created_at, expires_at, last_used_at, revoked_at
              FROM api_keys"""


@dataclass(frozen=True)
class FoundKey:
    """What a hash is of. `left_s`: seconds until it expires, None for one that does not."""

    tenant_id: UUID
    id: UUID
    name: str
    scopes: list[str]
    a_minute: int | None
    state: Literal["usable", "expired", "revoked"]
    left_s: float | None


async def key_by_hash(database: Database, secret_hash: bytes) -> FoundKey | None:
    """The key of that SHA-256, of whichever tenant."""
    async with database.pool.connection() as connection, connection.cursor(row_factory=record_row(FoundKey)) as cursor:
        await cursor.execute("SELECT * FROM api_key_by_hash(%s)", (secret_hash,))
        return await cursor.fetchone()


async def insert_key(
    connection: Connection,
    tenant_id: UUID,
    key_id: UUID,
    *,
    name: str,
    scopes: Sequence[Scope],
    secret_hash: bytes,
    a_minute: int | None,
    expires_at: datetime | None,
) -> None:
    """Keep a new key, as made by whoever acts."""
    await connection.execute(
        """INSERT INTO api_keys (tenant_id, id, name, scopes, secret_hash, a_minute, expires_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s)""",
        (tenant_id, key_id, clean(name), list(scopes), secret_hash, a_minute, expires_at),
    )


async def list_keys(connection: Connection, limit: int) -> list[ApiKey]:
    """Those that can be used first, each sort the newest first."""
    cursor = await connection.execute(
        _KEYS
        + b""" ORDER BY revoked_at IS NOT NULL OR coalesce(expires_at <= now(), false), created_at DESC, id
                LIMIT %s""",
        (limit,),
    )
    return [_key(**row) for row in await cursor.fetchall()]


async def keys_before(connection: Connection, limit: int, before: tuple[datetime, UUID] | None) -> list[ApiKey]:
    """The newest first, from after those made `before` with that id on."""
    moment, key_id = before or (None, None)
    cursor = await connection.execute(
        _KEYS
        + b""" WHERE %s::timestamptz IS NULL OR (created_at, id) < (%s::timestamptz, %s::uuid)
               ORDER BY created_at DESC, id DESC LIMIT %s""",
        (moment, moment, key_id, limit),
    )
    return [_key(**row) for row in await cursor.fetchall()]


async def key_by_id(connection: Connection, key_id: UUID) -> ApiKey | None:
    """The key of that id, whether it can be used or not."""
    cursor = await connection.execute(_KEYS + b" WHERE id = %s", (key_id,))
    row = await cursor.fetchone()
    return None if row is None else _key(**row)


async def hold_usable(connection: Connection, key_id: UUID) -> ApiKey | None:
    """The key where it can be used, which nobody revokes before the transaction ends."""
    cursor = await connection.execute(
        _KEYS
        + b""" WHERE id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
               FOR SHARE""",
        (key_id,),
    )
    row = await cursor.fetchone()
    return None if row is None else _key(**row)


def _key(scopes: list[str], **row: Any) -> ApiKey:
    return ApiKey(scopes=tuple(Scope(scope) for scope in scopes), **row)


async def count_usable(connection: Connection) -> int:
    """How many keys can be used."""
    cursor = await connection.execute(
        """SELECT count(*)::int AS n FROM api_keys
            WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"""
    )
    row = await cursor.fetchone()
    return 0 if row is None else row["n"]


async def revoke_key(connection: Connection, key_id: UUID) -> bool:
    """From now on it is no key; False where the tenant has none of that id. Once revoked, it stays as it is."""
    cursor = await connection.execute(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = %s", (key_id,)
    )
    return cursor.rowcount == 1


async def note_use(connection: Connection, key_id: UUID) -> None:
    """It was used now, unless that was noted within the last minute, by whichever process."""
    await connection.execute(
        """UPDATE api_keys SET last_used_at = now()
            WHERE id = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')""",
        (key_id,),
    )

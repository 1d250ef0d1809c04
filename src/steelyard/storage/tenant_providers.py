"""Providers that a tenant has set for itself, with their encrypted keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class ProviderRow:
    """One provider. `sealed` is its key under the master key `key_id`, None where it has none; `key_end` is what is
    shown of it."""

    name: str
    kind: str
    base_url: str | None
    sealed: bytes | None = field(repr=False)
    key_id: str | None
    key_end: str | None
    key_set_at: datetime | None
    key_set_by: str | None
    changed_at: datetime


@dataclass(frozen=True)
class KeyWrite:
    """An encrypted key as it is stored; `end` are its last characters, None for one too short to show any of."""

    sealed: bytes = field(repr=False)
    key_id: str
    end: str | None


@dataclass(frozen=True)
class RunOfProvider:
    """A run under way one of whose models or judges is called by a provider's name."""

    id: UUID
    skill_name: str


async def list_providers(connection: Connection) -> list[ProviderRow]:
    """The tenant's, by name."""
    async with connection.cursor(row_factory=record_row(ProviderRow)) as cursor:
        await cursor.execute(
            """SELECT name, kind, base_url, sealed, key_id, key_end, key_set_at, key_set_by, changed_at
                 FROM tenant_providers ORDER BY name"""
        )
        return await cursor.fetchall()


async def put_provider(
    connection: Connection,
    tenant_id: UUID,
    name: str,
    kind: str,
    base_url: str | None,
    key: KeyWrite | None,
    *,
    by: str,
) -> None:
    """Keep a provider in place of one of the same name, with this key, set `by` whom, or without any."""
    await connection.execute(
        """INSERT INTO tenant_providers
                  (tenant_id, name, kind, base_url, sealed, key_id, key_end, key_set_at, key_set_by)
           VALUES (%(tenant)s, %(name)s, %(kind)s, %(url)s, %(sealed)s, %(key)s, %(end)s,
                   CASE WHEN %(key)s::text IS NOT NULL THEN now() END,
                   CASE WHEN %(key)s::text IS NOT NULL THEN %(by)s END)
           ON CONFLICT (tenant_id, name) DO UPDATE SET kind = excluded.kind, base_url = excluded.base_url,
                  sealed = excluded.sealed, key_id = excluded.key_id, key_end = excluded.key_end,
                  key_set_at = excluded.key_set_at, key_set_by = excluded.key_set_by, changed_at = clock_timestamp()""",
        {
            "tenant": tenant_id,
            "name": name,
            "kind": kind,
            "url": None if base_url is None else clean(base_url),
            "sealed": None if key is None else key.sealed,
            "key": None if key is None else key.key_id,
            "end": None if key is None else key.end,
            "by": clean(by),
        },
    )


async def drop_provider(connection: Connection, name: str) -> bool:
    """False where there is none."""
    return (await connection.execute("DELETE FROM tenant_providers WHERE name = %s", (name,))).rowcount == 1


async def kind_of(connection: Connection, name: str) -> str | None:
    """How the tenant's provider of that name is spoken to, which is there for as long as the transaction lasts; None
    without one."""
    cursor = await connection.execute("SELECT kind FROM tenant_providers WHERE name = %s FOR KEY SHARE", (name,))
    row = await cursor.fetchone()
    return None if row is None else row["kind"]


async def provider_names(connection: Connection) -> frozenset[str]:
    """Of the tenant's own."""
    cursor = await connection.execute("SELECT name FROM tenant_providers")
    return frozenset([row["name"] for row in await cursor.fetchall()])


async def runs_calling(connection: Connection, name: str) -> list[RunOfProvider]:
    """The tenant's runs under way whose models or judges go by the provider's name, the oldest first."""
    async with connection.cursor(row_factory=record_row(RunOfProvider)) as cursor:
        await cursor.execute(
            """SELECT r.id, s.name AS skill_name
                 FROM benchmark_runs r JOIN skills s ON s.tenant_id = r.tenant_id AND s.id = r.skill_id
                WHERE r.status IN ('pending', 'running')
                  AND EXISTS (SELECT FROM unnest(r.models || string_to_array(coalesce(r.judge, ''), ', ')) AS model
                               WHERE split_part(model, ':', 1) = %s)
                ORDER BY r.created_at, r.id""",
            (name,),
        )
        return await cursor.fetchall()

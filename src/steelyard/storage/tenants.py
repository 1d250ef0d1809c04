"""Tenants: the owner of every row."""

from __future__ import annotations

from uuid import UUID

from steelyard.domain.people import KnownTenant
from steelyard.storage.database import Connection, Database, clean

# The tenant of a single-user installation; a fixed id, so every process of it finds the same one.
LOCAL_TENANT = UUID("00000000-0000-4000-8000-000000000001")


async def ensure_tenant(connection: Connection, tenant_id: UUID, name: str) -> None:
    """Create the current tenant if it is new."""
    await connection.execute(
        "INSERT INTO tenants (id, name) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING", (tenant_id, name)
    )


async def known_tenants(database: Database) -> list[KnownTenant]:
    """All tenants of the installation, by name: for whoever runs it."""
    return [KnownTenant(**row) for row in await database.ask("SELECT * FROM known_tenants()")]


async def tenants_with_paid_jobs(database: Database) -> list[UUID]:
    """Tenants with reviews, tie-breaks or drafts of cases that have not ended."""
    return [row["tenant_id"] for row in await database.ask("SELECT tenant_id FROM tenants_with_paid_jobs()")]


async def rename_tenant(connection: Connection, name: str) -> None:
    """Give the current tenant another name."""
    await connection.execute("UPDATE tenants SET name = %s", (clean(name),))

"""Tenants: the owner of every row."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

from steelyard.storage.database import Connection, Database

# The tenant of a single-user installation; a fixed id, so every process of it finds the same one.
LOCAL_TENANT = UUID("00000000-0000-4000-8000-000000000001")


async def ensure_tenant(connection: Connection, tenant_id: UUID, name: str) -> None:
    """Create the current tenant if it is new."""
    await connection.execute(
        "INSERT INTO tenants (id, name) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING", (tenant_id, name)
    )


async def every_tenant(database: Database, batch: int = 500) -> AsyncGenerator[UUID]:
    """The ids of all tenants, read in batches; one that comes meanwhile may be among them."""
    last: UUID | None = None
    while True:
        async with database.pool.connection() as connection:
            cursor = await connection.execute("SELECT tenant_id FROM tenants_after(%s, %s)", (last, batch))
            found: list[UUID] = [row["tenant_id"] for row in await cursor.fetchall()]
        for tenant_id in found:
            yield tenant_id
        if len(found) < batch:
            return
        last = found[-1]

"""Tenants: the owner of every row."""

from __future__ import annotations

from uuid import UUID

from steelyard.storage.database import Connection

# The tenant of a single-user installation; a fixed id, so every process of it finds the same one.
LOCAL_TENANT = UUID("00000000-0000-4000-8000-000000000001")


async def ensure_tenant(connection: Connection, tenant_id: UUID, name: str) -> None:
    """Create the current tenant if it is new."""
    await connection.execute(
        "INSERT INTO tenants (id, name) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING", (tenant_id, name)
    )

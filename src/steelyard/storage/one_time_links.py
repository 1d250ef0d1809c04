"""Links that work once, of the operator's first admin and of forgotten passwords."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from steelyard.storage.database import Connection, Database


async def add_setup(connection: Connection, tenant_id: UUID, token_hash: bytes, expires_at: datetime) -> None:
    """A link to become the first admin of a tenant."""
    await connection.execute("DELETE FROM one_time_links WHERE expires_at < now()")
    await connection.execute(
        "INSERT INTO one_time_links (token_hash, purpose, tenant_id, expires_at) VALUES (%s, 'setup', %s, %s)",
        (token_hash, tenant_id, expires_at),
    )


async def setup_tenant(database: Database, token_hash: bytes, now: datetime) -> UUID | None:
    """The tenant a link sets up, which stays as it is."""
    rows = await database.ask(
        "SELECT tenant_id FROM one_time_links WHERE token_hash = %s AND purpose = 'setup' AND expires_at > %s",
        (token_hash, now),
    )
    return rows[0]["tenant_id"] if rows else None


async def drop_setups(connection: Connection, tenant_id: UUID) -> None:
    """No link sets the tenant up any more."""
    await connection.execute("DELETE FROM one_time_links WHERE tenant_id = %s", (tenant_id,))


async def add_reset(connection: Connection, user_id: UUID, token_hash: bytes, expires_at: datetime) -> None:
    """A link to set the password of a user who is held, in place of an earlier one."""
    await connection.execute("DELETE FROM one_time_links WHERE user_id = %s OR expires_at < now()", (user_id,))
    await connection.execute(
        "INSERT INTO one_time_links (token_hash, purpose, user_id, expires_at) VALUES (%s, 'reset', %s, %s)",
        (token_hash, user_id, expires_at),
    )


async def reset_user(database: Database, token_hash: bytes, now: datetime) -> UUID | None:
    """Whose password a link sets anew; it stays as it is."""
    rows = await database.ask(
        "SELECT user_id FROM one_time_links WHERE token_hash = %s AND purpose = 'reset' AND expires_at > %s",
        (token_hash, now),
    )
    return rows[0]["user_id"] if rows else None


async def use_reset(connection: Connection, token_hash: bytes, user_id: UUID, now: datetime) -> bool:
    """Use the link of a user who is held up; False where it is gone."""
    cursor = await connection.execute(
        "DELETE FROM one_time_links WHERE token_hash = %s AND purpose = 'reset' AND user_id = %s AND expires_at > %s",
        (token_hash, user_id, now),
    )
    return cursor.rowcount == 1


async def drop_resets(connection: Connection, user_id: UUID) -> None:
    """No link sets that user's password any more."""
    await connection.execute("DELETE FROM one_time_links WHERE user_id = %s", (user_id,))

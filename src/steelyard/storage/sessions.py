"""Sessions of signed-in users: found by the hash of a token that is kept nowhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from steelyard.domain.people import SessionRow, SignedIn
from steelyard.storage.database import Connection, Database, clean
from steelyard.storage.rows import with_role


async def find_session(database: Database, token_hash: bytes, now: datetime, idle: timedelta) -> SignedIn | None:
    """Who has that session; None once it has ended, or with the membership it was for."""
    rows = await database.ask("SELECT * FROM signed_in(%s, %s, %s)", (token_hash, now, idle))
    return SignedIn(**with_role(rows[0])) if rows else None


async def drop_ended(database: Database, now: datetime) -> None:
    """Those of anybody that have ended go."""
    await database.ask("DELETE FROM sessions WHERE expires_at < %s", (now,))


async def add_session(
    connection: Connection,
    token_hash: bytes,
    user_id: UUID,
    tenant_id: UUID,
    *,
    device: str,
    address: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """A new session of a user who is held."""
    await connection.execute(
        """INSERT INTO sessions (token_hash, user_id, tenant_id, device, address, created_at, seen_at, expires_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
        (token_hash, user_id, tenant_id, clean(device), clean(address), now, now, expires_at),
    )


async def list_sessions(database: Database, user_id: UUID, now: datetime, idle: timedelta) -> list[SessionRow]:
    """Those that have not ended, the last used first. `tenant_name` is blank where the user has left it."""
    rows = await database.ask(
        """SELECT s.id, coalesce(t.name, '') AS tenant_name, s.device, s.address, s.created_at, s.seen_at
             FROM sessions s LEFT JOIN tenants_of(%s) t ON t.tenant_id = s.tenant_id
            WHERE s.user_id = %s AND s.seen_at > %s AND s.expires_at > %s ORDER BY s.seen_at DESC, s.id""",
        (user_id, user_id, now - idle, now),
    )
    return [SessionRow(**row) for row in rows]


async def begun_at(database: Database, session_id: UUID) -> datetime | None:
    """When somebody signed in for it; None once it has ended."""
    rows = await database.ask("SELECT created_at FROM sessions WHERE id = %s", (session_id,))
    return rows[0]["created_at"] if rows else None


async def move_session(database: Database, session_id: UUID, tenant_id: UUID) -> None:
    """From now on it is for that tenant, of which the user is a member."""
    await database.ask("UPDATE sessions SET tenant_id = %s WHERE id = %s", (tenant_id, session_id))


async def is_session(connection: Connection, user_id: UUID, session_id: UUID) -> bool:
    """Whether the user has that session still."""
    cursor = await connection.execute("SELECT 1 FROM sessions WHERE id = %s AND user_id = %s", (session_id, user_id))
    return await cursor.fetchone() is not None


async def end_session(database: Database, user_id: UUID, session_id: UUID) -> bool:
    """End one of the user's sessions; False where it is none."""
    return bool(
        await database.ask("DELETE FROM sessions WHERE id = %s AND user_id = %s RETURNING id", (session_id, user_id))
    )


async def end_sessions(database: Database, user_id: UUID, *, but: UUID | None = None) -> int:
    """End all of a user's sessions, but that one; returns how many."""
    return len(
        await database.ask(
            "DELETE FROM sessions WHERE user_id = %s AND (%s::uuid IS NULL OR id <> %s) RETURNING id",
            (user_id, but, but),
        )
    )


async def end_every(connection: Connection, user_id: UUID, *, but: UUID | None = None) -> None:
    """The same in the caller's transaction, which holds the user."""
    await connection.execute(
        "DELETE FROM sessions WHERE user_id = %s AND (%s::uuid IS NULL OR id <> %s)", (user_id, but, but)
    )


async def end_sessions_in(connection: Connection, tenant_id: UUID, user_id: UUID) -> None:
    """End what sessions a user has in a tenant."""
    await connection.execute("DELETE FROM sessions WHERE tenant_id = %s AND user_id = %s", (tenant_id, user_id))

"""Invitations to the current tenant, and finding the tenant that a token invites to."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from steelyard.domain.access import Role
from steelyard.domain.people import Invitation, Invited
from steelyard.storage.database import Connection, Database, clean
from steelyard.storage.rows import with_role


async def put_invitation(
    connection: Connection,
    tenant_id: UUID,
    email: str,
    role: Role,
    token_hash: bytes,
    *,
    invited_by: str,
    now: datetime,
    expires_at: datetime,
) -> UUID:
    """Invite an address, in place of an earlier invitation of it; returns the new one's id."""
    await connection.execute("DELETE FROM invitations WHERE email = %s", (clean(email),))
    cursor = await connection.execute(
        """INSERT INTO invitations (tenant_id, email, role, token_hash, invited_by, created_at, expires_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id""",
        (tenant_id, clean(email), role.value, token_hash, clean(invited_by), now, expires_at),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row["id"]


async def list_invitations(connection: Connection) -> list[Invitation]:
    """Those not yet taken up, the newest first; also those that are too old by now."""
    cursor = await connection.execute(
        """SELECT id, email, role, invited_by, created_at, expires_at FROM invitations
            ORDER BY created_at DESC, email"""
    )
    return [Invitation(**with_role(row)) for row in await cursor.fetchall()]


async def take_invitation(connection: Connection, invitation_id: UUID) -> bool:
    """Use it up, or take it back; False where it is gone."""
    cursor = await connection.execute("DELETE FROM invitations WHERE id = %s", (invitation_id,))
    return cursor.rowcount == 1


async def find_invited(database: Database, token_hash: bytes, now: datetime) -> Invited | None:
    """What the token is good for; None once it was used, taken back or has become too old."""
    rows = await database.ask("SELECT * FROM invitation_of(%s, %s)", (token_hash, now))
    return Invited(**with_role(rows[0])) if rows else None


async def invitations_of(database: Database, email: str, now: datetime) -> list[Invited]:
    """Those of that address, in lower case, which are still good, whoever's tenant they are of; the oldest first."""
    rows = await database.ask("SELECT * FROM invitation_for(%s, %s)", (clean(email), now))
    return [Invited(**with_role(row)) for row in rows]

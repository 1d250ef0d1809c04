"""Who belongs to the current tenant, as what."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from steelyard.domain.access import Role
from steelyard.domain.names import look_of
from steelyard.domain.people import MemberRow
from steelyard.storage.database import Connection
from steelyard.storage.rows import with_role


async def add_membership(connection: Connection, tenant_id: UUID, user_id: UUID, role: Role) -> bool:
    """Let a user in; False for one who is in already, whose role stays."""
    cursor = await connection.execute(
        "INSERT INTO memberships (tenant_id, user_id, role) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (tenant_id, user_id, role.value),
    )
    return cursor.rowcount == 1


async def list_members(connection: Connection) -> list[MemberRow]:
    """All members, by name."""
    cursor = await connection.execute(
        """SELECT u.id AS user_id, u.email, u.name, m.role, m.created_at AS joined_at,
                  (SELECT max(seen_at) FROM sessions s WHERE s.tenant_id = m.tenant_id AND s.user_id = u.id) AS seen_at
             FROM memberships m JOIN users u ON u.id = m.user_id ORDER BY lower(u.name), u.email"""
    )
    return [MemberRow(**with_role(row)) for row in await cursor.fetchall()]


async def hold_members(connection: Connection) -> dict[UUID, Role]:
    """Every member's role, which nobody else changes, nor adds one, before the transaction ends."""
    await connection.execute("SELECT 1 FROM tenants FOR NO KEY UPDATE")
    cursor = await connection.execute("SELECT user_id, role FROM memberships")
    return {row["user_id"]: Role(row["role"]) for row in await cursor.fetchall()}


async def set_role(connection: Connection, user_id: UUID, role: Role) -> None:
    """Change a member's role."""
    await connection.execute("UPDATE memberships SET role = %s WHERE user_id = %s", (role.value, user_id))


async def remove_member(connection: Connection, user_id: UUID) -> None:
    """The user belongs here no more; what they did stays."""
    await connection.execute("DELETE FROM memberships WHERE user_id = %s", (user_id,))


async def note_reset(connection: Connection, user_id: UUID, at: datetime) -> None:
    """A member has set their password anew, by a link: for the audit log, which tells of it."""
    await connection.execute("UPDATE memberships SET reset_at = %s WHERE user_id = %s", (at, user_id))


async def name_is_taken(connection: Connection, name: str, but: UUID | None = None, *, keys: bool = True) -> bool:
    """Whether a member, other than `but`, or an API key, be it revoked, has a name that can be taken for this one.

    Without `keys` only members are asked about.
    """
    cursor = await connection.execute(
        """SELECT u.name FROM memberships m JOIN users u ON u.id = m.user_id
            WHERE %(but)s::uuid IS NULL OR u.id <> %(but)s
           UNION SELECT name FROM api_keys WHERE %(keys)s""",
        {"but": but, "keys": keys},
    )
    look = look_of(name)
    return any(look_of(row["name"]) == look for row in await cursor.fetchall())

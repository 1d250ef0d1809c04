"""As whom OpenID providers know users: each identity is of one user, who may have several."""

from __future__ import annotations

from uuid import UUID

from psycopg.errors import UniqueViolation

from steelyard.domain.errors import Conflict
from steelyard.domain.openid import Claims, IdentityRow
from steelyard.storage.database import Connection, Database, clean


async def user_of(database: Database, issuer: str, subject: str) -> UUID | None:
    """Whose identity that is."""
    rows = await database.ask(
        "SELECT user_id FROM user_identities WHERE issuer = %s AND subject = %s", (clean(issuer), clean(subject))
    )
    return rows[0]["user_id"] if rows else None


async def is_identity(connection: Connection, user_id: UUID, issuer: str, subject: str) -> bool:
    """Whether the user has that identity still."""
    cursor = await connection.execute(
        "SELECT 1 FROM user_identities WHERE user_id = %s AND issuer = %s AND subject = %s",
        (user_id, clean(issuer), clean(subject)),
    )
    return await cursor.fetchone() is not None


async def add_identity(connection: Connection, user_id: UUID, claims: Claims) -> None:
    """One more for a user, in the caller's transaction. Raises Conflict where it is somebody's already."""
    try:
        await connection.execute(
            "INSERT INTO user_identities (user_id, issuer, subject, email) VALUES (%s, %s, %s, %s)",
            (user_id, clean(claims.issuer), clean(claims.subject), clean(claims.email or "")),
        )
    except UniqueViolation as error:
        raise _taken() from error


async def connect(connection: Connection, user_id: UUID, claims: Claims) -> None:
    """One more for a user who has proved who they are, and is held. Raises Conflict where it is somebody else's."""
    cursor = await connection.execute(
        """INSERT INTO user_identities (user_id, issuer, subject, email) VALUES (%s, %s, %s, %s)
           ON CONFLICT (issuer, subject) DO UPDATE SET email = EXCLUDED.email
              WHERE user_identities.user_id = EXCLUDED.user_id RETURNING id""",
        (user_id, clean(claims.issuer), clean(claims.subject), clean(claims.email or "")),
    )
    if cursor.rowcount == 0:
        raise _taken()


async def connect_first(connection: Connection, user_id: UUID, claims: Claims) -> bool:
    """The first way of signing in of a user who has none, and is held; False where they have a password or an
    identity."""
    cursor = await connection.execute(
        """INSERT INTO user_identities (user_id, issuer, subject, email)
           SELECT id, %s, %s, %s FROM users
            WHERE id = %s AND password_hash IS NULL
              AND NOT EXISTS (SELECT 1 FROM user_identities i WHERE i.user_id = users.id)
           ON CONFLICT DO NOTHING RETURNING id""",
        (clean(claims.issuer), clean(claims.subject), clean(claims.email or ""), user_id),
    )
    return cursor.rowcount == 1


async def list_identities(database: Database, user_id: UUID) -> list[IdentityRow]:
    """A user's, the oldest first."""
    rows = await database.ask(
        "SELECT id, issuer, email FROM user_identities WHERE user_id = %s ORDER BY created_at, id", (user_id,)
    )
    return [IdentityRow(**row) for row in rows]


async def drop_every(connection: Connection, user_id: UUID) -> int:
    """No identity lets the user in any more, who is held; returns how many did."""
    return (await connection.execute("DELETE FROM user_identities WHERE user_id = %s", (user_id,))).rowcount


async def disconnect(connection: Connection, user_id: UUID, identity_id: UUID) -> bool:
    """Take one off a user who is held, and has a password or another; False for neither, or not that one."""
    cursor = await connection.execute(
        """DELETE FROM user_identities i USING users u
            WHERE i.id = %(id)s AND i.user_id = %(user)s AND u.id = i.user_id
              AND (u.password_hash IS NOT NULL
                   OR EXISTS (SELECT 1 FROM user_identities o WHERE o.user_id = u.id AND o.id <> i.id))
           RETURNING i.id""",
        {"id": identity_id, "user": user_id},
    )
    return cursor.rowcount == 1


def _taken() -> Conflict:
    return Conflict(
        "That account of the sign-in provider belongs to somebody else here.",
        kept="Nothing was changed.",
        next_step="Sign in with it, or choose another one there.",
    )

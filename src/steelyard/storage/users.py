"""Users: of no tenant, each known by one e-mail address."""

from __future__ import annotations

from uuid import UUID

from psycopg.errors import UniqueViolation

from steelyard.domain.access import Role
from steelyard.domain.errors import Conflict
from steelyard.domain.people import Belonging, User
from steelyard.storage.database import Connection, Database, clean


async def by_email(database: Database, email: str) -> User | None:
    """The user of that address, which is in lower case."""
    rows = await database.ask("SELECT id, email, name, password_hash FROM users WHERE email = %s", (clean(email),))
    return User(**rows[0]) if rows else None


async def by_id(database: Database, user_id: UUID) -> User | None:
    """The user of that id."""
    rows = await database.ask("SELECT id, email, name, password_hash FROM users WHERE id = %s", (user_id,))
    return User(**rows[0]) if rows else None


async def add_user(connection: Connection, email: str, name: str, password_hash: str | None) -> UUID:
    """A new user, in the caller's transaction. Raises Conflict where the address has one."""
    try:
        cursor = await connection.execute(
            "INSERT INTO users (email, name, password_hash) VALUES (%s, %s, %s) RETURNING id",
            (clean(email), clean(name), password_hash),
        )
    except UniqueViolation as error:
        raise Conflict(
            "There is an account of that address already.",
            kept="Nothing was changed.",
            next_step="Open the link again and sign in with it.",
        ) from error
    row = await cursor.fetchone()
    assert row is not None
    found: UUID = row["id"]
    return found


async def hold_user(connection: Connection, user_id: UUID) -> User | None:
    """The user as they are, and stay until the transaction ends.

    Whatever begins or ends a user's sessions, or changes how they sign in, holds them first: of two such things the one
    sees what the other has done.
    """
    cursor = await connection.execute(
        "SELECT id, email, name, password_hash FROM users WHERE id = %s FOR NO KEY UPDATE", (user_id,)
    )
    row = await cursor.fetchone()
    return User(**row) if row else None


async def set_password(connection: Connection, user_id: UUID, password_hash: str) -> None:
    """Keep another password's hash."""
    await connection.execute("UPDATE users SET password_hash = %s WHERE id = %s", (password_hash, user_id))


async def renew_hash(database: Database, user_id: UUID, compared: str, renewed: str) -> bool:
    """Keep the same password's hash by other parameters; False where another hash is kept by now, which stays."""
    return bool(
        await database.ask(
            "UPDATE users SET password_hash = %s WHERE id = %s AND password_hash = %s RETURNING id",
            (renewed, user_id, compared),
        )
    )


async def set_name(connection: Connection, user_id: UUID, name: str) -> None:
    """Keep another name."""
    await connection.execute("UPDATE users SET name = %s WHERE id = %s", (clean(name), user_id))


async def tenants_of(database: Database, user_id: UUID) -> list[Belonging]:
    """The tenants a user belongs to, by name."""
    rows = await database.ask("SELECT tenant_id, name, role FROM tenants_of(%s)", (user_id,))
    return [Belonging(row["tenant_id"], row["name"], Role(row["role"])) for row in rows]

"""Idempotency keys: who sent which request under a key, what it made, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from steelyard.domain.errors import Conflict
from steelyard.domain.once import Reservation, reserved
from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class KeyRow:
    """A key as kept: `made_id` once its request made something, `status` and `body` once it was answered."""

    digest: str
    attempt: UUID
    made_id: UUID | None
    status: int | None
    body: bytes | None
    location: str | None


async def reserve(
    connection: Connection,
    tenant_id: UUID,
    mine: Reservation,
    digest: str,
    *,
    now: datetime,
    kept_for: timedelta,
    lease: timedelta,
) -> KeyRow | None:
    """Reserve the key for `mine`; None where that was done, else the row of the request that has it.

    A key older than `kept_for` is a new one. An attempt that made nothing and was not answered within the `lease` is
    taken to be dead, and its request to be `mine`: what it would still make is refused by `bind`.
    """
    place = (tenant_id, mine.principal, mine.key)
    await connection.execute(
        """DELETE FROM idempotency_keys
            WHERE tenant_id = %s AND principal = %s AND key = %s AND reserved_at < %s""",
        (*place, now - kept_for),
    )
    cursor = await connection.execute(
        """INSERT INTO idempotency_keys (tenant_id, principal, key, digest, attempt, reserved_at)
           VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (tenant_id, principal, key) DO NOTHING""",
        (*place, digest, mine.attempt, now),
    )
    if cursor.rowcount:
        return None
    cursor = await connection.execute(
        """UPDATE idempotency_keys SET attempt = %s, reserved_at = %s
            WHERE tenant_id = %s AND principal = %s AND key = %s AND digest = %s
              AND made_id IS NULL AND status IS NULL AND reserved_at < %s""",
        (mine.attempt, now, *place, digest, now - lease),
    )
    if cursor.rowcount:
        return None
    async with connection.cursor(row_factory=record_row(KeyRow)) as rows:
        await rows.execute(
            """SELECT digest, attempt, made_id, status, body, location FROM idempotency_keys
                WHERE tenant_id = %s AND principal = %s AND key = %s""",
            place,
        )
        found = await rows.fetchone()
    # Released since it stood in the way.
    return found if found is not None else KeyRow(digest, mine.attempt, None, None, None, None)


async def bind(connection: Connection, made_id: UUID) -> None:
    """Note what the request of this task made, in the transaction that makes it; nothing without a key.

    Raises Conflict where the request was taken for dead and is being answered anew: then nothing is made here.
    """
    mine = reserved.get()
    if mine is None:
        return
    cursor = await connection.execute(
        """UPDATE idempotency_keys SET made_id = %s
            WHERE principal = %s AND key = %s AND attempt = %s AND (made_id IS NULL OR made_id = %s)""",
        (made_id, mine.principal, mine.key, mine.attempt, made_id),
    )
    if not cursor.rowcount:
        raise Conflict(
            "This request took so long that it was begun anew when it was sent again.",
            kept="What it was for is made by that one.",
            next_step="Send it once more with its key: the answer is that one's.",
        )


async def keep_answer(
    connection: Connection, mine: Reservation, status: int, body: bytes, location: str | None
) -> None:
    """What is answered from now on to the same request under the key."""
    await connection.execute(
        """UPDATE idempotency_keys SET status = %s, body = %s, location = %s
            WHERE principal = %s AND key = %s AND attempt = %s""",
        (status, body, location, mine.principal, mine.key, mine.attempt),
    )


async def release(connection: Connection, mine: Reservation) -> None:
    """Give the key back where nothing was made under it."""
    await connection.execute(
        """DELETE FROM idempotency_keys
            WHERE principal = %s AND key = %s AND attempt = %s AND made_id IS NULL AND status IS NULL""",
        (mine.principal, mine.key, mine.attempt),
    )


async def forget_keys(connection: Connection, before: datetime) -> int:
    """Drop keys reserved before; returns how many."""
    return (await connection.execute("DELETE FROM idempotency_keys WHERE reserved_at < %s", (before,))).rowcount

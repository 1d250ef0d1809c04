"""Who is told, and the messages on their way: kept until each was delivered or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.notices import Way
from steelyard.storage import schedule
from steelyard.storage.database import Connection, clean_json
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class Webhook:
    """Where notices are posted, and what signs them: encrypted (`sealed` under the master key `key_id`), or in `secret`
    as it was stored before there was encryption. Neither shows in a repr."""

    url: str
    secret: str | None
    created_at: datetime
    sealed: bytes | None = None
    key_id: str | None = None

    def __repr__(self) -> str:
        return f"Webhook(created_at={self.created_at!r})"


@dataclass(frozen=True)
class Delivery:
    """A message taken to be sent: its id goes with every attempt, of which this is number `attempts`."""

    id: UUID
    way: Way
    kind: str
    payload: Mapping[str, Any]
    attempts: int
    created_at: datetime


@dataclass(frozen=True)
class DeliveryRow:
    """A message as the log tells of it. `next_at` is None once it was delivered or given up."""

    id: UUID
    way: Way
    kind: str
    state: str
    attempts: int
    last_status: str | None
    last_at: datetime | None
    next_at: datetime | None
    created_at: datetime


async def find_webhook(connection: Connection) -> Webhook | None:
    """The tenant's webhook."""
    async with connection.cursor(row_factory=record_row(Webhook)) as cursor:
        await cursor.execute("SELECT url, secret, created_at, sealed, key_id FROM webhooks")
        return await cursor.fetchone()


async def move_webhook(connection: Connection, url: str) -> bool:
    """Post elsewhere, signed as before; False where there is no webhook."""
    return (await connection.execute("UPDATE webhooks SET url = %s", (url,))).rowcount == 1


async def put_webhook(connection: Connection, tenant_id: UUID, url: str, sealed: bytes, key_id: str) -> None:
    """Keep the address and its encrypted secret, in place of what there was."""
    await connection.execute(
        """INSERT INTO webhooks (tenant_id, url, secret, sealed, key_id, secret_at)
           VALUES (%s, %s, NULL, %s, %s, clock_timestamp())
               ON CONFLICT (tenant_id) DO UPDATE SET url = excluded.url, secret = NULL, sealed = excluded.sealed,
                  key_id = excluded.key_id, secret_at = excluded.secret_at""",
        (tenant_id, url, sealed, key_id),
    )


async def drop_webhook(connection: Connection) -> None:
    """Post nothing any more."""
    await connection.execute("DELETE FROM webhooks")


async def recipients(connection: Connection) -> list[str]:
    """The e-mail addresses that are told."""
    cursor = await connection.execute("SELECT mail_to FROM tenants")
    row = await cursor.fetchone()
    return [] if row is None else cast(list[str], row["mail_to"])


async def set_recipients(connection: Connection, addresses: Sequence[str]) -> None:
    """Tell these, and nobody else."""
    await connection.execute("UPDATE tenants SET mail_to = %s", (list(addresses),))


async def add_delivery(
    connection: Connection, tenant_id: UUID, way: Way, kind: str, payload: Mapping[str, Any], now: datetime
) -> UUID:
    """A message that is due at once; returns its id."""
    cursor = await connection.execute(
        """INSERT INTO deliveries (tenant_id, way, kind, payload, next_at, created_at)
           VALUES (%s, %s, %s, %s, %s, %s) RETURNING id""",
        (tenant_id, way, kind, Jsonb(clean_json(payload)), now, now),
    )
    row = await cursor.fetchone()
    assert row is not None
    await schedule.work_by(connection, now)
    return row["id"]


async def claim_delivery(
    connection: Connection, now: datetime, until: datetime, only: UUID | None = None
) -> Delivery | None:
    """A message that is due, taken until then: who is killed with it in hand leaves it to be tried again."""
    async with connection.cursor(row_factory=record_row(Delivery)) as cursor:
        await cursor.execute(
            """UPDATE deliveries SET attempts = attempts + 1, next_at = %(until)s
                WHERE id = (SELECT id FROM deliveries
                             WHERE next_at <= %(now)s AND (%(only)s::uuid IS NULL OR id = %(only)s)
                             ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id, way, kind, payload, attempts, created_at""",
            {"now": now, "until": until, "only": only},
        )
        return await cursor.fetchone()


async def end_attempt(
    connection: Connection, delivery: Delivery, *, state: str, status: str, now: datetime, next_at: datetime | None
) -> None:
    """What came of an attempt. A message that has ended keeps no text; one that ended meanwhile stays as it is."""
    await connection.execute(
        """UPDATE deliveries SET state = %s, last_status = %s, last_at = %s, next_at = %s,
                  payload = CASE WHEN %s::timestamptz IS NULL THEN NULL ELSE payload END
            WHERE id = %s AND state = 'waiting'""",
        (state, status, now, next_at, next_at, delivery.id),
    )


async def list_deliveries(connection: Connection, limit: int) -> list[DeliveryRow]:
    """The newest first."""
    async with connection.cursor(row_factory=record_row(DeliveryRow)) as cursor:
        await cursor.execute(
            """SELECT id, way, kind, state, attempts, last_status, last_at, next_at, created_at
                 FROM deliveries ORDER BY created_at DESC, id LIMIT %s""",
            (limit,),
        )
        return await cursor.fetchall()


async def forget_ended(connection: Connection, before: datetime) -> int:
    """Drop messages from before that have ended; returns how many."""
    return (
        await connection.execute("DELETE FROM deliveries WHERE next_at IS NULL AND created_at < %s", (before,))
    ).rowcount

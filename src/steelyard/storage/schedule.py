"""Which tenants have something to do by the clock, and which process does it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from steelyard.storage.database import Connection, Database


async def tenants_due(database: Database, slot: datetime, now: datetime) -> list[UUID]:
    """Tenants that were not checked since `slot` while nobody is at it, or that have something to send or run now."""
    async with database.pool.connection() as connection:
        cursor = await connection.execute("SELECT tenant_id FROM tenants_due(%s, %s)", (slot, now))
        return [row["tenant_id"] for row in await cursor.fetchall()]


async def claim_check(connection: Connection, slot: datetime | None, now: datetime, until: datetime) -> bool:
    """Take the current tenant's check upon oneself until then; False where another has it, or has done it.

    Without a `slot` it is asked for whatever was done.
    """
    cursor = await connection.execute(
        """UPDATE tenants SET checking_until = %(until)s
            WHERE (%(slot)s::timestamptz IS NULL OR checked_slot < %(slot)s)
              AND (checking_until IS NULL OR checking_until <= %(now)s)""",
        {"slot": slot, "now": now, "until": until},
    )
    return cursor.rowcount == 1


async def hold_check(connection: Connection, until: datetime) -> None:
    """Keep the check longer."""
    await connection.execute("UPDATE tenants SET checking_until = %s WHERE checking_until IS NOT NULL", (until,))


async def leave_check(connection: Connection) -> None:
    """Give the check up undone."""
    await connection.execute("UPDATE tenants SET checking_until = NULL")


async def end_check(connection: Connection, slot: datetime | None, now: datetime) -> None:
    """The check is done, that of `slot` where it was for one."""
    await connection.execute(
        """UPDATE tenants SET checking_until = NULL, checked_at = %(now)s,
                  checked_slot = greatest(checked_slot, %(slot)s::timestamptz)""",
        {"slot": slot, "now": now},
    )


async def checked_at(connection: Connection) -> datetime | None:
    """When the current tenant was last checked in full."""
    cursor = await connection.execute("SELECT checked_at FROM tenants")
    row = await cursor.fetchone()
    return None if row is None else row["checked_at"]


async def work_by(connection: Connection, at: datetime) -> None:
    """There is something to do at that time, if not before."""
    await connection.execute("UPDATE tenants SET work_at = least(work_at, %s)", (at,))


async def settle_work(connection: Connection, again: datetime | None = None) -> None:
    """Find anew when there is something to do: at `again`, and when a delivery is next due.

    The row is locked first, so that a delivery added meanwhile is seen.
    """
    await connection.execute("SELECT 1 FROM tenants FOR NO KEY UPDATE")
    await connection.execute(
        "UPDATE tenants SET work_at = least(%s::timestamptz, (SELECT min(next_at) FROM deliveries))", (again,)
    )

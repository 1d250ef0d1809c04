"""Marks: how far a worker's writes have come, written with them, to tell a lost commit from a lost confirmation."""

from __future__ import annotations

from uuid import UUID

from steelyard.storage.database import Connection


async def leave_mark(connection: Connection, tenant_id: UUID, worker_key: int, mark: int) -> bool:
    """Put the worker's mark at `mark` (1, 2, …) in the caller's transaction; False, and nothing done, if it is there.

    False says that the same writes were committed before, and only the word of it was lost.
    """
    cursor = await connection.execute(
        """INSERT INTO worker_marks AS held (tenant_id, worker_key, mark) VALUES (%s, %s, %s)
           ON CONFLICT (tenant_id, worker_key) DO UPDATE SET mark = EXCLUDED.mark, marked_at = now()
            WHERE held.mark < EXCLUDED.mark""",
        (tenant_id, worker_key, mark),
    )
    return cursor.rowcount == 1


async def forget_marks(connection: Connection, worker_key: int) -> None:
    """Drop the marks of a worker that has ended, and those that killed workers left behind a week ago."""
    await connection.execute(
        "DELETE FROM worker_marks WHERE worker_key = %s OR marked_at < now() - interval '7 days'", (worker_key,)
    )

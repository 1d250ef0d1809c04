"""What a probe asks of the database: whether it answers, with which schema, and what waits. Of no tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from steelyard.storage.database import Database
from steelyard.storage.queue import STALLED_AFTER_S

# A probe that waits longer than whoever asks says nothing at all.
PATIENCE_S = 2.0


@dataclass(frozen=True)
class Vitals:
    """`jobs` counts by (task, "waiting" | "resting" | "in hand"); `workers` those whose heart beats."""

    revision: str | None
    workers: int
    jobs: Mapping[tuple[str, str], int]


async def vitals(database: Database) -> Vitals:
    """Look at the database, for a few seconds at most. Raises what DATABASE_AWAY names, or TimeoutError."""
    # The server's own limit does not help where it stands still.
    async with asyncio.timeout(2 * PATIENCE_S):
        return await _looked(database)


async def _looked(database: Database) -> Vitals:
    async with database.pool.connection(timeout=PATIENCE_S) as connection, connection.transaction():
        await connection.execute("SELECT set_config('statement_timeout', %s, true)", (f"{PATIENCE_S:g}s",))
        row = await (await connection.execute("SELECT version_num FROM alembic_version")).fetchone()
        cursor = await connection.execute(
            """SELECT task_name, CASE WHEN status = 'doing' THEN 'in hand' WHEN scheduled_at > now() THEN 'resting'
                                      ELSE 'waiting' END AS state, count(*)::int AS n
                 FROM procrastinate_jobs WHERE status IN ('todo', 'doing') GROUP BY 1, 2"""
        )
        jobs = {(found["task_name"], found["state"]): found["n"] for found in await cursor.fetchall()}
        cursor = await connection.execute(
            """SELECT count(*)::int AS n FROM procrastinate_workers
                WHERE last_heartbeat > now() - make_interval(secs => %s)""",
            (STALLED_AFTER_S,),
        )
        workers = await cursor.fetchone()
    return Vitals(None if row is None else row["version_num"], 0 if workers is None else workers["n"], jobs)

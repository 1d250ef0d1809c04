"""Whether anybody serves a run, by the locks that workers hold and by their hearts: nothing has to be kept for it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from steelyard.storage.claims import ALIVE
from steelyard.storage.database import Connection
from steelyard.storage.queue import STALLED_AFTER_S


async def unserved(connection: Connection, run_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the runs that are told as running while no worker has them in hand and none is there to take them over.

    A worker that is killed lets go of its lock at once, and its heart counts as beating for STALLED_AFTER_S more.
    """
    if not run_ids:
        return frozenset()
    cursor = await connection.execute(
        f"""WITH alive AS MATERIALIZED ({ALIVE})
            SELECT r.id FROM benchmark_runs r
             WHERE r.id = ANY(%s) AND r.status = 'running'
               AND NOT EXISTS (SELECT FROM procrastinate_workers
                                WHERE last_heartbeat > now() - make_interval(secs => %s))
               AND NOT EXISTS (SELECT FROM cell_claims held JOIN alive USING (worker_key)
                                WHERE held.benchmark_run_id = r.id
                                  AND held.lease_until > clock_timestamp())""".encode(),
        (list(run_ids), STALLED_AFTER_S),
    )
    return frozenset(row["id"] for row in await cursor.fetchall())

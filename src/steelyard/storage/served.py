"""Whether anybody serves a run, by the locks that workers hold and by their hearts, and what a run waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.storage.claims import ALIVE
from steelyard.storage.database import Connection, clean
from steelyard.storage.queue import STALLED_AFTER_S, queue_name

_WORKER = "(SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %(stalled)s))"
_IN_HAND = """(SELECT FROM cell_claims held JOIN alive USING (worker_key)
                 WHERE held.benchmark_run_id = r.id AND held.lease_until > clock_timestamp())"""


@dataclass(frozen=True)
class Wait:
    """What a run that nobody has in hand waits for.

    `why`: what kept the workers from it that had its jobs, None where none had; `worker`: whether one is there;
    `others`: how many other runs of its tenant are being served.
    """

    why: str | None
    worker: bool
    others: int


async def unserved(connection: Connection, run_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the runs that are told as running while no worker has them in hand and none is there to take them over.

    A worker that is killed lets go of its lock at once, and its heart counts as beating for STALLED_AFTER_S more.
    """
    if not run_ids:
        return frozenset()
    cursor = await connection.execute(
        f"""WITH alive AS MATERIALIZED ({ALIVE})
            SELECT r.id FROM benchmark_runs r
             WHERE r.id = ANY(%(ids)s) AND r.status = 'running'
               AND NOT EXISTS {_WORKER} AND NOT EXISTS {_IN_HAND}""".encode(),
        {"ids": list(run_ids), "stalled": STALLED_AFTER_S},
    )
    return frozenset(row["id"] for row in await cursor.fetchall())


async def wait_of(connection: Connection, run_id: UUID) -> Wait | None:
    """What the run waits for; None for one that is in hand, that workers go on with, or that has ended."""
    cursor = await connection.execute(
        f"""WITH alive AS MATERIALIZED ({ALIVE})
            SELECT r.left_why, EXISTS {_WORKER} AS worker,
                   (SELECT count(*)::int FROM benchmark_runs other
                     WHERE other.id <> r.id AND other.status = 'running' AND other.left_why IS NULL) AS others
              FROM benchmark_runs r
             WHERE r.id = %(id)s AND NOT EXISTS {_IN_HAND}
               AND (r.status = 'pending' OR (r.status = 'running' AND r.left_why IS NOT NULL))""".encode(),
        {"id": run_id, "stalled": STALLED_AFTER_S},
    )
    row = await cursor.fetchone()
    return None if row is None else Wait(row["left_why"], row["worker"], row["others"])


async def note_left(connection: Connection, run_id: UUID, why: str) -> None:
    """Keep why a worker left the run."""
    await connection.execute(
        """UPDATE benchmark_runs SET left_why = %(why)s
            WHERE id = %(id)s AND status IN ('pending', 'running') AND left_why IS DISTINCT FROM %(why)s""",
        {"id": run_id, "why": clean(why)},
    )


async def take_up(connection: Connection, run_id: UUID) -> None:
    """A worker serves the run: what kept others from it holds no more."""
    await connection.execute(
        "UPDATE benchmark_runs SET left_why = NULL WHERE id = %s AND left_why IS NOT NULL", (run_id,)
    )


async def hurry_left(connection: Connection, after_s: float) -> None:
    """Let the jobs of the tenant's runs that workers left rest no longer than `after_s`."""
    cursor = await connection.execute(
        "SELECT id FROM benchmark_runs WHERE status IN ('pending', 'running') AND left_why IS NOT NULL"
    )
    queues = [queue_name(row["id"]) for row in await cursor.fetchall()]
    await connection.execute(
        """UPDATE procrastinate_jobs SET scheduled_at = now() + make_interval(secs => %s)
            WHERE status = 'todo' AND queue_name = ANY(%s) AND scheduled_at > now() + make_interval(secs => %s)""",
        (after_s, queues, after_s),
    )

"""Whether anybody serves what was asked for, by workers' locks and hearts, and what it waits for while nobody does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from steelyard.storage import tie_breaks
from steelyard.storage.claims import ALIVE
from steelyard.storage.database import Connection, clean
from steelyard.storage.queue import STALLED_AFTER_S, drafts_lock, queue_name, review_lock, tie_lock

_WORKER = "(SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %(stalled)s))"
_IN_HAND = """(SELECT FROM cell_claims held JOIN alive USING (worker_key)
                 WHERE held.benchmark_run_id = r.id AND held.lease_until > clock_timestamp())"""


@dataclass(frozen=True)
class Awaited:
    """A kind of what workers do, as rows: `why` is the column that keeps, while a row is pending or running, why a
    worker left it; `held`, a condition, says that a worker has a row so left in hand all the same; `lock` names the job
    of one, None where one has many."""

    table: Literal["benchmark_runs", "skill_reviews", "tie_breaks", "case_drafts"]
    why: Literal["left_why", "error_message"]
    held: str
    lock: Callable[[UUID], str] | None


RUNS = Awaited("benchmark_runs", "left_why", f"EXISTS {_IN_HAND}", None)
REVIEWS = Awaited("skill_reviews", "error_message", "false", review_lock)
TIE_BREAKS = Awaited("tie_breaks", "error_message", tie_breaks.IN_HAND, tie_lock)
DRAFTS = Awaited("case_drafts", "error_message", "false", drafts_lock)


@dataclass(frozen=True)
class Wait:
    """What something waits for that nobody has in hand.

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


async def waits_of(connection: Connection, of: Awaited, ids: Sequence[UUID]) -> dict[UUID, Wait]:
    """What those of them wait for that nobody has in hand: never taken up, or left by the workers that had their jobs.

    One query, however many there are; none for none.
    """
    if not ids:
        return {}
    cursor = await connection.execute(
        f"""WITH alive AS MATERIALIZED ({ALIVE})
            SELECT r.id, r.{of.why} AS why, EXISTS {_WORKER} AS worker,
                   (SELECT count(*)::int FROM benchmark_runs WHERE status = 'running' AND left_why IS NULL) AS others
              FROM {of.table} r
             WHERE r.id = ANY(%(ids)s) AND NOT {of.held}
               AND (r.status = 'pending' OR (r.status = 'running' AND r.{of.why} IS NOT NULL))""".encode(),
        {"ids": list(ids), "stalled": STALLED_AFTER_S},
    )
    return {row["id"]: Wait(row["why"], row["worker"], row["others"]) for row in await cursor.fetchall()}


async def note_left(connection: Connection, subject_id: UUID, why: str, of: Awaited = RUNS) -> None:
    """Keep why a worker left it."""
    await connection.execute(
        f"""UPDATE {of.table} SET {of.why} = %(why)s
             WHERE id = %(id)s AND status IN ('pending', 'running') AND {of.why} IS DISTINCT FROM %(why)s""".encode(),
        {"id": subject_id, "why": clean(why)},
    )


async def take_up(connection: Connection, run_id: UUID) -> None:
    """A worker serves the run: what kept others from it holds no more."""
    await connection.execute(
        "UPDATE benchmark_runs SET left_why = NULL WHERE id = %s AND left_why IS NOT NULL", (run_id,)
    )


async def hurry_left(connection: Connection, after_s: float) -> None:
    """Let the jobs of whatever of the tenant's workers left rest no longer than `after_s`."""
    queues: list[str] = []
    locks: list[str] = []
    for of in (RUNS, REVIEWS, TIE_BREAKS, DRAFTS):
        cursor = await connection.execute(
            f"SELECT id FROM {of.table} WHERE status IN ('pending', 'running') AND {of.why} IS NOT NULL".encode()
        )
        for row in await cursor.fetchall():
            if of.lock is None:
                queues.append(queue_name(row["id"]))
            else:
                locks.append(of.lock(row["id"]))
    await connection.execute(
        """UPDATE procrastinate_jobs SET scheduled_at = now() + make_interval(secs => %(after)s)
            WHERE status = 'todo' AND (queue_name = ANY(%(queues)s) OR queueing_lock = ANY(%(locks)s))
              AND scheduled_at > now() + make_interval(secs => %(after)s)""",
        {"after": after_s, "queues": queues, "locks": locks},
    )

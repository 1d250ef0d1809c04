"""Claims: who may call for a cell. Alive means a held advisory lock and a lease that has not run out."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from steelyard.storage.database import Connection
from steelyard.storage.results import ENDED
from steelyard.storage.spending import HELD_FROM

LEASE_S = 60.0


def new_worker_key() -> int:
    """A random positive 63-bit key, so that workers of every host are told apart."""
    return secrets.randbits(63)


async def hold_worker_lock(connection: Connection, worker_key: int) -> None:
    """Take the worker's advisory lock on this session; the server lets go of it when the session ends."""
    await connection.execute("SELECT pg_advisory_lock(%s)", (worker_key,))


ALIVE = """SELECT (classid::bigint << 32) | objid::bigint AS worker_key FROM pg_locks
                    WHERE locktype = 'advisory' AND objsubid = 1
                      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
"""Selects the keys of the workers whose lock is held."""


async def mark_lost_calls(
    connection: Connection, run_id: UUID, keys: Sequence[str] = (), *, worker_key: int | None = None
) -> set[date]:
    """What was spent is the least where workers that are gone hold claims: their calls may have been paid for.

    Looks at the claims held for the run and at those of `keys`, which are of other runs where runs share a cell, and
    marks the run the call was for. A cell that has come to its end has no call out; `worker_key` is not gone. To be
    done before `take_claims`, in its transaction: runs are locked before claims everywhere. Returns the months of calls
    no money was held for, for `spending.mark_lost` at the transaction's end.
    """
    cursor = await connection.execute(
        f"""WITH alive AS MATERIALIZED ({ALIVE}),
            lost AS MATERIALIZED (
                SELECT held.benchmark_run_id AS run_id, held.lease_until - make_interval(secs => %s) AS seen
                  FROM cell_claims held
                 WHERE (held.benchmark_run_id = %s OR held.claim_key = ANY(%s))
                   AND held.worker_key IS DISTINCT FROM %s
                   AND (held.lease_until < clock_timestamp()
                        OR NOT EXISTS (SELECT FROM alive WHERE alive.worker_key = held.worker_key))
                   AND NOT EXISTS (
                       SELECT FROM benchmark_results
                        WHERE benchmark_run_id = held.benchmark_run_id
                          AND cell_digest = split_part(held.claim_key, ':', 1) AND {ENDED})),
            marked AS (
                UPDATE benchmark_runs SET spent_is_lower_bound = true, judge_spent_is_lower_bound = judge IS NOT NULL
                 WHERE NOT (spent_is_lower_bound AND (judge_spent_is_lower_bound OR judge IS NULL))
                   AND id IN (SELECT run_id FROM lost))
            SELECT DISTINCT date_trunc('month', lost.seen AT TIME ZONE 'UTC')::date AS month
              FROM lost JOIN benchmark_runs r ON r.id = lost.run_id
             WHERE NOT {HELD_FROM.format("r.created_at")}""".encode(),
        (LEASE_S, run_id, sorted(keys), worker_key),
    )
    return {row["month"] for row in await cursor.fetchall()}


async def take_claims(
    connection: Connection, tenant_id: UUID, run_id: UUID, keys: Sequence[str], worker_key: int
) -> set[str]:
    """Claim what is free, this worker's own, or of a worker that is gone; returns the keys obtained.

    What this worker holds already it is given again, since a line lost at a commit may have hidden from it that it
    does: it must not ask for what a task of its own has in hand.
    """
    cursor = await connection.execute(
        f"""WITH alive AS MATERIALIZED ({ALIVE})
           INSERT INTO cell_claims AS held (tenant_id, claim_key, benchmark_run_id, worker_key, lease_until)
           SELECT %s, key, %s, %s, clock_timestamp() + make_interval(secs => %s)
             FROM unnest(%s::text[]) AS key ORDER BY key
           ON CONFLICT (tenant_id, claim_key) DO UPDATE
              SET benchmark_run_id = EXCLUDED.benchmark_run_id, worker_key = EXCLUDED.worker_key,
                  lease_until = EXCLUDED.lease_until
            WHERE held.worker_key = EXCLUDED.worker_key OR held.lease_until < clock_timestamp()
               OR NOT EXISTS (SELECT FROM alive WHERE alive.worker_key = held.worker_key)
           RETURNING claim_key""".encode(),
        (tenant_id, run_id, worker_key, LEASE_S, sorted(keys)),
    )
    return {row["claim_key"] for row in await cursor.fetchall()}


async def renew_claims(connection: Connection, worker_key: int, keys: Collection[str]) -> int:
    """Push out the leases of those claims of the current tenant that this worker holds.

    One it holds and does not know of must lapse: a lease that is always renewed would keep everybody else waiting.
    """
    cursor = await connection.execute(
        """UPDATE cell_claims SET lease_until = clock_timestamp() + make_interval(secs => %s)
            WHERE worker_key = %s AND claim_key = ANY(%s) AND lease_until > clock_timestamp()""",
        (LEASE_S, worker_key, sorted(keys)),
    )
    return cursor.rowcount


async def release_claims(connection: Connection, worker_key: int, keys: Sequence[str]) -> None:
    """Give the claims back; those taken over by another worker stay theirs."""
    if keys:
        await connection.execute(
            "DELETE FROM cell_claims WHERE worker_key = %s AND claim_key = ANY(%s)", (worker_key, sorted(keys))
        )

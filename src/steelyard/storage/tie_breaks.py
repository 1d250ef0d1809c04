"""Tie-breaks of runs: asked for, under way, paid, ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.actors import LOCAL, Actor, ActorKind
from steelyard.domain.errors import NotFound
from steelyard.domain.tie_breaks import TieBreakStatus
from steelyard.domain.waiting import Waiting
from steelyard.storage.database import Connection, clean, clean_json
from steelyard.storage.rows import record_row
from steelyard.storage.spending import mark_lost_of


@dataclass(frozen=True)
class TieBreakRow(Waiting):
    """One tie-break as stored. Money in microcents, spent beside the run's own.

    `models` are the tied set. `planned` counts its comparisons in both orders, None until it was begun; `done` those
    that are kept. `error_message` says why it ended without a result or, until it has ended, why a worker left it.
    """

    id: UUID
    benchmark_run_id: UUID
    models: Sequence[str]
    judge: str
    judge_digest: str
    requested_by: str | None
    status: str
    budget_microcents: int | None
    planned: int | None
    done: int
    calls: int
    spent_microcents: int
    spent_is_lower_bound: bool
    price_version: str | None
    price_date: date | None
    gate: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    started_by_kind: str = ActorKind.LOCAL
    started_by_id: UUID | None = None
    started_by_name: str = LOCAL.name

    @property
    def starter(self) -> Actor:
        """Who started it."""
        return Actor(ActorKind(self.started_by_kind), self.started_by_name, self.started_by_id)


@dataclass(frozen=True)
class TieBreakState:
    """What a worker must know of it after each commit."""

    status: str
    calls: int
    spent_microcents: int
    budget_microcents: int | None


_COLUMNS = """t.id, t.benchmark_run_id, t.models, t.judge, t.judge_digest, t.requested_by, t.status,
    t.budget_microcents, t.planned, t.done, t.calls, t.spent_microcents,
    t.spent_is_lower_bound OR (t.calling AND t.status NOT IN ('pending', 'running')) AS spent_is_lower_bound,
    t.price_version, t.price_date, t.gate, t.result, t.error_message, t.created_at, t.started_at, t.completed_at,
    t.started_by_kind, t.started_by_id, t.started_by_name"""


async def insert_tie_break(
    connection: Connection,
    tenant_id: UUID,
    *,
    run_id: UUID,
    models: Sequence[str],
    judge: str,
    judge_digest: str,
    budget_microcents: int | None,
    requested_by: str | None,
) -> UUID:
    """A pending tie-break; returns its id."""
    cursor = await connection.execute(
        """INSERT INTO tie_breaks (tenant_id, benchmark_run_id, models, judge, judge_digest, budget_microcents,
                                   requested_by)
           VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id""",
        (
            tenant_id,
            run_id,
            list(models),
            clean(judge),
            judge_digest,
            budget_microcents,
            requested_by and clean(requested_by),
        ),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row["id"]


async def find_tie_break(connection: Connection, tie_break_id: UUID) -> TieBreakRow | None:
    """One tie-break, or None where its skill has been deleted meanwhile."""
    async with connection.cursor(row_factory=record_row(TieBreakRow)) as cursor:
        await cursor.execute(f"SELECT {_COLUMNS} FROM tie_breaks t WHERE t.id = %s".encode(), (tie_break_id,))
        return await cursor.fetchone()


async def get_tie_break(connection: Connection, tie_break_id: UUID) -> TieBreakRow:
    """One tie-break. Raises NotFound."""
    row = await find_tie_break(connection, tie_break_id)
    if row is None:
        raise NotFound("No such tie-break.")
    return row


async def standing_tie_breaks(connection: Connection, run_id: UUID) -> list[TieBreakRow]:
    """Those of the run as it ended last, the first asked for first: what was asked before it was resumed is of another
    verdict."""
    async with connection.cursor(row_factory=record_row(TieBreakRow)) as cursor:
        await cursor.execute(
            f"""SELECT {_COLUMNS} FROM tie_breaks t
                  JOIN benchmark_runs r ON r.tenant_id = t.tenant_id AND r.id = t.benchmark_run_id
                 WHERE t.benchmark_run_id = %s AND t.created_at >= r.completed_at
                 ORDER BY t.created_at, t.id""".encode(),
            (run_id,),
        )
        return await cursor.fetchall()


IN_HAND = """EXISTS (SELECT FROM pg_locks
                      WHERE locktype = 'advisory' AND objsubid = 1
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        AND (classid::bigint << 32) | objid::bigint = hashtextextended('tie-break:' || r.id, 0))"""
"""Whether a worker has the tie-break `r` in hand."""


async def take_in_hand(session: Connection, tie_break_id: UUID) -> None:
    """Say that a worker that can break it is at it, until the session ends. Keeps nobody waiting: several may be."""
    await session.execute(
        "SELECT pg_advisory_lock_shared(hashtextextended('tie-break:' || %s::uuid, 0))", (tie_break_id,)
    )


async def is_in_hand(connection: Connection, tie_break_id: UUID) -> bool:
    """Whether a worker that can break it is at it."""
    cursor = await connection.execute(
        f"SELECT 1 FROM tie_breaks r WHERE r.id = %s AND {IN_HAND}".encode(), (tie_break_id,)
    )
    return await cursor.fetchone() is not None


async def try_hold(session: Connection, tenant_id: UUID, skill_id: UUID, judge_digest: str) -> bool:
    """Have this judge's comparisons on the skill to oneself until the session ends; False while another has them."""
    cursor = await session.execute(
        "SELECT pg_try_advisory_lock(hashtextextended(%s, 0)) AS held",
        (f"pairs:{tenant_id}:{skill_id}:{judge_digest}",),
    )
    row = await cursor.fetchone()
    return bool(row and row["held"])


async def unfinished_tie_breaks(connection: Connection) -> list[UUID]:
    """Tie-breaks some worker should be working on."""
    cursor = await connection.execute(
        "SELECT id FROM tie_breaks WHERE status IN ('pending', 'running') ORDER BY created_at"
    )
    return [row["id"] for row in await cursor.fetchall()]


async def start_tie_break(connection: Connection, tie_break_id: UUID) -> None:
    """pending -> running; one that was begun before keeps its first start."""
    await connection.execute(
        """UPDATE tie_breaks SET status = 'running', started_at = coalesce(started_at, now()), error_message = NULL
            WHERE id = %s AND status IN ('pending', 'running')""",
        (tie_break_id,),
    )


async def reopen_tie_break(connection: Connection, tie_break_id: UUID, budget_microcents: int | None) -> None:
    """One that has ended is to go on, with a new budget where one is given."""
    await connection.execute(
        """UPDATE tie_breaks SET status = 'pending', error_message = NULL, completed_at = NULL,
                  budget_microcents = coalesce(%s, budget_microcents) WHERE id = %s""",
        (budget_microcents, tie_break_id),
    )


async def note_progress(connection: Connection, tie_break_id: UUID, planned: int, done: int) -> None:
    """How many comparisons it comes to, and how many of them are kept.

    For the one worker that holds it: calls noted as out are then of one that is gone, and may have been paid for.
    """
    await mark_lost_of(connection, "tie_breaks", tie_break_id)
    await connection.execute(
        """UPDATE tie_breaks SET planned = %s, done = %s, spent_is_lower_bound = spent_is_lower_bound OR calling,
                  calling = false WHERE id = %s""",
        (planned, done, tie_break_id),
    )


async def note_calling(connection: Connection, tie_break_id: UUID, calling: bool) -> None:
    """Whether calls of it may be out, so that a worker that is killed leaves word of them."""
    await connection.execute("UPDATE tie_breaks SET calling = %s WHERE id = %s", (calling, tie_break_id))


async def tie_break_state(connection: Connection, tie_break_id: UUID) -> TieBreakState:
    """How it stands. Raises NotFound where its skill was deleted."""
    async with connection.cursor(row_factory=record_row(TieBreakState)) as cursor:
        await cursor.execute(
            "SELECT status, calls, spent_microcents, budget_microcents FROM tie_breaks WHERE id = %s", (tie_break_id,)
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such tie-break.")
    return row


async def add_call(
    connection: Connection,
    tie_break_id: UUID,
    microcents: int,
    *,
    known: bool,
    price_version: str | None,
    price_date: date | None,
) -> None:
    """Count one call and its cost on the tie-break it was made for."""
    await connection.execute(
        """UPDATE tie_breaks
              SET calls = calls + 1, spent_microcents = spent_microcents + %s,
                  spent_is_lower_bound = spent_is_lower_bound OR %s, price_version = coalesce(%s, price_version),
                  price_date = coalesce(%s, price_date)
            WHERE id = %s""",
        (microcents, not known, price_version, price_date, tie_break_id),
    )


async def count_done(connection: Connection, tie_break_id: UUID) -> None:
    """One more comparison is kept."""
    await connection.execute("UPDATE tie_breaks SET done = done + 1 WHERE id = %s", (tie_break_id,))


async def store_gate(connection: Connection, tie_break_id: UUID, gate: Mapping[str, Any]) -> None:
    """What its judge made of junk beside golden outputs."""
    await connection.execute("UPDATE tie_breaks SET gate = %s WHERE id = %s", (Jsonb(clean_json(gate)), tie_break_id))


async def end_tie_break(
    connection: Connection,
    tie_break_id: UUID,
    status: TieBreakStatus,
    *,
    message: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> bool:
    """End one that is under way; what was paid stays. False: it had ended."""
    cursor = await connection.execute(
        """UPDATE tie_breaks
              SET status = %s, error_message = %s, result = coalesce(%s, result), completed_at = now()
            WHERE id = %s AND status IN ('pending', 'running')""",
        (
            status.value,
            None if message is None else clean(message),
            None if result is None else Jsonb(clean_json(result)),
            tie_break_id,
        ),
    )
    return cursor.rowcount == 1

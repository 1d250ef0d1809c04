"""What reviews and drafts of cases have in common as rows: held by one worker, and each reply kept as it came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from steelyard.storage import served
from steelyard.storage.database import Connection, clean
from steelyard.storage.served import Awaited
from steelyard.storage.spending import mark_lost_of


@dataclass(frozen=True)
class PaidCall:
    """What one call took, with the reply where there is one. Money in microcents, None if unknown."""

    raw_reply: str | None
    stop_reason: str | None
    input_tokens: int
    output_tokens: int
    cost_microcents: int | None
    cost_known: bool
    price_version: str | None
    price_date: date | None
    latency_ms: float | None


@dataclass(frozen=True)
class PaidJobs:
    """The rows of one table that are jobs of one paid call or two, the name they are locked under, how they wait."""

    table: Literal["skill_reviews", "case_drafts"]
    lock: str
    awaited: Awaited

    async def hold(self, connection: Connection, job_id: UUID) -> None:
        """Wait until no other worker has this job in hand, then have it until the session ends."""
        await connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"{self.lock}:{job_id}",))

    async def unfinished(self, connection: Connection) -> list[UUID]:
        """Those that some worker should be working on."""
        cursor = await connection.execute(
            f"SELECT id FROM {self.table} WHERE status IN ('pending', 'running') ORDER BY created_at".encode()
        )
        return [row["id"] for row in await cursor.fetchall()]

    async def start(self, connection: Connection, job_id: UUID) -> None:
        """pending -> running; what was begun before keeps its first start.

        For the worker that holds it: a call noted as out is then of one that is gone, and may have been paid for.
        """
        await mark_lost_of(connection, self.table, job_id)
        await connection.execute(
            f"""UPDATE {self.table} SET status = 'running', started_at = coalesce(started_at, now()),
                       error_message = NULL, cost_is_lower_bound = cost_is_lower_bound OR calling, calling = false
                 WHERE id = %s AND status IN ('pending', 'running')""".encode(),
            (job_id,),
        )

    async def note_calling(self, connection: Connection, job_id: UUID, calling: bool) -> None:
        """Whether a call of it may be out, so that a worker that is killed leaves word of it."""
        await connection.execute(f"UPDATE {self.table} SET calling = %s WHERE id = %s".encode(), (calling, job_id))

    async def record_call(self, connection: Connection, job_id: UUID, call_key: UUID, call: PaidCall) -> bool:
        """Keep what a call gave and add what it took. False, and nothing done, for a key that is counted: a write told
        lost may be asked for again."""
        cursor = await connection.execute(
            f"""UPDATE {self.table}
                   SET raw_reply = coalesce(%s, raw_reply), stop_reason = coalesce(%s, stop_reason), calls = calls + 1,
                       input_tokens = input_tokens + %s, output_tokens = output_tokens + %s,
                       cost_microcents = cost_microcents + %s, cost_is_lower_bound = cost_is_lower_bound OR %s,
                       price_version = coalesce(%s, price_version), price_date = coalesce(%s, price_date),
                       latency_ms = coalesce(%s, latency_ms), call_keys = call_keys || %s, calling = false
                 WHERE id = %s AND NOT %s = ANY (call_keys)""".encode(),
            (
                None if call.raw_reply is None else clean(call.raw_reply),
                call.stop_reason,
                call.input_tokens,
                call.output_tokens,
                call.cost_microcents or 0,
                not call.cost_known,
                call.price_version,
                call.price_date,
                call.latency_ms,
                [call_key],
                job_id,
                call_key,
            ),
        )
        return cursor.rowcount == 1

    async def fail(self, connection: Connection, job_id: UUID, message: str) -> None:
        """End it without a result; a reply that was paid for stays."""
        await connection.execute(
            f"""UPDATE {self.table} SET status = 'failed', error_message = %s, completed_at = now()
                 WHERE id = %s""".encode(),
            (clean(message), job_id),
        )


REVIEWS = PaidJobs("skill_reviews", "review", served.REVIEWS)
DRAFTS = PaidJobs("case_drafts", "drafts", served.DRAFTS)

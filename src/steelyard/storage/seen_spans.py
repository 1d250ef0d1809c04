"""Model calls that came as spans: which were counted, and which spans only wrap a counted one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from steelyard.intake.otlp import Link, Marks
from steelyard.storage.database import Connection


async def claim_calls(connection: Connection, tenant_id: UUID, calls: Sequence[Marks]) -> set[UUID]:
    """Which of these calls were not counted before, by digest; they are from now on, if the transaction commits.

    A call is known where its own digest was counted, where a span above it was, or where its span is above a counted
    call. Of two transactions at once the second waits for the first.
    """
    counted = {digest for call in calls for digest in (call.call, call.span)}
    above = {digest for call in calls for digest in call.above} - counted
    mine = await _insert(connection, tenant_id, counted, above)
    before = counted - mine
    barred = await _counted(connection, above - mine)
    return {
        call.call
        for call in calls
        if call.call not in before and call.span not in before and barred.isdisjoint(call.above)
    }


async def follow_links(connection: Connection, tenant_id: UUID, links: Sequence[Link]) -> None:
    """Note the spans above those that are known to be above a counted call: so the chain grows over requests."""
    cursor = await connection.execute(
        "SELECT digest FROM seen_spans WHERE digest = ANY(%s) AND NOT counted", ([link.span for link in links],)
    )
    known = {row["digest"] for row in await cursor.fetchall()}
    above = {digest for link in links if link.span in known for digest in link.above}
    if above:
        await _insert(connection, tenant_id, (), above)


async def forget_spans(connection: Connection, before: date) -> int:
    """Drop what came before that UTC day; returns how much."""
    return (await connection.execute("DELETE FROM seen_spans WHERE day < %s", (before,))).rowcount


async def _insert(connection: Connection, tenant_id: UUID, counted: Iterable[UUID], above: Iterable[UUID]) -> set[UUID]:
    """Those that were not there. In the order of their key, so that two batches wait instead of locking each other."""
    rows = sorted([*((digest, True) for digest in counted), *((digest, False) for digest in above)])
    cursor = await connection.execute(
        """INSERT INTO seen_spans (tenant_id, digest, counted)
           SELECT %s, * FROM unnest(%s::uuid[], %s::boolean[]) ON CONFLICT DO NOTHING RETURNING digest""",
        (tenant_id, [digest for digest, _ in rows], [flag for _, flag in rows]),
    )
    return {row["digest"] for row in await cursor.fetchall()}


async def _counted(connection: Connection, digests: Iterable[UUID]) -> set[UUID]:
    cursor = await connection.execute(
        "SELECT digest FROM seen_spans WHERE digest = ANY(%s) AND counted", (list(digests),)
    )
    return {row["digest"] for row in await cursor.fetchall()}

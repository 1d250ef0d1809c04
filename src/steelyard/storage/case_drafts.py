"""Drafts of golden cases that a model was asked for: queued, running, answered, read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from steelyard.domain.actors import LOCAL, Actor, ActorKind
from steelyard.domain.errors import NotFound
from steelyard.domain.waiting import Waiting
from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class DraftsRow(Waiting):
    """What was asked for and what came of it. Money in microcents; `cost_is_lower_bound` where a price is not known.

    Of the cases in the reply `kept` are pending now, `doubles` say nearly what another case says, `unusable` are none.
    `error_message` says why it failed or, while it has not ended, why a worker could not make it and left it to others.
    """

    id: UUID
    skill_id: UUID
    skill_version_id: UUID
    model: str
    protocol: str
    requested_by: str
    wanted: int
    budget_microcents: int | None
    status: str
    calls: int
    raw_reply: str | None
    stop_reason: str | None
    kept: int
    doubles: int
    unusable: int
    error_message: str | None
    input_tokens: int
    output_tokens: int
    cost_microcents: int
    cost_is_lower_bound: bool
    price_date: date | None
    latency_ms: float | None
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


_ROW = """SELECT id, skill_id, skill_version_id, model, protocol, requested_by, wanted, budget_microcents, status,
                 calls, raw_reply, stop_reason, kept, doubles, unusable, error_message, input_tokens, output_tokens,
                 cost_microcents, cost_is_lower_bound, price_date, latency_ms, created_at, started_at, completed_at,
                 started_by_kind, started_by_id, started_by_name
            FROM case_drafts"""


async def insert_drafts(
    connection: Connection,
    tenant_id: UUID,
    *,
    skill_id: UUID,
    skill_version_id: UUID,
    model: str,
    protocol: str,
    requested_by: str,
    wanted: int,
    budget_microcents: int | None,
) -> UUID:
    """Drafts to be made; returns their id."""
    cursor = await connection.execute(
        """INSERT INTO case_drafts (tenant_id, skill_id, skill_version_id, model, protocol, requested_by, wanted,
                                    budget_microcents)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id""",
        (
            tenant_id,
            skill_id,
            skill_version_id,
            clean(model),
            protocol,
            clean(requested_by),
            wanted,
            budget_microcents,
        ),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row["id"]


async def find_drafts(connection: Connection, draft_id: UUID) -> DraftsRow | None:
    """One, or None where its skill has been deleted meanwhile."""
    async with connection.cursor(row_factory=record_row(DraftsRow)) as cursor:
        await cursor.execute((_ROW + " WHERE id = %s").encode(), (draft_id,))
        return await cursor.fetchone()


async def get_drafts(connection: Connection, draft_id: UUID) -> DraftsRow:
    """One. Raises NotFound."""
    row = await find_drafts(connection, draft_id)
    if row is None:
        raise NotFound("No such drafts.")
    return row


async def list_drafts(
    connection: Connection, skill_id: UUID, *, limit: int, before: tuple[datetime, UUID] | None = None
) -> list[DraftsRow]:
    """The newest first, from after those asked for `before` with that id on."""
    moment, draft_id = before or (None, None)
    async with connection.cursor(row_factory=record_row(DraftsRow)) as cursor:
        await cursor.execute(
            (
                _ROW
                + """ WHERE skill_id = %s AND (%s::timestamptz IS NULL
                             OR (created_at, id) < (%s::timestamptz, %s::uuid))
                      ORDER BY created_at DESC, id DESC LIMIT %s"""
            ).encode(),
            (skill_id, moment, moment, draft_id, limit),
        )
        return await cursor.fetchall()


async def open_drafts(connection: Connection, skill_id: UUID, model: str) -> UUID | None:
    """Drafts of that skill's cases by that model that wait or are under way."""
    cursor = await connection.execute(
        """SELECT id FROM case_drafts WHERE skill_id = %s AND model = %s AND status IN ('pending', 'running')
            ORDER BY created_at LIMIT 1""",
        (skill_id, clean(model)),
    )
    row = await cursor.fetchone()
    return None if row is None else row["id"]


async def complete_drafts(connection: Connection, draft_id: UUID, *, kept: int, doubles: int, unusable: int) -> None:
    """Say what came of the reply, in the transaction that keeps its cases."""
    await connection.execute(
        """UPDATE case_drafts SET status = 'completed', kept = %s, doubles = %s, unusable = %s, error_message = NULL,
                                  completed_at = now()
            WHERE id = %s""",
        (kept, doubles, unusable, draft_id),
    )


async def inputs_of_users(connection: Connection, skill_id: UUID, *, limit: int, length: int) -> list[str]:
    """The inputs that feedback on the skill gives, the newest first, each once and cut to `length` characters."""
    cursor = await connection.execute(
        """SELECT input FROM (SELECT left(example_input, %s) AS input, max(created_at) AS at FROM skill_feedback
                               WHERE skill_id = %s AND example_input ~ '\\S' GROUP BY 1) told
            ORDER BY at DESC LIMIT %s""",
        (length, skill_id, limit),
    )
    return [row["input"] for row in await cursor.fetchall()]


async def known_inputs(connection: Connection, skill_id: UUID) -> list[str]:
    """The inputs of the skill's cases, whatever their status, retired ones left out, the newest first."""
    cursor = await connection.execute(
        """SELECT left(input, 20000) AS input FROM golden_cases
            WHERE skill_id = %s AND retired_at IS NULL AND source <> 'ad_hoc'
            ORDER BY created_at DESC, id LIMIT 3000""",
        (skill_id,),
    )
    return [row["input"] for row in await cursor.fetchall()]

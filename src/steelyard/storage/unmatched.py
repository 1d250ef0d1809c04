"""Uses of skills that are not here, kept until a skill of that name is added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef
from steelyard.domain.usage import Measurement
from steelyard.storage.database import Connection, clean, clean_json
from steelyard.storage.rows import record_row
from steelyard.storage.usage import kept_from, record_measurements


@dataclass(frozen=True)
class UnmatchedSkill:
    """The uses under a name that no skill has."""

    skill_name: str
    uses: int
    first_at: datetime
    last_at: datetime


async def keep_unmatched(connection: Connection, tenant_id: UUID, uses: Sequence[tuple[str, Measurement]]) -> int:
    """Keep (skill name, use) pairs; returns how many were new. The skill a use names by id counts for nothing here."""
    cursor = await connection.execute(
        """INSERT INTO unmatched_uses (tenant_id, id, skill_name, measured_at, use)
           SELECT %s, * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::jsonb[])
           ON CONFLICT DO NOTHING""",
        (
            tenant_id,
            [use.id for _, use in uses],
            [clean(name) for name, _ in uses],
            [use.measured_at for _, use in uses],
            [Jsonb(clean_json(_written(use))) for _, use in uses],
        ),
    )
    return cursor.rowcount


async def adopt(connection: Connection, tenant_id: UUID, skill_id: UUID, name: str) -> int:
    """Count the uses under the skill's name as its own; returns how many. Their months' partitions are there.

    Those of a time of which no uses are kept any more go.
    """
    line = await kept_from(connection)
    cursor = await connection.execute(
        "DELETE FROM unmatched_uses WHERE skill_name = %s RETURNING id, measured_at, use", (clean(name),)
    )
    found = [
        _read(skill_id, row["id"], row["measured_at"], row["use"])
        for row in await cursor.fetchall()
        if line is None or row["measured_at"].astimezone(UTC).date() >= line
    ]
    return await record_measurements(connection, tenant_id, found) if found else 0


async def list_unmatched(connection: Connection, limit: int) -> list[UnmatchedSkill]:
    """The names with the most uses first."""
    async with connection.cursor(row_factory=record_row(UnmatchedSkill)) as cursor:
        await cursor.execute(
            """SELECT skill_name, count(*)::int AS uses, min(measured_at) AS first_at, max(measured_at) AS last_at
                 FROM unmatched_uses GROUP BY skill_name ORDER BY uses DESC, skill_name LIMIT %s""",
            (limit,),
        )
        return await cursor.fetchall()


def _written(use: Measurement) -> dict[str, Any]:
    return {
        "model": use.model.text,
        "tokens": [
            use.usage.input_tokens,
            use.usage.output_tokens,
            use.usage.cache_read_tokens,
            use.usage.cache_write_tokens,
            use.usage.reasoning_tokens,
        ],
        "cost_microcents": use.cost_microcents,
        "price_version": use.price_version,
        "price_date": None if use.price_date is None else use.price_date.isoformat(),
        "latency_ms": use.latency_ms,
        "source": use.source,
    }


def _read(skill_id: UUID, use_id: UUID, measured_at: datetime, use: dict[str, Any]) -> Measurement:
    return Measurement(
        skill_id,
        measured_at,
        ModelRef.parse(use["model"]),
        Usage(*use["tokens"]),
        cost_microcents=use["cost_microcents"],
        price_version=use["price_version"],
        price_date=None if use["price_date"] is None else date.fromisoformat(use["price_date"]),
        latency_ms=use["latency_ms"],
        source=use["source"],
        id=use_id,
    )

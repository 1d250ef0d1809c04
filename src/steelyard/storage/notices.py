"""Causes that were found against benchmarks, each told of once from when it came until it is gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class FoundRow:
    """A cause as a check found it."""

    skill_id: UUID
    cause: str
    run_id: UUID
    evidence: str
    since: datetime


@dataclass(frozen=True)
class OpenNotice:
    """A cause that was there at the last check. `rebenchmark_*` are of the run that was begun because of it, if any."""

    skill_id: UUID
    skill_name: str
    cause: str
    since: datetime
    found_at: datetime
    rebenchmark_run_id: UUID | None
    rebenchmark_whole: bool
    rebenchmark_at: datetime | None


async def open_notices(connection: Connection) -> list[OpenNotice]:
    """Of all skills, by name. `rebenchmark_whole`: that run was completed on every cell."""
    async with connection.cursor(row_factory=record_row(OpenNotice)) as cursor:
        await cursor.execute(
            """SELECT n.skill_id, s.name AS skill_name, n.cause, n.since, n.found_at, r.id AS rebenchmark_run_id,
                      coalesce(r.status = 'completed' AND NOT r.partial, false) AS rebenchmark_whole,
                      r.created_at AS rebenchmark_at
                 FROM notices n JOIN skills s ON s.tenant_id = n.tenant_id AND s.id = n.skill_id
                 LEFT JOIN benchmark_runs r ON r.tenant_id = n.tenant_id AND r.id = n.rebenchmark_run_id
                WHERE n.gone_at IS NULL ORDER BY s.name, n.skill_id, n.cause"""
        )
        return await cursor.fetchall()


async def keep_found(
    connection: Connection, tenant_id: UUID, found: Sequence[FoundRow], unchecked: Collection[UUID], now: datetime
) -> set[tuple[UUID, str]]:
    """Note what a check of all skills found; returns (skill, cause) of what was not there at the one before.

    What it did not find is gone, but for skills it could not check. A cause that came about anew since it was last
    seen, against another run, had gone in between.
    """
    arrays: Mapping[str, object] = {
        "tenant": tenant_id,
        "now": now,
        "unchecked": list(unchecked),
        "skills": [one.skill_id for one in found],
        "causes": [one.cause for one in found],
        "runs": [one.run_id for one in found],
        "evidence": [clean(one.evidence) for one in found],
        "since": [one.since for one in found],
    }
    rows = """unnest(%(skills)s::uuid[], %(causes)s::text[], %(runs)s::uuid[], %(evidence)s::text[],
                     %(since)s::timestamptz[]) AS f (skill_id, cause, run_id, evidence, since)"""
    await connection.execute(
        f"""UPDATE notices n SET gone_at = %(now)s
             WHERE gone_at IS NULL AND skill_id <> ALL(%(unchecked)s::uuid[])
               AND NOT EXISTS (SELECT 1 FROM {rows} WHERE f.skill_id = n.skill_id AND f.cause = n.cause
                                  AND (f.run_id = n.run_id OR f.since <= n.seen_at))""".encode(),
        arrays,
    )
    # A skill deleted since it was checked has nothing to be told of.
    cursor = await connection.execute(
        f"""INSERT INTO notices (tenant_id, skill_id, cause, run_id, evidence, since, found_at, seen_at)
            SELECT %(tenant)s, f.skill_id, f.cause, f.run_id, f.evidence, f.since, %(now)s, %(now)s
              FROM {rows} JOIN skills s ON s.id = f.skill_id
                ON CONFLICT (tenant_id, skill_id, cause) WHERE gone_at IS NULL
                DO UPDATE SET run_id = excluded.run_id, evidence = excluded.evidence, since = excluded.since,
                              seen_at = excluded.seen_at
            RETURNING skill_id, cause, (xmax = 0) AS new""".encode(),
        arrays,
    )
    return {(row["skill_id"], row["cause"]) for row in await cursor.fetchall() if row["new"]}


async def note_rebenchmark(connection: Connection, skill_id: UUID, causes: Collection[str], run_id: UUID) -> None:
    """A run was begun because of these."""
    await connection.execute(
        """UPDATE notices SET rebenchmark_run_id = %s
            WHERE skill_id = %s AND cause = ANY(%s) AND gone_at IS NULL""",
        (run_id, skill_id, list(causes)),
    )


async def forget_gone(connection: Connection, before: datetime) -> int:
    """Drop notices of causes that were gone before; returns how many."""
    return (await connection.execute("DELETE FROM notices WHERE gone_at < %s", (before,))).rowcount

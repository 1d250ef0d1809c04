"""Which golden cases were passed, by run and model: what the health of a skill's cases is worked out from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row
from steelyard.storage.run_counts import ZERO_SCORING

_PASSED = "CASE WHEN state <> 'failed' THEN passed WHEN failure_kind = ANY(%(zero)s) THEN false END"


@dataclass(frozen=True)
class RecordedRun:
    """A completed run of record; `planned` counts its cells."""

    id: UUID
    skill_version_id: UUID
    skill_digest: str
    planned: int


@dataclass(frozen=True)
class CaseOutcome:
    """One model on one case in one run with the skill: `passed` of the `told` trials passed."""

    benchmark_run_id: UUID
    model_name: str
    case_id: UUID
    told: int
    passed: int


async def recorded_runs(
    connection: Connection, skill_id: UUID, version_id: UUID | None, limit: int
) -> list[RecordedRun]:
    """The skill's completed runs of record, of that version where given, the newest first."""
    async with connection.cursor(row_factory=record_row(RecordedRun)) as cursor:
        await cursor.execute(
            """SELECT r.id, r.skill_version_id, v.digest AS skill_digest, r.planned FROM benchmark_runs r
                 JOIN skill_versions v ON v.tenant_id = r.tenant_id AND v.id = r.skill_version_id
                WHERE r.skill_id = %(skill)s AND r.of_record AND r.status = 'completed' AND r.headline_model IS NOT NULL
                  AND (%(version)s::uuid IS NULL OR r.skill_version_id = %(version)s)
                ORDER BY r.completed_at DESC, r.id LIMIT %(limit)s""",
            {"skill": skill_id, "version": version_id, "limit": limit},
        )
        return await cursor.fetchall()


async def case_outcomes(connection: Connection, run_ids: Sequence[UUID]) -> list[CaseOutcome]:
    """Every model's outcome on every case of those runs with the skill; what cannot be told is left out."""
    async with connection.cursor(row_factory=record_row(CaseOutcome)) as cursor:
        await cursor.execute(
            f"""SELECT benchmark_run_id, model_name, case_id, count({_PASSED})::int AS told,
                       count(*) FILTER (WHERE {_PASSED})::int AS passed
                  FROM benchmark_results
                 WHERE benchmark_run_id = ANY(%(runs)s) AND arm = 'with_skill'
                 GROUP BY 1, 2, 3 HAVING count({_PASSED}) > 0""".encode(),
            {"runs": list(run_ids), "zero": ZERO_SCORING},
        )
        return await cursor.fetchall()

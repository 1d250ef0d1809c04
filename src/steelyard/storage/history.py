"""The runs of a skill as lists and charts need them: without plans, and of verdicts only what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from steelyard.domain.waiting import Waiting
from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class HistoryRow(Waiting):
    """One run of a skill in one line. Quality 0-100, money in microcents; what is not known yet is None.

    The headline is the model the verdict is about: the best, else the leading one, else the highest observed.
    `judge_marked`: its judge was accepted although it did not pass its examination.
    """

    id: UUID
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    status: str
    stop_cause: str | None
    partial: bool
    of_record: bool
    fresh: bool
    triggered_by: str
    models: int
    cases: int
    planned: int
    judge: str | None
    judge_digest: str | None
    skill_digest: str
    spent_microcents: int
    spent_is_lower_bound: bool
    budget_microcents: int | None
    verdict_kind: str | None
    headline_model: str | None
    headline_quality: float | None
    headline_quality_low: float | None
    headline_quality_high: float | None
    headline_cost_microcents: int | None
    judge_marked: bool
    skill_name: str


@dataclass(frozen=True)
class QualityRow:
    """One model's quality in one run, in the arm the run compares."""

    run_id: UUID
    at: datetime
    skill_digest: str
    judge_digest: str | None
    model: str
    headline: bool
    n: int
    quality: float
    quality_low: float | None
    quality_high: float | None
    pass_rate: float | None
    avg_cost_microcents: int | None


async def runs_of_skill(
    connection: Connection,
    skill_id: UUID | None,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
    of_record: bool,
) -> list[HistoryRow]:
    """Newest first, from after the run created at `before` with that id on; with `of_record` only such runs.

    Without a skill those of all.
    """
    moment, run_id = before or (None, None)
    of_skill = "true" if skill_id is None else "skill_id = %(skill)s"
    async with connection.cursor(row_factory=record_row(HistoryRow)) as cursor:
        await cursor.execute(
            f"""SELECT r.id, r.created_at, r.started_at, r.completed_at, r.status, r.stop_cause, r.partial, r.of_record,
                      r.fresh, r.triggered_by, cardinality(r.models) AS models,
                      jsonb_array_length(r.plan -> 'case_ids') AS cases, r.planned, r.judge, r.judge_digest,
                      v.digest AS skill_digest, r.spent_microcents, r.spent_is_lower_bound, r.budget_microcents,
                      r.verdict_kind, r.headline_model, r.headline_quality, r.headline_quality_low,
                      r.headline_quality_high, r.headline_cost_microcents,
                      r.accept_judge AND coalesce(r.examination @? '$.**.findings[*] ? (@.passed == false)', false)
                          AS judge_marked,
                      s.name AS skill_name
                 FROM (SELECT * FROM benchmark_runs
                        WHERE {of_skill} AND (NOT %(record)s OR of_record)
                          AND (%(moment)s::timestamptz IS NULL
                               OR (created_at, id) < (%(moment)s::timestamptz, %(id)s::uuid))
                        ORDER BY created_at DESC, id DESC LIMIT %(limit)s) r
                 JOIN skill_versions v ON v.tenant_id = r.tenant_id AND v.id = r.skill_version_id
                 JOIN skills s ON s.tenant_id = r.tenant_id AND s.id = r.skill_id
                ORDER BY r.created_at DESC, r.id DESC""".encode(),
            {"skill": skill_id, "record": of_record, "moment": moment, "id": run_id, "limit": limit},
        )
        return await cursor.fetchall()


async def count_runs(connection: Connection, skill_id: UUID | None, *, of_record: bool) -> int:
    """How many runs the skill has; without one, how many there are of all."""
    of_skill = "true" if skill_id is None else "skill_id = %(skill)s"
    cursor = await connection.execute(
        f"""SELECT count(*)::int AS count FROM benchmark_runs
             WHERE {of_skill} AND (NOT %(record)s OR of_record)""".encode(),
        {"skill": skill_id, "record": of_record},
    )
    row = await cursor.fetchone()
    return row["count"] if row else 0


async def some_to_compare(connection: Connection, skill_id: UUID) -> bool:
    """Whether two runs of the skill have ended."""
    cursor = await connection.execute(
        """SELECT count(*) = 2 AS two
             FROM (SELECT FROM benchmark_runs
                    WHERE skill_id = %s AND status NOT IN ('pending', 'running') LIMIT 2) ended""",
        (skill_id,),
    )
    row = await cursor.fetchone()
    return bool(row and row["two"])


async def quality_history(connection: Connection, skill_id: UUID, *, since: datetime, limit: int) -> list[QualityRow]:
    """Every model's quality in the newest completed runs of record, oldest run first."""
    async with connection.cursor(row_factory=record_row(QualityRow)) as cursor:
        await cursor.execute(
            """SELECT r.id AS run_id, r.completed_at AS at, v.digest AS skill_digest, r.judge_digest,
                      one ->> 'model' AS model, coalesce(one ->> 'model' = r.headline_model, false) AS headline,
                      (one ->> 'n')::int AS n, (one ->> 'quality')::float8 AS quality,
                      (one ->> 'quality_low')::float8 AS quality_low, (one ->> 'quality_high')::float8 AS quality_high,
                      (one ->> 'pass_rate')::float8 AS pass_rate,
                      (one ->> 'avg_cost_microcents')::bigint AS avg_cost_microcents
                 FROM (SELECT * FROM benchmark_runs
                        WHERE skill_id = %(skill)s AND of_record AND status = 'completed' AND headline_model IS NOT NULL
                          AND completed_at >= %(since)s
                        ORDER BY completed_at DESC, id LIMIT %(limit)s) r
                 JOIN skill_versions v ON v.tenant_id = r.tenant_id AND v.id = r.skill_version_id
                CROSS JOIN LATERAL jsonb_array_elements(r.verdict -> 'summaries') AS one
                WHERE one ->> 'arm' = r.verdict ->> 'arm' AND one ->> 'quality' IS NOT NULL
                ORDER BY r.completed_at, r.id, one ->> 'model'""",
            {"skill": skill_id, "since": since, "limit": limit},
        )
        return await cursor.fetchall()


async def last_of_record(connection: Connection, skill_id: UUID) -> UUID | None:
    """The skill's benchmark: the last whole run of record; the last partial one only where none is whole."""
    cursor = await connection.execute(
        """SELECT id FROM benchmark_runs WHERE skill_id = %s AND of_record AND status = 'completed'
              AND headline_model IS NOT NULL
            ORDER BY partial, completed_at DESC, id LIMIT 1""",
        (skill_id,),
    )
    row = await cursor.fetchone()
    return None if row is None else row["id"]

"""The results of one case in a run: figures first, texts cut at a length, judgements, and one whole output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from steelyard.domain.errors import NotFound
from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class CaseResultRow:
    """One stored cell without its output; `output_bytes` is how long that is. Money in microcents."""

    id: UUID
    model_name: str
    arm: str
    trial: int
    state: str
    attempt: int
    reused_from: UUID | None
    output_bytes: int | None
    grading_digest: str
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    latency_ms: float | None
    ttft_ms: float | None
    stop_reason: str | None
    effective_settings: Mapping[str, Any]
    estimated_cost_microcents: int | None
    wasted_cost_microcents: int
    judge_cost_microcents: int
    price_version: str | None
    price_date: date | None
    quality_score: float | None
    passed: bool | None
    quality_notes: str | None
    matches_expected: bool | None
    checks: Sequence[Mapping[str, Any]]
    failure_kind: str | None
    error_message: str | None
    created_at: datetime
    graded_at: datetime | None


@dataclass(frozen=True)
class JudgementRow:
    """One judge's grading of one output, as stored."""

    benchmark_result_id: UUID
    judge: str
    judge_digest: str
    grading_digest: str
    quality: float
    criteria: Sequence[Mapping[str, Any]]
    differences_from_expected: str
    matches_expected: str
    notes: str
    flags: Sequence[str]
    input_tokens: int
    output_tokens: int
    calls: int
    cost_microcents: int | None
    created_at: datetime
    jury_grading_digest: str | None = None


async def case_results(
    connection: Connection, run_id: UUID, case_index: int, models: Sequence[str]
) -> list[CaseResultRow]:
    """The stored cells of those models on one case, by model, arm and trial."""
    async with connection.cursor(row_factory=record_row(CaseResultRow)) as cursor:
        await cursor.execute(
            """SELECT id, model_name, arm, trial, state, attempt, reused_from,
                      octet_length(output_produced) AS output_bytes, grading_digest, input_tokens, output_tokens,
                      total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, latency_ms, ttft_ms,
                      stop_reason, effective_settings, estimated_cost_microcents, wasted_cost_microcents,
                      judge_cost_microcents, price_version, price_date, quality_score, passed, quality_notes,
                      matches_expected, checks, failure_kind, error_message, created_at, graded_at
                 FROM benchmark_results
                WHERE benchmark_run_id = %s AND test_case_index = %s AND model_name = ANY(%s)
                ORDER BY model_name, arm, trial""",
            (run_id, case_index, list(models)),
        )
        return await cursor.fetchall()


async def output_starts(connection: Connection, ids: Sequence[UUID], length: int) -> dict[UUID, str]:
    """The first `length` characters of those results' outputs."""
    cursor = await connection.execute(
        """SELECT id, left(output_produced, %s) AS start FROM benchmark_results
            WHERE id = ANY(%s) AND output_produced IS NOT NULL""",
        (length, list(ids)),
    )
    return {row["id"]: row["start"] for row in await cursor.fetchall()}


async def whole_output(connection: Connection, run_id: UUID, result_id: UUID) -> str:
    """All of one output. Raises NotFound, also when the cell has none."""
    cursor = await connection.execute(
        "SELECT output_produced FROM benchmark_results WHERE id = %s AND benchmark_run_id = %s", (result_id, run_id)
    )
    row = await cursor.fetchone()
    if row is None or row["output_produced"] is None:
        raise NotFound("This run has no such output.")
    return row["output_produced"]


async def judgements_of(connection: Connection, ids: Sequence[UUID]) -> list[JudgementRow]:
    """Every judgement of those results, oldest first."""
    async with connection.cursor(row_factory=record_row(JudgementRow)) as cursor:
        await cursor.execute(
            """SELECT benchmark_result_id, judge, judge_digest, grading_digest, quality, criteria,
                      differences_from_expected, matches_expected, notes, flags, input_tokens, output_tokens, calls,
                      cost_microcents, created_at, jury_grading_digest
                 FROM judgements WHERE benchmark_result_id = ANY(%s) ORDER BY created_at, judge_digest""",
            (list(ids),),
        )
        return await cursor.fetchall()


@dataclass(frozen=True)
class JudgementCounts:
    """The judgements that a run's grades rest on, and how many of them have a flag."""

    judgements: int
    flagged: int


@dataclass(frozen=True)
class RepeatFigures:
    """Outputs that came out alike on one case and were judged each by itself: distinct `texts` of `outputs` in all.

    The spreads are between the highest and the lowest grade of one text, in points; None where `texts` is 0.
    """

    texts: int
    outputs: int
    mean_spread: float | None
    most_spread: float | None


async def judgement_repeats(connection: Connection, run_id: UUID, judge_digest: str | None = None) -> RepeatFigures:
    """How far apart the grades that one judge gave one and the same output are in a run; of a jury name the judge."""
    async with connection.cursor(row_factory=record_row(RepeatFigures)) as cursor:
        await cursor.execute(
            """SELECT count(*)::int AS texts, coalesce(sum(judged), 0)::int AS outputs, avg(spread) AS mean_spread,
                      max(spread) AS most_spread
                 FROM (SELECT count(*) AS judged, max(j.quality) - min(j.quality) AS spread
                         FROM benchmark_results b
                         JOIN judgements j ON j.tenant_id = b.tenant_id AND j.benchmark_result_id = b.id
                                          AND (j.grading_digest = b.grading_digest AND %(judge)s::text IS NULL
                                               OR j.jury_grading_digest = b.grading_digest
                                                  AND j.judge_digest = %(judge)s)
                        WHERE b.benchmark_run_id = %(run)s
                        GROUP BY b.test_case_index, md5(b.output_produced)
                       HAVING count(*) > 1) alike""",
            {"run": run_id, "judge": judge_digest},
        )
        row = await cursor.fetchone()
    assert row is not None
    return row


async def judgement_counts(connection: Connection, run_id: UUID, flag: str) -> JudgementCounts:
    """Those of another judge or of another wording of the case, which were kept, are not counted."""
    async with connection.cursor(row_factory=record_row(JudgementCounts)) as cursor:
        await cursor.execute(
            """SELECT count(*)::int AS judgements, count(*) FILTER (WHERE %s = ANY(j.flags))::int AS flagged
                 FROM benchmark_results b
                 JOIN judgements j ON j.tenant_id = b.tenant_id AND j.benchmark_result_id = b.id
                                  AND coalesce(j.jury_grading_digest, j.grading_digest) = b.grading_digest
                WHERE b.benchmark_run_id = %s""",
            (flag, run_id),
        )
        row = await cursor.fetchone()
    assert row is not None
    return row

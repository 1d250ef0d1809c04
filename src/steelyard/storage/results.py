"""Benchmark results, the checkpoint of a run: answers and grades written in groups, and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.errors import NotFound
from steelyard.domain.grading import Judgement
from steelyard.storage.database import Connection, clean, clean_json
from steelyard.storage.judgements import COPY_JUDGEMENT, INSERT_JUDGEMENT, judgement_values
from steelyard.storage.rows import record_row

ENDED = "(NOT again AND (state = 'failed' OR graded_at IS NOT NULL))"
"""Whether a cell has come to its end: graded or failed, and not to be done again by a run that was taken up again."""


@dataclass(frozen=True)
class AnswerWrite:
    """One cell's answer or failure, as it is to be committed. Column names are those of the table."""

    id: UUID
    model_name: str
    model_provider: str
    arm: str
    trial: int
    test_case_index: int
    case_id: UUID
    cell_digest: str
    grading_digest: str
    state: str
    input_used: str
    output_produced: str | None
    expected_output: str
    attempt: int = 1
    reused_from: UUID | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    stop_reason: str | None = None
    effective_settings: Mapping[str, Any] | None = None
    estimated_cost_microcents: int | None = None
    wasted_cost_microcents: int = 0
    price_version: str | None = None
    price_date: date | None = None
    failure_kind: str | None = None
    error_message: str | None = None


@dataclass(frozen=True)
class GradeWrite:
    """One cell's grade. `judgement` is None for checks, for a failed judge, and for a copied grade."""

    result_id: UUID
    grading_digest: str
    state: str
    quality_score: float | None = None
    passed: bool | None = None
    quality_notes: str = ""
    matches_expected: bool | None = None
    checks: Sequence[Mapping[str, Any]] = ()
    judge_cost_microcents: int = 0
    judge_cost_known: bool = True
    failure_kind: str | None = None
    error_message: str | None = None
    judgement: Judgement | None = None
    copied_from: UUID | None = None


@dataclass(frozen=True)
class RunState:
    """What a worker must know of the run after each commit."""

    status: str
    spent_microcents: int
    spent_is_lower_bound: bool
    budget_microcents: int | None


@dataclass(frozen=True)
class StoredCell:
    """A row of this run (`own`) or one of another run that can be reused."""

    id: UUID
    cell_digest: str
    grading_digest: str
    state: str
    graded: bool
    failure_kind: str | None
    error_message: str | None
    attempt: int
    output_produced: str | None
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
    price_version: str | None
    price_date: date | None
    quality_score: float | None
    passed: bool | None
    quality_notes: str | None
    matches_expected: bool | None
    checks: Sequence[Mapping[str, Any]]


_STORED = """id, cell_digest, grading_digest, state, graded_at IS NOT NULL AS graded, failure_kind, error_message,
    attempt, output_produced, input_tokens, output_tokens, total_tokens, cache_read_tokens, cache_write_tokens,
    reasoning_tokens, latency_ms, ttft_ms, stop_reason, effective_settings, estimated_cost_microcents, price_version,
    price_date, quality_score, passed, quality_notes, matches_expected, checks"""


async def own_cells(connection: Connection, run_id: UUID, digests: Sequence[str]) -> dict[str, StoredCell]:
    """What this run has of those cells already."""
    async with connection.cursor(row_factory=record_row(StoredCell)) as cursor:
        await cursor.execute(
            f"SELECT {_STORED} FROM benchmark_results WHERE benchmark_run_id = %s AND cell_digest = ANY(%s)".encode(),
            (run_id, list(digests)),
        )
        return {row.cell_digest: row for row in await cursor.fetchall()}


async def reusable_cells(
    connection: Connection, run_id: UUID, digests: Sequence[str], gradings: Sequence[str]
) -> dict[str, StoredCell]:
    """For each cell the best paid answer of any other run: graded the same way first, then the newest.

    `gradings[i]` is the grading wanted for `digests[i]`.
    """
    async with connection.cursor(row_factory=record_row(StoredCell)) as cursor:
        await cursor.execute(
            f"""SELECT DISTINCT ON (cell_digest) {_STORED}
                  FROM benchmark_results b
                  JOIN unnest(%s::text[], %s::text[]) AS want (wanted, wanted_grading) ON b.cell_digest = want.wanted
                 WHERE b.benchmark_run_id <> %s AND b.output_produced IS NOT NULL
                 ORDER BY cell_digest, (grading_digest = wanted_grading AND state <> 'answered') DESC,
                          created_at DESC""".encode(),
            (list(digests), list(gradings), run_id),
        )
        return {row.cell_digest: row for row in await cursor.fetchall()}


_COLUMNS = (
    "id",
    "model_name",
    "model_provider",
    "arm",
    "trial",
    "test_case_index",
    "case_id",
    "cell_digest",
    "grading_digest",
    "state",
    "input_used",
    "output_produced",
    "expected_output",
    "attempt",
    "reused_from",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "latency_ms",
    "ttft_ms",
    "stop_reason",
    "effective_settings",
    "estimated_cost_microcents",
    "wasted_cost_microcents",
    "price_version",
    "price_date",
    "failure_kind",
    "error_message",
)
_KEPT_ON_RETRY = ("id", "wasted_cost_microcents", "cell_digest", "input_used")
_INSERT_ANSWER = f"""
    INSERT INTO benchmark_results AS old (tenant_id, benchmark_run_id, {", ".join(_COLUMNS)}, answered_at)
    VALUES ({", ".join(["%s"] * (len(_COLUMNS) + 2))},
            (SELECT coalesce(answered_at, created_at) FROM benchmark_results WHERE id = %s))
    ON CONFLICT (tenant_id, benchmark_run_id, cell_digest) DO UPDATE
       SET {", ".join(f"{c} = EXCLUDED.{c}" for c in _COLUMNS if c not in _KEPT_ON_RETRY)},
           wasted_cost_microcents = old.wasted_cost_microcents + coalesce(old.estimated_cost_microcents, 0)
                                    + EXCLUDED.wasted_cost_microcents,
           again = false, answered_at = coalesce(EXCLUDED.answered_at, now())
     WHERE old.state = 'failed'
    RETURNING id
""".encode()
_PAID_TWICE = b"""
    UPDATE benchmark_results SET wasted_cost_microcents = wasted_cost_microcents + %s
     WHERE benchmark_run_id = %s AND cell_digest = %s
"""


async def write_answers(
    connection: Connection, tenant_id: UUID, run_id: UUID, answers: Sequence[AnswerWrite]
) -> list[UUID | None]:
    """Commit answers and failures in the caller's transaction; returns each row's id.

    An earlier failure of the same cell is replaced and its cost kept as wasted. None stands where
    the cell had an answer already: that one stays, and the money of this one is added to its waste.
    """
    if not answers:
        return []
    ids: list[UUID | None] = []
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _INSERT_ANSWER,
            [(tenant_id, run_id, *_values(answer), answer.reused_from) for answer in answers],
            returning=True,
        )
        while True:
            row = await cursor.fetchone()
            ids.append(None if row is None else row["id"])
            if not cursor.nextset():
                break
    for answer, row_id in zip(answers, ids, strict=True):
        if row_id is None and answer.reused_from is None:
            paid = (answer.estimated_cost_microcents or 0) + answer.wasted_cost_microcents
            await connection.execute(_PAID_TWICE, (paid, run_id, answer.cell_digest))
    return ids


async def write_grades(connection: Connection, tenant_id: UUID, grades: Sequence[GradeWrite]) -> None:
    """Commit grades and judgements in the caller's transaction."""
    if not grades:
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(
            """UPDATE benchmark_results
                  SET state = %s, grading_digest = %s, quality_score = %s, passed = %s, quality_notes = %s,
                      matches_expected = %s, checks = %s, judge_cost_microcents = judge_cost_microcents + %s,
                      failure_kind = %s, error_message = %s, graded_at = now(), again = false
                WHERE id = %s""",
            [
                (
                    grade.state,
                    grade.grading_digest,
                    grade.quality_score,
                    grade.passed,
                    clean(grade.quality_notes),
                    grade.matches_expected,
                    Jsonb(clean_json(list(grade.checks))),
                    grade.judge_cost_microcents,
                    grade.failure_kind,
                    grade.error_message and clean(grade.error_message),
                    grade.result_id,
                )
                for grade in grades
            ],
        )
        judged = [grade for grade in grades if grade.judgement is not None]
        if judged:
            await cursor.executemany(
                INSERT_JUDGEMENT,
                [
                    judgement_values(
                        tenant_id,
                        grade.result_id,
                        grade.grading_digest,
                        grade.judgement,
                        grade.judge_cost_microcents if grade.judge_cost_known else None,
                    )
                    for grade in judged
                    if grade.judgement is not None
                ],
            )
        copied = [grade for grade in grades if grade.copied_from is not None]
        if copied:
            await cursor.executemany(
                COPY_JUDGEMENT,
                [(grade.result_id, None, None, grade.copied_from, grade.grading_digest) for grade in copied],
            )


async def add_spending(
    connection: Connection,
    run_id: UUID,
    *,
    spent: int,
    judge_spent: int,
    lower_bound: bool,
    judge_lower_bound: bool = False,
) -> RunState:
    """Add to the run's money (`spent` includes `judge_spent`) and learn how it stands.

    `lower_bound`: more may have been paid than is known; `judge_lower_bound`: by the judge.
    """
    cursor = await connection.execute(
        """UPDATE benchmark_runs
              SET spent_microcents = spent_microcents + %s, judge_spent_microcents = judge_spent_microcents + %s,
                  spent_is_lower_bound = spent_is_lower_bound OR %s,
                  judge_spent_is_lower_bound = judge_spent_is_lower_bound OR %s
            WHERE id = %s RETURNING status, spent_microcents, spent_is_lower_bound, budget_microcents""",
        (spent, judge_spent, lower_bound, judge_lower_bound, run_id),
    )
    row = await cursor.fetchone()
    assert row is not None
    return RunState(**row)


async def run_state(connection: Connection, run_id: UUID) -> RunState:
    """How the run stands. Raises NotFound where it is gone, as a run that has ended is with its skill."""
    cursor = await connection.execute(
        """SELECT status, spent_microcents, spent_is_lower_bound, budget_microcents FROM benchmark_runs
            WHERE id = %s""",
        (run_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such run.")
    return RunState(**row)


async def ended_by_model(connection: Connection, run_id: UUID) -> dict[tuple[str, str], int]:
    """Cells that have come to an end, by (model, state)."""
    cursor = await connection.execute(
        f"""SELECT model_name, state, count(*)::int AS count FROM benchmark_results
             WHERE benchmark_run_id = %s AND {ENDED} GROUP BY 1, 2""".encode(),
        (run_id,),
    )
    return {(row["model_name"], row["state"]): row["count"] for row in await cursor.fetchall()}


async def paid_cells(connection: Connection, digests: Sequence[str]) -> frozenset[str]:
    """Those of these cells that have an answer that can be used again."""
    cursor = await connection.execute(
        """SELECT DISTINCT cell_digest FROM benchmark_results
            WHERE cell_digest = ANY(%s) AND output_produced IS NOT NULL""",
        (list(digests),),
    )
    return frozenset(row["cell_digest"] for row in await cursor.fetchall())


def _values(answer: AnswerWrite) -> tuple[Any, ...]:
    texts = {
        "input_used": clean(answer.input_used),
        "expected_output": clean(answer.expected_output),
        "output_produced": None if answer.output_produced is None else clean(answer.output_produced),
        "error_message": None if answer.error_message is None else clean(answer.error_message),
        "effective_settings": Jsonb(clean_json(answer.effective_settings or {})),
    }
    return tuple(texts[name] if name in texts else getattr(answer, name) for name in _COLUMNS)

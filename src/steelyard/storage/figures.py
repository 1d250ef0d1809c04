"""What the statistics, estimates and reports read of the stored cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from steelyard.storage.database import Connection
from steelyard.storage.results import ENDED
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class CellFigures:
    """What the statistics need of one cell.

    `judged`: by a judge, here or in the run it was reused from; `judgement_cost_microcents` is what that took, None
    where its price is not known. `ended`: nothing of it is left to do, nor to be done again.
    """

    model_name: str
    arm: str
    trial: int
    test_case_index: int
    state: str
    quality_score: float | None
    passed: bool | None
    failure_kind: str | None
    estimated_cost_microcents: int | None
    input_tokens: int | None
    total_tokens: int | None
    latency_ms: float | None
    ttft_ms: float | None
    judged: bool = field(default=False, kw_only=True)
    judgement_cost_microcents: int | None = field(default=None, kw_only=True)
    ended: bool = field(default=True, kw_only=True)

    @property
    def came_back(self) -> bool:
        """Whether the model answered, be it with nothing; its tokens are known only where its server told them."""
        return self.latency_ms is not None


async def run_figures(connection: Connection, run_id: UUID) -> list[CellFigures]:
    """Every stored cell's figures, in an order that never varies."""
    async with connection.cursor(row_factory=record_row(CellFigures)) as cursor:
        await cursor.execute(
            f"""SELECT b.model_name, b.arm, b.trial, b.test_case_index, b.state, b.quality_score, b.passed,
                       b.failure_kind, b.estimated_cost_microcents, b.input_tokens, b.total_tokens, b.latency_ms,
                       b.ttft_ms, {ENDED} AS ended,
                       j.id IS NOT NULL AS judged, j.cost_microcents AS judgement_cost_microcents
                  FROM benchmark_results b
                  LEFT JOIN judgements j ON j.tenant_id = b.tenant_id AND j.benchmark_result_id = b.id
                                        AND j.grading_digest = b.grading_digest
                 WHERE b.benchmark_run_id = %s
                 ORDER BY b.model_name, b.arm, b.test_case_index, b.trial""".encode(),
            (run_id,),
        )
        return await cursor.fetchall()


@dataclass(frozen=True)
class JurorGrade:
    """What one judge of a jury said of a cell that the whole jury has graded. `quality` is of the judge's criteria.

    `checks` and `held` count the case's deterministic checks, `passed` is by this judge and the checks.
    `cost_microcents` is None where it is not known.
    """

    model_name: str
    arm: str
    trial: int
    test_case_index: int
    judge_digest: str
    quality: float
    criteria: int
    checks: int
    held: int
    passed: bool
    cost_microcents: int | None


async def juror_grades(connection: Connection, run_id: UUID) -> list[JurorGrade]:
    """Of every cell that a jury has graded, in an order that never varies; none of a run without a jury."""
    async with connection.cursor(row_factory=record_row(JurorGrade)) as cursor:
        await cursor.execute(
            """SELECT b.model_name, b.arm, b.trial, b.test_case_index, j.judge_digest, j.quality,
                      jsonb_array_length(j.criteria) AS criteria, jsonb_array_length(b.checks) AS checks,
                      jsonb_array_length(jsonb_path_query_array(b.checks, '$[*] ? (@.passed == true)')) AS held,
                      j.jury_passed AS passed, j.cost_microcents
                 FROM benchmark_results b
                 JOIN judgements j ON j.tenant_id = b.tenant_id AND j.benchmark_result_id = b.id
                                  AND j.jury_grading_digest = b.grading_digest
                WHERE b.benchmark_run_id = %s AND b.state = 'judged'
                ORDER BY b.model_name, b.arm, b.test_case_index, b.trial, j.judge_digest""",
            (run_id,),
        )
        return await cursor.fetchall()


@dataclass(frozen=True)
class AnswerLength:
    """How long an answer is, in characters."""

    model_name: str
    test_case_index: int
    characters: int


async def answer_lengths(connection: Connection, run_id: UUID, arm: str) -> list[AnswerLength]:
    """Of every usable answer of an arm with a text, in an order that never varies."""
    async with connection.cursor(row_factory=record_row(AnswerLength)) as cursor:
        await cursor.execute(
            """SELECT model_name, test_case_index, length(output_produced) AS characters
                 FROM benchmark_results
                WHERE benchmark_run_id = %s AND arm = %s AND state <> 'failed' AND output_produced <> ''
                ORDER BY model_name, test_case_index, trial""",
            (run_id, arm),
        )
        return await cursor.fetchall()


async def failures(connection: Connection, run_id: UUID) -> list[dict[str, Any]]:
    """Failures by model and kind, with one message of each and how many there were."""
    cursor = await connection.execute(
        """SELECT model_name AS model, failure_kind AS kind, count(*)::int AS count, min(error_message) AS message
             FROM benchmark_results WHERE benchmark_run_id = %s AND failure_kind IS NOT NULL
            GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2""",
        (run_id,),
    )
    return await cursor.fetchall()


@dataclass(frozen=True)
class TypicalCall:
    """What a model's calls have been like here: means over its newest answers; `output_tokens` where they were told."""

    output_tokens: float | None
    latency_ms: float


async def typical_calls(connection: Connection, models: Sequence[str]) -> dict[str, TypicalCall]:
    """By model, over at most its 200 newest answers; models without an answer are left out."""
    cursor = await connection.execute(
        """SELECT m AS model, t.output_tokens, t.latency_ms
             FROM unnest(%s::text[]) AS m,
             LATERAL (SELECT avg(output_tokens)::float8 AS output_tokens, avg(latency_ms) AS latency_ms
                        FROM (SELECT output_tokens, latency_ms FROM benchmark_results
                               WHERE model_name = m AND latency_ms IS NOT NULL AND reused_from IS NULL
                               ORDER BY created_at DESC LIMIT 200) newest) t
            WHERE t.latency_ms IS NOT NULL""",
        (list(models),),
    )
    return {row["model"]: TypicalCall(row["output_tokens"], row["latency_ms"]) for row in await cursor.fetchall()}

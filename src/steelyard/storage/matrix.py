"""The matrix of a run, cases by models and arms: pages of it, which cases a filter keeps, and every cell for export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from steelyard.storage.database import Connection
from steelyard.storage.results import ENDED
from steelyard.storage.rows import record_row
from steelyard.storage.run_counts import ZERO_SCORING

# A failure of the model's own scores 0 and does not pass; other cells without a grade are missing.
_QUALITY = """CASE WHEN state <> 'failed' THEN quality_score WHEN failure_kind = ANY(%(zero)s) THEN 0 END"""
_PASSED = """CASE WHEN state <> 'failed' THEN passed WHEN failure_kind = ANY(%(zero)s) THEN false END"""
_PER_CELL = f"""avg({_QUALITY}) AS quality,
    count({_PASSED})::int AS told, count(*) FILTER (WHERE {_PASSED})::int AS passed"""


@dataclass(frozen=True)
class MatrixCounts:
    """The trials of one model and arm on one case. `quality` is their mean; `passed` of `told` passed."""

    test_case_index: int
    model_name: str
    arm: str
    trials: int
    ended: int
    failed: int
    quality: float | None
    told: int
    passed: int
    failure_kind: str | None


@dataclass(frozen=True)
class CaseTitle:
    """What a list shows of a case; `start` is the beginning of its input."""

    id: UUID
    case_key: str
    start: str
    family: str | None


@dataclass(frozen=True)
class CellExport:
    """One cell without its texts. Money in microcents, times in milliseconds.

    `test_case_index` counts from 0, `case_number` from 1 as pages do. `judge_examination` is the same in every cell:
    what the run's judge was found to be, of a jury with the names of those that did not pass, or that it was accepted
    although it failed.
    """

    test_case_index: int
    case_number: int
    case_key: str
    model_name: str
    arm: str
    trial: int
    state: str
    reused: bool
    quality_score: float | None
    passed: bool | None
    matches_expected: bool | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    estimated_cost_microcents: int | None
    wasted_cost_microcents: int
    judge_cost_microcents: int
    price_version: str | None
    price_date: date | None
    latency_ms: float | None
    ttft_ms: float | None
    stop_reason: str | None
    failure_kind: str | None
    error_message: str | None
    judge_examination: str | None = field(default=None, kw_only=True)


async def matrix_cells(connection: Connection, run_id: UUID, indexes: Sequence[int]) -> list[MatrixCounts]:
    """The stored cells of those cases, trials put together."""
    async with connection.cursor(row_factory=record_row(MatrixCounts)) as cursor:
        await cursor.execute(
            f"""SELECT test_case_index, model_name, arm, count(*)::int AS trials,
                       count(*) FILTER (WHERE {ENDED})::int AS ended,
                       count(*) FILTER (WHERE state = 'failed')::int AS failed, {_PER_CELL},
                       min(failure_kind) AS failure_kind
                  FROM benchmark_results
                 WHERE benchmark_run_id = %(run)s AND test_case_index = ANY(%(indexes)s)
                 GROUP BY 1, 2, 3""".encode(),
            {"run": run_id, "indexes": list(indexes), "zero": ZERO_SCORING},
        )
        return await cursor.fetchall()


async def differing_cases(connection: Connection, run_id: UUID, arm: str, margin: float) -> list[int]:
    """Cases on which the models are more than `margin` points apart in this arm, or some pass and some do not."""
    return await _indexes(
        connection,
        f"""SELECT test_case_index
              FROM (SELECT test_case_index, model_name, {_PER_CELL} FROM benchmark_results
                     WHERE benchmark_run_id = %(run)s AND arm = %(arm)s GROUP BY 1, 2) cells
             GROUP BY 1
            HAVING max(quality) - min(quality) > %(margin)s
                OR count(DISTINCT 2 * passed > told) FILTER (WHERE told > 0) > 1
             ORDER BY 1""",
        {"run": run_id, "arm": arm, "margin": margin, "zero": ZERO_SCORING},
    )


async def not_passed_cases(connection: Connection, run_id: UUID, arm: str) -> list[int]:
    """Cases that some model does not pass in this arm."""
    return await _indexes(
        connection,
        f"""SELECT DISTINCT test_case_index
              FROM (SELECT test_case_index, model_name, {_PER_CELL} FROM benchmark_results
                     WHERE benchmark_run_id = %(run)s AND arm = %(arm)s GROUP BY 1, 2) cells
             WHERE told > 0 AND 2 * passed <= told ORDER BY 1""",
        {"run": run_id, "arm": arm, "zero": ZERO_SCORING},
    )


async def failing_cases(connection: Connection, run_id: UUID) -> list[int]:
    """Cases with a failure of any kind: a model's own, an outage, or a judge that failed."""
    return await _indexes(
        connection,
        """SELECT DISTINCT test_case_index FROM benchmark_results
            WHERE benchmark_run_id = %(run)s AND failure_kind IS NOT NULL ORDER BY 1""",
        {"run": run_id},
    )


async def case_titles(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, CaseTitle]:
    """By id; `start` has at most 400 characters."""
    async with connection.cursor(row_factory=record_row(CaseTitle)) as cursor:
        await cursor.execute(
            "SELECT id, case_key, left(input, 400) AS start, family FROM golden_cases WHERE id = ANY(%s)",
            (list(ids),),
        )
        return {row.id: row for row in await cursor.fetchall()}


_EXPORT = """SELECT b.test_case_index, b.test_case_index + 1 AS case_number, c.case_key, b.model_name, b.arm, b.trial,
             b.state, b.reused_from IS NOT NULL AS reused, b.quality_score, b.passed, b.matches_expected,
             b.input_tokens, b.output_tokens, b.cache_read_tokens, b.cache_write_tokens, b.reasoning_tokens,
             b.estimated_cost_microcents, b.wasted_cost_microcents, b.judge_cost_microcents, b.price_version,
             b.price_date, b.latency_ms, b.ttft_ms, b.stop_reason, b.failure_kind, b.error_message
        FROM benchmark_results b
        JOIN golden_cases c ON c.tenant_id = b.tenant_id AND c.id = b.case_id"""
_CELL_PLACE = "b.test_case_index, b.model_name, b.arm, b.trial"


async def export_cells(connection: Connection, run_id: UUID, first: int, last: int) -> list[CellExport]:
    """The stored cells of the cases `first` to `last`, in the order of cases, models, arms and trials."""
    async with connection.cursor(row_factory=record_row(CellExport)) as cursor:
        await cursor.execute(
            f"""{_EXPORT} WHERE b.benchmark_run_id = %s AND b.test_case_index BETWEEN %s AND %s
                ORDER BY {_CELL_PLACE}""".encode(),
            (run_id, first, last),
        )
        return await cursor.fetchall()


async def cells_after(
    connection: Connection, run_id: UUID, place: tuple[int, str, str, int] | None, limit: int
) -> list[CellExport]:
    """The stored cells after a place (case index, model, arm, trial) in the same order, at most `limit`."""
    beyond = "" if place is None else f" AND ({_CELL_PLACE}) > (%s, %s, %s, %s)"
    async with connection.cursor(row_factory=record_row(CellExport)) as cursor:
        await cursor.execute(
            f"{_EXPORT} WHERE b.benchmark_run_id = %s{beyond} ORDER BY {_CELL_PLACE} LIMIT %s".encode(),
            (run_id, *(place or ()), limit),
        )
        return await cursor.fetchall()


async def _indexes(connection: Connection, query: str, parameters: dict[str, object]) -> list[int]:
    cursor = await connection.execute(query.encode(), parameters)
    return [row["test_case_index"] for row in await cursor.fetchall()]

"""What a comparison of two runs needs of their cells: scores, gradings, tokens by class, costs with their prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from steelyard.storage.database import Connection
from steelyard.storage.figures import CellFigures
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class ComparedCell(CellFigures):
    """A cell's figures, and what tells whether another run's cell is the same answer, or graded the same way."""

    cell_digest: str
    grading_digest: str
    reused: bool
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    price_version: str | None
    price_date: date | None


async def compared_cells(connection: Connection, run_id: UUID, arm: str) -> list[ComparedCell]:
    """The stored cells of a run's arm, by model, case and trial."""
    async with connection.cursor(row_factory=record_row(ComparedCell)) as cursor:
        await cursor.execute(
            """SELECT model_name, arm, trial, test_case_index, state, quality_score, passed, failure_kind,
                      estimated_cost_microcents, input_tokens, total_tokens, latency_ms, ttft_ms, cell_digest,
                      grading_digest, reused_from IS NOT NULL AS reused, output_tokens, cache_read_tokens,
                      cache_write_tokens, reasoning_tokens, price_version, price_date
                 FROM benchmark_results WHERE benchmark_run_id = %s AND arm = %s
                ORDER BY model_name, test_case_index, trial""",
            (run_id, arm),
        )
        return await cursor.fetchall()

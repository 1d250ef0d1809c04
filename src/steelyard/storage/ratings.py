"""What people say of outputs: written one by one, taken back, and read for a run, a case or an export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row
from steelyard.storage.run_counts import ZERO_SCORING

# Names can be changed, and given again to others.
_MINE = "rater_id IS NOT DISTINCT FROM nullif(current_setting('app.actor_id', true), '')::uuid"
_SCORE = "CASE WHEN b.state <> 'failed' THEN b.quality_score WHEN b.failure_kind = ANY(%(zero)s) THEN 0 END"


@dataclass(frozen=True)
class RatingRow:
    """One rating. `score` 1-10, None where an output that was asked for was passed over."""

    benchmark_result_id: UUID
    rater: str
    score: int | None
    note: str
    drawn: bool
    blind: bool
    rated_at: datetime


@dataclass(frozen=True)
class RatableCell:
    """A cell as the draw sees it. `score` 0-100 is its grade, 0 for the model's own failure, None where missing;
    `ratable`: there is an output to show."""

    id: UUID
    test_case_index: int
    model_name: str
    trial: int
    score: float | None
    ratable: bool


@dataclass(frozen=True)
class RatingExport:
    """A rating with what it is of. `points`: the score on 0-100; `quality_score`: the grade of the same output."""

    case_number: int
    case_key: str
    model_name: str
    arm: str
    trial: int
    rater: str
    score: int | None
    points: float | None
    note: str
    drawn: bool
    blind: bool
    quality_score: float | None
    rated_at: datetime


async def put_rating(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    result_id: UUID,
    rater: str,
    *,
    score: int | None,
    note: str,
    drawn: bool,
    blind: bool,
) -> bool:
    """Keep the rater's rating of an output in place of an earlier one of the same kind.

    False, and nothing done, where there is one of the other kind (a blind one is never replaced by one that was not,
    nor the other way round), one that another member or key gave under that name, or no such output of the run.
    """
    cursor = await connection.execute(
        """INSERT INTO output_ratings AS had (tenant_id, benchmark_result_id, rater, benchmark_run_id, score, note,
                                              drawn, blind)
           SELECT %s, b.id, %s, b.benchmark_run_id, %s, %s, %s, %s FROM benchmark_results b
            WHERE b.id = %s AND b.benchmark_run_id = %s AND b.output_produced IS NOT NULL
           ON CONFLICT (tenant_id, benchmark_result_id, rater) DO UPDATE
              SET score = EXCLUDED.score, note = EXCLUDED.note, rated_at = now()
            WHERE had.blind = EXCLUDED.blind AND had.drawn = EXCLUDED.drawn
              AND had.rater_id IS NOT DISTINCT FROM EXCLUDED.rater_id""",
        (tenant_id, clean(rater), score, clean(note), drawn, blind, result_id, run_id),
    )
    return cursor.rowcount == 1


async def is_of_another(connection: Connection, result_id: UUID, rater: str) -> bool:
    """Whether another member or key than acts has rated the output under that name."""
    cursor = await connection.execute(
        f"SELECT 1 FROM output_ratings WHERE benchmark_result_id = %s AND rater = %s AND NOT ({_MINE})".encode(),
        (result_id, clean(rater)),
    )
    return await cursor.fetchone() is not None


async def take_back_last(connection: Connection, run_id: UUID, rater: str) -> bool:
    """Delete what the rater said last of a drawn output of the run; False where there is nothing."""
    cursor = await connection.execute(
        f"""DELETE FROM output_ratings WHERE (benchmark_result_id, rater) = (
                SELECT benchmark_result_id, rater FROM output_ratings
                 WHERE benchmark_run_id = %s AND rater = %s AND drawn AND {_MINE}
                 ORDER BY rated_at DESC, benchmark_result_id LIMIT 1)""".encode(),
        (run_id, clean(rater)),
    )
    return cursor.rowcount == 1


async def run_ratings(connection: Connection, run_id: UUID) -> list[RatingRow]:
    """Every rating of the run, by rater and time."""
    async with connection.cursor(row_factory=record_row(RatingRow)) as cursor:
        await cursor.execute(
            """SELECT benchmark_result_id, rater, score, note, drawn, blind, rated_at FROM output_ratings
                WHERE benchmark_run_id = %s ORDER BY rater, rated_at, benchmark_result_id""",
            (run_id,),
        )
        return await cursor.fetchall()


async def ratings_of_case(connection: Connection, run_id: UUID, case_index: int) -> list[RatingRow]:
    """The scores given to the outputs of one case of the run, by rater; what was passed over is left out."""
    async with connection.cursor(row_factory=record_row(RatingRow)) as cursor:
        await cursor.execute(
            """SELECT o.benchmark_result_id, o.rater, o.score, o.note, o.drawn, o.blind, o.rated_at
                 FROM output_ratings o
                 JOIN benchmark_results b ON b.tenant_id = o.tenant_id AND b.id = o.benchmark_result_id
                WHERE o.benchmark_run_id = %s AND b.test_case_index = %s AND o.score IS NOT NULL
                ORDER BY o.rater, o.rated_at""",
            (run_id, case_index),
        )
        return await cursor.fetchall()


async def ratable_cells(
    connection: Connection, run_id: UUID, arm: str, indexes: Sequence[int] | None = None
) -> list[RatableCell]:
    """The run's cells of that arm, of those cases where given."""
    async with connection.cursor(row_factory=record_row(RatableCell)) as cursor:
        await cursor.execute(
            f"""SELECT b.id, b.test_case_index, b.model_name, b.trial, {_SCORE} AS score,
                       b.state <> 'failed' AND b.output_produced IS NOT NULL AS ratable
                  FROM benchmark_results b
                 WHERE b.benchmark_run_id = %(run)s AND b.arm = %(arm)s
                   AND (%(indexes)s::int[] IS NULL OR b.test_case_index = ANY(%(indexes)s))
                 ORDER BY b.test_case_index, b.model_name, b.trial""".encode(),
            {"run": run_id, "arm": arm, "indexes": indexes and list(indexes), "zero": ZERO_SCORING},
        )
        return await cursor.fetchall()


async def output_lengths(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Characters of those results' outputs."""
    cursor = await connection.execute(
        "SELECT id, char_length(output_produced) AS length FROM benchmark_results WHERE id = ANY(%s)", (list(ids),)
    )
    return {row["id"]: row["length"] for row in await cursor.fetchall() if row["length"] is not None}


async def families_of(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, str | None]:
    """The family of each of these cases, None where it has none."""
    cursor = await connection.execute("SELECT id, family FROM golden_cases WHERE id = ANY(%s)", (list(ids),))
    return {row["id"]: row["family"] for row in await cursor.fetchall()}


async def export_ratings(connection: Connection, run_id: UUID) -> list[RatingExport]:
    """Every rating of the run, by case, model, arm, trial and rater."""
    async with connection.cursor(row_factory=record_row(RatingExport)) as cursor:
        await cursor.execute(
            f"""SELECT b.test_case_index + 1 AS case_number, c.case_key, b.model_name, b.arm, b.trial, o.rater, o.score,
                       (o.score - 1) * 100 / 9.0::float8 AS points, o.note, o.drawn, o.blind,
                       {_SCORE} AS quality_score, o.rated_at
                  FROM output_ratings o
                  JOIN benchmark_results b ON b.tenant_id = o.tenant_id AND b.id = o.benchmark_result_id
                  JOIN golden_cases c ON c.tenant_id = b.tenant_id AND c.id = b.case_id
                 WHERE o.benchmark_run_id = %(run)s
                 ORDER BY b.test_case_index, b.model_name, b.arm, b.trial, o.rater""".encode(),
            {"run": run_id, "zero": ZERO_SCORING},
        )
        return await cursor.fetchall()

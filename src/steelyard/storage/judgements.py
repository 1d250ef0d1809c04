"""Judgements of a jury: one paid reply of one judge a row, read back for a cell so that none is paid twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.calls import Usage
from steelyard.domain.grading import CriterionLevel, Judgement
from steelyard.storage.database import Connection, clean, clean_json
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class JurorWrite:
    """What one judge of a jury came to on a cell, and what it took.

    `grading_digest` is the judge's own, `jury_grading_digest` the cell's. `judgement` is None where the judge failed,
    and where a judgement of another result, `copied_from`, is taken over. `passed` is by this judge, None where it
    failed.
    """

    result_id: UUID
    grading_digest: str
    jury_grading_digest: str
    judgement: Judgement | None = None
    cost_microcents: int = 0
    cost_known: bool = True
    copied_from: UUID | None = None
    passed: bool | None = None


@dataclass(frozen=True)
class KnownJudgement:
    """A judgement of an answer as it is stored with the result `result_id`."""

    result_id: UUID
    grading_digest: str
    judgement: Judgement


INSERT_JUDGEMENT = """
    INSERT INTO judgements (tenant_id, benchmark_result_id, judge, judge_digest, grading_digest, quality, criteria,
                            differences_from_expected, matches_expected, notes, flags, input_tokens, output_tokens,
                            calls, cost_microcents, jury_grading_digest, jury_passed)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (tenant_id, benchmark_result_id, judge_digest, grading_digest) DO NOTHING
"""
COPY_JUDGEMENT = """
    INSERT INTO judgements (tenant_id, benchmark_result_id, judge, judge_digest, grading_digest, quality, criteria,
                            differences_from_expected, matches_expected, notes, flags, input_tokens, output_tokens,
                            calls, cost_microcents, jury_grading_digest, jury_passed)
    SELECT tenant_id, %s, judge, judge_digest, grading_digest, quality, criteria, differences_from_expected,
           matches_expected, notes, flags, input_tokens, output_tokens, calls, cost_microcents, %s, %s
      FROM judgements WHERE benchmark_result_id = %s AND grading_digest = %s
    ON CONFLICT (tenant_id, benchmark_result_id, judge_digest, grading_digest) DO NOTHING
"""


def judgement_values(
    tenant_id: UUID,
    result_id: UUID,
    grading_digest: str,
    judgement: Judgement,
    cost_microcents: int | None,
    jury_grading_digest: str | None = None,
    jury_passed: bool | None = None,
) -> tuple[Any, ...]:
    """The values of `INSERT_JUDGEMENT`, in its order."""
    criteria = [
        {
            "criterion": item.criterion,
            "evidence": item.evidence,
            "finding": item.finding,
            "level": item.level,
            "quote_found": item.quote_found,
        }
        for item in judgement.criteria
    ]
    return (
        tenant_id,
        result_id,
        judgement.judge,
        judgement.judge_digest,
        grading_digest,
        judgement.quality,
        Jsonb(clean_json(criteria)),
        clean(judgement.differences_from_expected),
        judgement.matches_expected,
        clean(judgement.notes),
        list(judgement.flags),
        judgement.usage.input_tokens,
        judgement.usage.output_tokens,
        judgement.calls,
        cost_microcents,
        jury_grading_digest,
        jury_passed,
    )


async def write_jurors(connection: Connection, tenant_id: UUID, jurors: Sequence[JurorWrite]) -> None:
    """Commit what judges of juries came to, in the caller's transaction; the cells' grades are left as they are."""
    async with connection.cursor() as cursor:
        judged = [one for one in jurors if one.judgement is not None]
        if judged:
            await cursor.executemany(
                INSERT_JUDGEMENT,
                [
                    judgement_values(
                        tenant_id,
                        one.result_id,
                        one.grading_digest,
                        one.judgement,
                        one.cost_microcents if one.cost_known else None,
                        one.jury_grading_digest,
                        one.passed,
                    )
                    for one in judged
                    if one.judgement is not None
                ],
            )
        copied = [one for one in jurors if one.copied_from is not None]
        if copied:
            await cursor.executemany(
                COPY_JUDGEMENT,
                [
                    (one.result_id, one.jury_grading_digest, one.passed, one.copied_from, one.grading_digest)
                    for one in copied
                ],
            )
        paid = [(one.cost_microcents, one.result_id) for one in jurors if one.cost_microcents]
        if paid:
            await cursor.executemany(
                "UPDATE benchmark_results SET judge_cost_microcents = judge_cost_microcents + %s WHERE id = %s", paid
            )


async def known_judgements(
    connection: Connection, result_id: UUID, cell_digest: str, gradings: Sequence[str], *, elsewhere: bool
) -> dict[str, KnownJudgement]:
    """By grading digest, what judges have said of this result; with `elsewhere` also of its like in other runs."""
    async with connection.cursor(row_factory=record_row(_Row)) as cursor:
        await cursor.execute(
            """SELECT DISTINCT ON (j.grading_digest)
                      j.benchmark_result_id AS result_id, j.grading_digest, j.judge, j.judge_digest, j.quality,
                      j.criteria, j.differences_from_expected, j.matches_expected, j.notes, j.flags, j.input_tokens,
                      j.output_tokens, j.calls
                 FROM benchmark_results b
                 JOIN judgements j ON j.tenant_id = b.tenant_id AND j.benchmark_result_id = b.id
                                  AND j.grading_digest = ANY(%(gradings)s)
                WHERE b.cell_digest = %(cell)s
                  AND (b.id = %(result)s
                       OR %(elsewhere)s AND b.output_produced = (SELECT output_produced FROM benchmark_results
                                                                  WHERE id = %(result)s))
                ORDER BY j.grading_digest, (b.id = %(result)s) DESC, j.created_at DESC""",
            {"gradings": list(gradings), "cell": cell_digest, "result": result_id, "elsewhere": elsewhere},
        )
        return {row.grading_digest: row.known() for row in await cursor.fetchall()}


async def graded_cells(
    connection: Connection, digests: Sequence[str], gradings: Sequence[str]
) -> frozenset[tuple[str, str]]:
    """(cell digest, grading digest) of every grade of these cells under these gradings, in whatever run."""
    cursor = await connection.execute(
        """SELECT b.cell_digest, j.grading_digest
             FROM benchmark_results b
             JOIN judgements j ON j.tenant_id = b.tenant_id AND j.benchmark_result_id = b.id
                              AND j.grading_digest = ANY(%(gradings)s)
            WHERE b.cell_digest = ANY(%(cells)s) AND b.output_produced IS NOT NULL
           UNION
           SELECT cell_digest, grading_digest FROM benchmark_results
            WHERE cell_digest = ANY(%(cells)s) AND output_produced IS NOT NULL AND state <> 'answered'
              AND grading_digest = ANY(%(gradings)s)""",
        {"gradings": list(gradings), "cells": list(digests)},
    )
    return frozenset((row["cell_digest"], row["grading_digest"]) for row in await cursor.fetchall())


@dataclass(frozen=True)
class _Row:
    result_id: UUID
    grading_digest: str
    judge: str
    judge_digest: str
    quality: float
    criteria: Sequence[dict[str, Any]]
    differences_from_expected: str
    matches_expected: str
    notes: str
    flags: Sequence[str]
    input_tokens: int
    output_tokens: int
    calls: int

    def known(self) -> KnownJudgement:
        return KnownJudgement(
            self.result_id,
            self.grading_digest,
            Judgement(
                judge=self.judge,
                judge_digest=self.judge_digest,
                quality=self.quality,
                criteria=tuple(
                    CriterionLevel(one["criterion"], one["evidence"], one["finding"], one["level"], one["quote_found"])
                    for one in self.criteria
                ),
                differences_from_expected=self.differences_from_expected,
                matches_expected=self.matches_expected,
                notes=self.notes,
                flags=tuple(self.flags),
                usage=Usage(self.input_tokens, self.output_tokens),
                calls=self.calls,
            ),
        )

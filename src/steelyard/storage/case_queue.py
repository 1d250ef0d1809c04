"""What waits to become a golden case: proposed and drafted cases, users' examples, outputs that are disputed.

Oldest first, by (since, id). A text is cut to what a page needs of it; what is decided is read in full elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from steelyard.domain.cases import By, WaitingKind
from steelyard.domain.errors import NotFound
from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row

LOW_RATING, HIGH_RATING = 4, 8
MAX_INPUT = 20_000
_MAX_TEXT = 4_000


@dataclass(frozen=True)
class Waiting:
    """One thing to decide on. `id` is the case's, the feedback's or the output's, by `kind`.

    `output` is what was judged, rated or blamed; `said` is what was said of it; `complete`: something says what a good
    output is. `score` is a person's, 1-10, and `quality` the judge's grade of the same output, 0-100, with the
    `threshold` a good one has: all three are there where the two disagree.
    """

    kind: str
    id: UUID
    skill_id: UUID
    skill_name: str
    since: datetime
    input: str
    expected: str
    output: str | None
    said: str | None
    who: str | None
    key: str | None
    source: str | None
    complete: bool
    feedback_type: str | None
    score: int | None
    quality: float | None
    threshold: float | None
    model_name: str | None
    benchmark_run_id: UUID | None
    test_case_index: int | None
    case_id: UUID | None


@dataclass(frozen=True)
class CaseText:
    """An accepted or pending case to compare with; texts are cut."""

    id: UUID
    key: str
    status: str
    source: str
    input: str
    expected: str


@dataclass(frozen=True)
class RatedOutput:
    """An output of a run and its input in full, and who decided on it, when and why: None where it waits."""

    skill_id: UUID
    input: str
    golden_case_id: UUID | None
    decided_by: str | None
    decided_why: str | None
    decided_at: datetime | None


_PLACE = """(%(skill)s::uuid IS NULL OR {skill} = %(skill)s)
             AND (%(at)s::timestamptz IS NULL OR ({at}, {id}) > (%(at)s, %(last)s))
             AND (%(start)s::text IS NULL OR {id}::text LIKE %(start)s)"""
_CASES = f"""
    SELECT CASE WHEN c.source = 'drafted' THEN 'drafted' ELSE 'proposed' END AS kind, c.id, c.skill_id,
           c.created_at AS since, left(c.input, {MAX_INPUT}) AS input, left(c.expected_output, {_MAX_TEXT}) AS expected,
           NULL::text AS output,
           (SELECT h.why FROM case_changes h WHERE h.tenant_id = c.tenant_id AND h.case_id = c.id
             ORDER BY h.seq LIMIT 1) AS said,
           c.author AS who, c.case_key AS key, c.source,
           c.expected_output ~ '\\S' OR c.assertions <> '[]' OR c.checks <> '[]' AS complete,
           NULL::text AS feedback_type, NULL::int AS score, NULL::float8 AS quality, NULL::float8 AS threshold,
           NULL::text AS model_name, NULL::uuid AS benchmark_run_id, NULL::int AS test_case_index, c.id AS case_id
      FROM golden_cases c
     WHERE c.status = 'pending' AND c.retired_at IS NULL AND c.source <> 'ad_hoc' AND c.{{kind}}
       AND {_PLACE.format(skill="c.skill_id", at="c.created_at", id="c.id")}
     ORDER BY c.created_at, c.id LIMIT %(limit)s"""
_FEEDBACK = f"""
    SELECT CASE WHEN f.feedback_type = 'training_example' THEN 'example' ELSE 'use' END AS kind, f.id, f.skill_id,
           f.created_at AS since, left(f.example_input, {MAX_INPUT}) AS input,
           left(coalesce(nullif(f.expected_output, ''), CASE WHEN f.good THEN f.example_output END, ''), {_MAX_TEXT})
               AS expected,
           CASE WHEN NOT f.good THEN left(f.example_output, {_MAX_TEXT}) END AS output, f.comment AS said,
           f.author AS who, NULL::text AS key, NULL::text AS source,
           coalesce(nullif(f.expected_output, ''), CASE WHEN f.good THEN f.example_output END, '') ~ '\\S' AS complete,
           f.feedback_type, f.quality_score AS score, j.quality, j.threshold, f.model_name, j.benchmark_run_id,
           j.test_case_index, NULL::uuid AS case_id
      FROM (SELECT *, feedback_type IN ('training_example', 'thumb_up')
                      OR feedback_type = 'rating' AND quality_score >= 7 AS good
              FROM skill_feedback f
             WHERE f.status = 'new' AND f.example_input IS NOT NULL AND f.example_input ~ '\\S'
               AND f.golden_case_id IS NULL AND f.{{kind}}
               AND {_PLACE.format(skill="f.skill_id", at="f.created_at", id="f.id")}
             ORDER BY f.created_at, f.id LIMIT %(limit)s) f
      LEFT JOIN LATERAL (
           SELECT b.quality_score AS quality, (r.plan ->> 'threshold')::float8 AS threshold, b.benchmark_run_id,
                  b.test_case_index
             FROM benchmark_runs r
             JOIN benchmark_results b ON b.tenant_id = r.tenant_id AND b.benchmark_run_id = r.id
            WHERE NOT f.good AND r.skill_id = f.skill_id AND b.state = 'judged'
              AND b.output_produced = f.example_output
              AND b.quality_score >= (r.plan ->> 'threshold')::float8
            ORDER BY r.created_at DESC LIMIT 1) j ON true"""
_RATINGS = f"""
    SELECT 'disagreement' AS kind, o.benchmark_result_id AS id, r.skill_id, o.rated_at AS since,
           left(b.input_used, {MAX_INPUT}) AS input, ''::text AS expected,
           left(b.output_produced, {_MAX_TEXT}) AS output, nullif(o.note, '') AS said, o.rater AS who,
           c.case_key AS key, NULL::text AS source, false AS complete, NULL::text AS feedback_type,
           o.score::int AS score, b.quality_score AS quality, (r.plan ->> 'threshold')::float8 AS threshold,
           b.model_name, b.benchmark_run_id, b.test_case_index, b.case_id
      FROM (SELECT DISTINCT ON (o.benchmark_result_id) o.*
              FROM output_ratings o
             WHERE o.score <= {LOW_RATING} OR o.score >= {HIGH_RATING}
             ORDER BY o.benchmark_result_id, o.rated_at, o.rater) o
      JOIN benchmark_results b ON b.tenant_id = o.tenant_id AND b.id = o.benchmark_result_id
      JOIN benchmark_runs r ON r.tenant_id = b.tenant_id AND r.id = b.benchmark_run_id
      JOIN golden_cases c ON c.tenant_id = b.tenant_id AND c.id = b.case_id
     WHERE b.state = 'judged'
       AND (o.score <= {LOW_RATING}) = (b.quality_score >= (r.plan ->> 'threshold')::float8)
       AND NOT EXISTS (SELECT 1 FROM output_decisions d
                        WHERE d.tenant_id = o.tenant_id AND d.benchmark_result_id = o.benchmark_result_id)
       AND {_PLACE.format(skill="r.skill_id", at="o.rated_at", id="o.benchmark_result_id")}
     ORDER BY o.rated_at, o.benchmark_result_id LIMIT %(limit)s"""


def _query(kind: WaitingKind | None) -> str:
    """The branches that a kind is in, each with its own order and limit, so that none is read to its end."""
    any_case, any_feedback = "source IS NOT NULL", "feedback_type IS NOT NULL"
    drafted, example = "source = 'drafted'", "feedback_type = 'training_example'"
    branches = {
        WaitingKind.DRAFTED: [_CASES.format(kind=drafted)],
        WaitingKind.PROPOSED: [_CASES.format(kind="source <> 'drafted'")],
        WaitingKind.EXAMPLE: [_FEEDBACK.format(kind=example)],
        WaitingKind.USE: [_FEEDBACK.format(kind="feedback_type <> 'training_example'")],
        WaitingKind.DISAGREEMENT: [_RATINGS],
        None: [_CASES.format(kind=any_case), _FEEDBACK.format(kind=any_feedback), _RATINGS],
    }[kind]
    joined = " UNION ALL ".join(f"({branch})" for branch in branches)
    return f"""SELECT q.*, s.name AS skill_name FROM ({joined}) q JOIN skills s ON s.id = q.skill_id
                ORDER BY q.since, q.id LIMIT %(limit)s"""


async def waiting(
    connection: Connection,
    *,
    skill_id: UUID | None,
    kind: WaitingKind | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
    id_prefix: str | None = None,
) -> list[Waiting]:
    """What has waited longest first, of one skill or kind where named, from after a row's (since, id) on."""
    at, last = after or (None, None)
    start = None if id_prefix is None else id_prefix.lower() + "%"
    async with connection.cursor(row_factory=record_row(Waiting)) as cursor:
        await cursor.execute(
            _query(kind).encode(), {"skill": skill_id, "at": at, "last": last, "limit": limit, "start": start}
        )
        return await cursor.fetchall()


async def count_waiting(connection: Connection, skill_id: UUID | None, *, most: int) -> dict[str, int]:
    """How much of each kind waits, of each at most `most`; kinds without any are left out."""
    values: dict[str, Any] = {"skill": skill_id, "at": None, "last": None, "limit": most, "start": None}
    counted = [f"SELECT '{kind.value}' AS kind, count(*)::int FROM ({_query(kind)}) AS one" for kind in WaitingKind]
    cursor = await connection.execute(" UNION ALL ".join(counted).encode(), values)
    return {row["kind"]: row["count"] for row in await cursor.fetchall() if row["count"]}


async def texts_to_compare(connection: Connection, skill_id: UUID, *, limit: int) -> list[CaseText]:
    """The skill's accepted and pending cases in use, the newest first."""
    async with connection.cursor(row_factory=record_row(CaseText)) as cursor:
        await cursor.execute(
            f"""SELECT id, case_key AS key, status, source, left(input, {MAX_INPUT}) AS input,
                       left(expected_output, {_MAX_TEXT}) AS expected
                  FROM golden_cases
                 WHERE skill_id = %s AND status <> 'rejected' AND retired_at IS NULL AND source <> 'ad_hoc'
                 ORDER BY created_at DESC, id LIMIT %s""".encode(),
            (skill_id, limit),
        )
        return await cursor.fetchall()


async def rated_output(connection: Connection, result_id: UUID) -> RatedOutput:
    """Raises NotFound."""
    async with connection.cursor(row_factory=record_row(RatedOutput)) as cursor:
        await cursor.execute(
            """SELECT r.skill_id, c.input, d.golden_case_id, d.who AS decided_by, d.why AS decided_why,
                      d.decided_at
                 FROM benchmark_results b
                 JOIN benchmark_runs r ON r.tenant_id = b.tenant_id AND r.id = b.benchmark_run_id
                 JOIN golden_cases c ON c.tenant_id = b.tenant_id AND c.id = b.case_id
                 LEFT JOIN output_decisions d ON d.tenant_id = b.tenant_id AND d.benchmark_result_id = b.id
                WHERE b.id = %s""",
            (result_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such output.")
    return row


async def decide_output(
    connection: Connection, tenant_id: UUID, result_id: UUID, by: By, golden_case_id: UUID | None
) -> bool:
    """Keep what was made of an output; False where it was decided on meanwhile."""
    cursor = await connection.execute(
        """INSERT INTO output_decisions (tenant_id, benchmark_result_id, golden_case_id, who, why)
           VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
        (tenant_id, result_id, golden_case_id, clean(by.who), clean(by.why)),
    )
    return cursor.rowcount == 1


async def cases_starting(connection: Connection, id_prefix: str) -> list[UUID]:
    """The cases in use or out of it whose id starts so, ad-hoc ones left out; at most two."""
    cursor = await connection.execute(
        "SELECT id FROM golden_cases WHERE id::text LIKE %s AND source <> 'ad_hoc' ORDER BY id LIMIT 2",
        (id_prefix.lower() + "%",),
    )
    return [row["id"] for row in await cursor.fetchall()]

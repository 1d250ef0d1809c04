"""A judge's grades of canaries, kept with the skill whose cases they are made of, and what they came to for a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.storage.database import Connection, clean, clean_json
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class CanaryPlace:
    """Which grading: one judge's, of one canary of a skill."""

    skill_id: UUID
    judge_digest: str
    canary_digest: str


@dataclass(frozen=True)
class CanaryRow:
    """One grading as stored. `replies` have output and stop_reason, in their order.

    `quality` is None until it is graded; `failure` says why the last grading came to nothing.
    """

    canary_digest: str
    replies: Sequence[Mapping[str, Any]]
    replied_at: datetime | None
    quality: float | None
    failure: str | None
    graded_at: datetime | None


@dataclass(frozen=True)
class CanaryCall:
    """One call as it came back: its reply, None where there was none, and what it took. Money in microcents."""

    reply: Mapping[str, Any] | None
    input_tokens: int
    output_tokens: int
    cost_microcents: int
    cost_known: bool
    price_version: str | None
    price_date: date | None


async def canary_rows(
    connection: Connection, skill_id: UUID, judge_digest: str, digests: Sequence[str]
) -> dict[str, CanaryRow]:
    """What is stored of those canaries, by digest."""
    async with connection.cursor(row_factory=record_row(CanaryRow)) as cursor:
        await cursor.execute(
            """SELECT canary_digest, replies, replied_at, quality, failure, graded_at FROM judge_canaries
                WHERE skill_id = %s AND judge_digest = %s AND canary_digest = ANY(%s)""",
            (skill_id, judge_digest, list(digests)),
        )
        return {row.canary_digest: row for row in await cursor.fetchall()}


def claim_key(place: CanaryPlace) -> str:
    """By which a worker claims this grading; no cell's, so that nothing but its release says that no call is out."""
    return f"canary:{place.skill_id}:{place.judge_digest}:{place.canary_digest}"


async def record_call(
    connection: Connection,
    tenant_id: UUID,
    place: CanaryPlace,
    call_key: UUID,
    call: CanaryCall,
    *,
    kind: str,
    judge: str,
    anew: bool,
) -> bool:
    """Keep what a call gave and took; with `anew` as the first of a new grading, in place of what an earlier one said.

    False, and nothing done, for a key that is counted: a write told lost may be asked for again.
    """
    replies = [] if call.reply is None else [call.reply]
    values = {
        "tenant": tenant_id,
        "skill": place.skill_id,
        "judge_digest": place.judge_digest,
        "canary": place.canary_digest,
        "kind": kind,
        "judge": clean(judge),
        "replies": Jsonb(clean_json(replies)),
        "key": call_key,
        "input": call.input_tokens,
        "output": call.output_tokens,
        "cost": call.cost_microcents,
        "lower": not call.cost_known,
        "version": call.price_version,
        "date": call.price_date,
        "anew": anew,
    }
    cursor = await connection.execute(
        """INSERT INTO judge_canaries AS c (tenant_id, skill_id, judge_digest, canary_digest, kind, judge, replies,
                                            replied_at, calls, call_keys, input_tokens, output_tokens, cost_microcents,
                                            cost_is_lower_bound, price_version, price_date)
           VALUES (%(tenant)s, %(skill)s, %(judge_digest)s, %(canary)s, %(kind)s, %(judge)s, %(replies)s, now(), 1,
                   ARRAY[%(key)s]::uuid[], %(input)s, %(output)s, %(cost)s, %(lower)s, %(version)s, %(date)s)
           ON CONFLICT (tenant_id, skill_id, judge_digest, canary_digest) DO UPDATE
              SET replies = CASE WHEN %(anew)s THEN EXCLUDED.replies ELSE c.replies || EXCLUDED.replies END,
                  replied_at = now(), calls = c.calls + 1, call_keys = c.call_keys || EXCLUDED.call_keys,
                  quality = NULL, matches_expected = NULL, graded_at = NULL, failure = NULL,
                  input_tokens = c.input_tokens + EXCLUDED.input_tokens,
                  output_tokens = c.output_tokens + EXCLUDED.output_tokens,
                  cost_microcents = c.cost_microcents + EXCLUDED.cost_microcents,
                  cost_is_lower_bound = c.cost_is_lower_bound OR EXCLUDED.cost_is_lower_bound,
                  price_version = coalesce(EXCLUDED.price_version, c.price_version),
                  price_date = coalesce(EXCLUDED.price_date, c.price_date)
            WHERE NOT %(key)s = ANY (c.call_keys)""",
        values,
    )
    return cursor.rowcount == 1


async def grade_canary(connection: Connection, place: CanaryPlace, quality: float, matches_expected: str) -> None:
    """Store what was read from the replies. `quality` 0-100."""
    await connection.execute(
        """UPDATE judge_canaries SET quality = %s, matches_expected = %s, failure = NULL, graded_at = now()
            WHERE skill_id = %s AND judge_digest = %s AND canary_digest = %s""",
        (quality, matches_expected, place.skill_id, place.judge_digest, place.canary_digest),
    )


async def fail_canary(connection: Connection, place: CanaryPlace, message: str) -> None:
    """Say why the grading came to nothing. A call that was never billed has left no row, and needs none."""
    await connection.execute(
        """UPDATE judge_canaries SET failure = %s
            WHERE skill_id = %s AND judge_digest = %s AND canary_digest = %s""",
        (clean(message), place.skill_id, place.judge_digest, place.canary_digest),
    )


async def add_examined(connection: Connection, run_id: UUID, microcents: int, *, juror: str | None = None) -> None:
    """Count one call of a judge's examination, and its cost, on the run it was made for.

    `juror`: the digest of the judge of a jury, for which it is counted besides.
    """
    await connection.execute(
        """UPDATE benchmark_runs
              SET examined_calls = examined_calls + 1, examined_microcents = examined_microcents + %s WHERE id = %s""",
        (microcents, run_id),
    )
    if juror is not None:
        await connection.execute(
            _JUROR.format(
                """jsonb_build_object('calls', coalesce((examination #>> %(calls)s)::bigint, 0) + 1,
                                      'microcents', coalesce((examination #>> %(cost)s)::bigint, 0) + %(new)s)"""
            ).encode(),
            {
                "run": run_id,
                "juror": juror,
                "calls": ["jury", juror, "calls"],
                "cost": ["jury", juror, "microcents"],
                "new": microcents,
            },
        )


async def note_examining(connection: Connection, run_id: UUID, judge_digest: str, outputs: int, done: int) -> None:
    """Say on the run how many of the outputs a judge of it is examined on are graded so far."""
    await connection.execute(
        """UPDATE benchmark_runs SET examining = coalesce(examining, '{}') || %(new)s
            WHERE id = %(run)s AND NOT coalesce(examining, '{}') @> %(new)s""",
        {"new": Jsonb({judge_digest: {"outputs": outputs, "done": done}}), "run": run_id},
    )


async def store_examination(
    connection: Connection, run_id: UUID, examination: Mapping[str, Any], *, juror: str | None = None
) -> bool:
    """Keep on the run what its judge was found to be; returns whether the judge is accepted whatever that is.

    `juror`: the digest of the judge of a jury, beside whose examination those of the others stand.
    """
    values = {"run": run_id, "juror": juror, "new": Jsonb(clean_json(examination))}
    if juror is None:
        query = """UPDATE benchmark_runs SET examination = %(new)s
                    WHERE id = %(run)s AND examination IS DISTINCT FROM %(new)s"""
    else:
        query = _JUROR.format("jsonb_build_object('examination', %(new)s::jsonb)")
    await connection.execute(query.encode(), values)
    await connection.execute(
        """UPDATE benchmark_runs SET examining = CASE WHEN %(juror)s::text IS NULL THEN NULL
                                                      ELSE nullif(examining - %(juror)s::text, '{}') END
            WHERE id = %(run)s AND examining IS NOT NULL""",
        {"run": run_id, "juror": juror},
    )
    cursor = await connection.execute("SELECT accept_judge FROM benchmark_runs WHERE id = %s", (run_id,))
    row = await cursor.fetchone()
    return bool(row and row["accept_judge"])


# A jury's examination has its judges' by their digests: {"jury": {digest: {examination, calls, microcents}}}.
_JUROR = """
    UPDATE benchmark_runs
       SET examination = jsonb_build_object(
               'jury',
               coalesce(examination -> 'jury', '{{}}') || jsonb_build_object(
                   %(juror)s::text, coalesce(examination -> 'jury' -> %(juror)s::text, '{{}}') || {}))
     WHERE id = %(run)s
"""

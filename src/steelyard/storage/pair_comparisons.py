"""A judge's comparisons of two outputs, kept with the skill under what was shown; and the answers to be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.tie_breaks import Preference
from steelyard.storage.database import Connection, clean, clean_json
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class PairPlace:
    """Which comparison: one judge's, of two outputs in one order, for a skill."""

    skill_id: UUID
    judge_digest: str
    comparison_digest: str


@dataclass(frozen=True)
class PairRow:
    """One comparison as stored. `replies` have output and stop_reason, in their order; `preference` is None until one
    was read from them, `failure` says why the last try came to nothing."""

    comparison_digest: str
    replies: Sequence[Mapping[str, Any]]
    preference: str | None
    failure: str | None


@dataclass(frozen=True)
class PairCall:
    """One call as it came back: its reply, None where there was none, and what it took. Money in microcents."""

    reply: Mapping[str, Any] | None
    input_tokens: int
    output_tokens: int
    cost_microcents: int
    cost_known: bool
    price_version: str | None
    price_date: date | None


@dataclass(frozen=True)
class TiedAnswer:
    """One usable answer of a tied model."""

    model_name: str
    test_case_index: int
    trial: int
    output_produced: str


async def any_meet(connection: Connection, run_id: UUID, arm: str, models: Sequence[str]) -> bool:
    """Whether any two of those models have a usable answer on one case and trial."""
    cursor = await connection.execute(
        """SELECT FROM benchmark_results
            WHERE benchmark_run_id = %s AND arm = %s AND model_name = ANY(%s) AND state <> 'failed'
              AND output_produced IS NOT NULL
            GROUP BY test_case_index, trial HAVING count(DISTINCT model_name) > 1 LIMIT 1""",
        (run_id, arm, list(models)),
    )
    return await cursor.fetchone() is not None


async def tied_answers(connection: Connection, run_id: UUID, arm: str, models: Sequence[str]) -> list[TiedAnswer]:
    """Every usable answer of those models in one arm, in an order that never varies."""
    async with connection.cursor(row_factory=record_row(TiedAnswer)) as cursor:
        await cursor.execute(
            """SELECT model_name, test_case_index, trial, output_produced FROM benchmark_results
                WHERE benchmark_run_id = %s AND arm = %s AND model_name = ANY(%s) AND state <> 'failed'
                  AND output_produced IS NOT NULL
                ORDER BY model_name, test_case_index, trial""",
            (run_id, arm, list(models)),
        )
        return await cursor.fetchall()


async def pair_rows(
    connection: Connection, skill_id: UUID, judge_digest: str, digests: Sequence[str]
) -> dict[str, PairRow]:
    """What is stored of those comparisons, by digest."""
    async with connection.cursor(row_factory=record_row(PairRow)) as cursor:
        await cursor.execute(
            """SELECT comparison_digest, replies, preference, failure FROM pair_comparisons
                WHERE skill_id = %s AND judge_digest = %s AND comparison_digest = ANY(%s)""",
            (skill_id, judge_digest, list(digests)),
        )
        return {row.comparison_digest: row for row in await cursor.fetchall()}


async def record_call(
    connection: Connection, tenant_id: UUID, place: PairPlace, call_key: UUID, call: PairCall, *, judge: str, anew: bool
) -> bool:
    """Keep what a call gave and took; with `anew` as the first of a new try, in place of what an earlier one said.

    False, and nothing done, for a key that is counted: a write told lost may be asked for again.
    """
    cursor = await connection.execute(
        """INSERT INTO pair_comparisons AS c (tenant_id, skill_id, judge_digest, comparison_digest, judge, replies,
                                              calls, call_keys, input_tokens, output_tokens, cost_microcents,
                                              cost_is_lower_bound, price_version, price_date)
           VALUES (%(tenant)s, %(skill)s, %(judge_digest)s, %(comparison)s, %(judge)s, %(replies)s, 1,
                   ARRAY[%(key)s]::uuid[], %(input)s, %(output)s, %(cost)s, %(lower)s, %(version)s, %(date)s)
           ON CONFLICT (tenant_id, skill_id, judge_digest, comparison_digest) DO UPDATE
              SET replies = CASE WHEN %(anew)s THEN EXCLUDED.replies ELSE c.replies || EXCLUDED.replies END,
                  calls = c.calls + 1, call_keys = c.call_keys || EXCLUDED.call_keys, failure = NULL,
                  input_tokens = c.input_tokens + EXCLUDED.input_tokens,
                  output_tokens = c.output_tokens + EXCLUDED.output_tokens,
                  cost_microcents = c.cost_microcents + EXCLUDED.cost_microcents,
                  cost_is_lower_bound = c.cost_is_lower_bound OR EXCLUDED.cost_is_lower_bound,
                  price_version = coalesce(EXCLUDED.price_version, c.price_version),
                  price_date = coalesce(EXCLUDED.price_date, c.price_date)
            WHERE NOT %(key)s = ANY (c.call_keys)""",
        {
            "tenant": tenant_id,
            "skill": place.skill_id,
            "judge_digest": place.judge_digest,
            "comparison": place.comparison_digest,
            "judge": clean(judge),
            "replies": Jsonb(clean_json([] if call.reply is None else [call.reply])),
            "key": call_key,
            "input": call.input_tokens,
            "output": call.output_tokens,
            "cost": call.cost_microcents,
            "lower": not call.cost_known,
            "version": call.price_version,
            "date": call.price_date,
            "anew": anew,
        },
    )
    return cursor.rowcount == 1


async def store_preference(connection: Connection, place: PairPlace, preference: Preference) -> bool:
    """Keep what was read from the replies. False: it was kept before."""
    cursor = await connection.execute(
        """UPDATE pair_comparisons SET preference = %s, failure = NULL, compared_at = now()
            WHERE skill_id = %s AND judge_digest = %s AND comparison_digest = %s AND preference IS NULL""",
        (preference.value, place.skill_id, place.judge_digest, place.comparison_digest),
    )
    return cursor.rowcount == 1


async def fail_comparison(connection: Connection, place: PairPlace, message: str) -> None:
    """Say why a comparison came to nothing. A call that was never billed has left no row, and needs none."""
    await connection.execute(
        """UPDATE pair_comparisons SET failure = %s
            WHERE skill_id = %s AND judge_digest = %s AND comparison_digest = %s""",
        (clean(message), place.skill_id, place.judge_digest, place.comparison_digest),
    )

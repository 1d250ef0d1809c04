"""What a skill's uses took by model in two stretches of days, how long their inputs were, and what it has of texts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class ModelStretch:
    """One model before (`later` False) or from a day on.

    The first seven are of those days, of those versions, of which every use has a known cost; `other_uses` and
    `other_cost_microcents` are of the others.
    """

    model_name: str
    later: bool
    uses: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_microcents: int
    other_uses: int
    other_cost_microcents: int


@dataclass(frozen=True)
class ModelWindow:
    """What a model's uses of some days took; of `cost_unknown` of them nothing is in the cost."""

    model_name: str
    uses: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_microcents: int
    cost_unknown: int


@dataclass(frozen=True)
class InputLengths:
    """Input tokens of the uses of a model: how many uses, and the 10th, 50th and 90th percentile, None without any.

    `within` counts those from `least` to `most` tokens long, `shorter` and `longer` the others.
    """

    uses: int
    p10: float | None
    p50: float | None
    p90: float | None
    within: int
    shorter: int
    longer: int


@dataclass(frozen=True)
class CaseTokens:
    """The mean tokens of a model's answers to one case of a run, over its trials; None where they were not told."""

    model_name: str
    test_case_index: int
    input_tokens: float | None
    output_tokens: float | None


async def model_stretches(
    connection: Connection, skill_id: UUID, *, first: date, middle: date, last: date
) -> list[ModelStretch]:
    """Each model's uses from first to before middle, and from middle to last."""
    known = "FILTER (WHERE cost_unknown = 0)"
    sums = ", ".join(
        f"coalesce(sum({name}) {known}, 0)::bigint AS {name}"
        for name in (
            "uses",
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "reasoning_tokens",
            "cost_microcents",
        )
    )
    other = "FILTER (WHERE cost_unknown > 0)"
    async with connection.cursor(row_factory=record_row(ModelStretch)) as cursor:
        await cursor.execute(
            f"""SELECT model_name, day >= %(middle)s AS later, {sums},
                       coalesce(sum(uses) {other}, 0)::bigint AS other_uses,
                       coalesce(sum(cost_microcents) {other}, 0)::bigint AS other_cost_microcents
                  FROM measurement_daily WHERE skill_id = %(skill)s AND day BETWEEN %(first)s AND %(last)s
                 GROUP BY 1, 2 ORDER BY 1, 2""".encode(),
            {"skill": skill_id, "first": first, "middle": middle, "last": last},
        )
        return await cursor.fetchall()


async def model_windows(connection: Connection, skill_id: UUID, first: date, last: date) -> list[ModelWindow]:
    """Each model's uses of those days, the most used first."""
    async with connection.cursor(row_factory=record_row(ModelWindow)) as cursor:
        await cursor.execute(
            """SELECT model_name, sum(uses)::bigint AS uses, sum(input_tokens)::bigint AS input_tokens,
                      sum(output_tokens)::bigint AS output_tokens, sum(cache_read_tokens)::bigint AS cache_read_tokens,
                      sum(cache_write_tokens)::bigint AS cache_write_tokens,
                      sum(reasoning_tokens)::bigint AS reasoning_tokens,
                      sum(cost_microcents)::bigint AS cost_microcents, sum(cost_unknown)::bigint AS cost_unknown
                 FROM measurement_daily WHERE skill_id = %s AND day BETWEEN %s AND %s
                GROUP BY 1 ORDER BY uses DESC, model_name""",
            (skill_id, first, last),
        )
        return await cursor.fetchall()


async def input_lengths(
    connection: Connection, skill_id: UUID, model_name: str, *, first: date, last: date, least: float, most: float
) -> InputLengths:
    """Of every use of those UTC days."""
    async with connection.cursor(row_factory=record_row(InputLengths)) as cursor:
        await cursor.execute(
            """SELECT uses, quantiles[1] AS p10, quantiles[2] AS p50, quantiles[3] AS p90, within, shorter, longer
                 FROM (SELECT count(*)::int AS uses,
                              percentile_cont(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP (ORDER BY input_tokens) AS quantiles,
                              count(*) FILTER (WHERE input_tokens BETWEEN %(least)s AND %(most)s)::int AS within,
                              count(*) FILTER (WHERE input_tokens < %(least)s)::int AS shorter,
                              count(*) FILTER (WHERE input_tokens > %(most)s)::int AS longer
                         FROM token_measurements
                        WHERE skill_id = %(skill)s AND model_name = %(model)s
                          AND measured_at >= (%(first)s::date)::timestamp AT TIME ZONE 'UTC'
                          AND measured_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC') counted""",
            {"skill": skill_id, "first": first, "last": last, "model": model_name, "least": least, "most": most},
        )
        row = await cursor.fetchone()
    assert row is not None
    return row


async def case_tokens(connection: Connection, run_id: UUID, arm: str) -> list[CaseTokens]:
    """Of every case and model of a run that has an answer in this arm."""
    async with connection.cursor(row_factory=record_row(CaseTokens)) as cursor:
        await cursor.execute(
            """SELECT model_name, test_case_index, avg(input_tokens)::float8 AS input_tokens,
                      avg(output_tokens)::float8 AS output_tokens
                 FROM benchmark_results
                WHERE benchmark_run_id = %s AND arm = %s AND state <> 'failed'
                GROUP BY 1, 2 ORDER BY 1, 2""",
            (run_id, arm),
        )
        return await cursor.fetchall()


async def texts_of_use(connection: Connection, skill_id: UUID, limit: int) -> list[str]:
    """The starts of the newest inputs that came with feedback, which are what there is of inputs in use."""
    cursor = await connection.execute(
        """SELECT left(example_input, 1000) AS text FROM skill_feedback
            WHERE skill_id = %s AND example_input <> '' ORDER BY created_at DESC, id LIMIT %s""",
        (skill_id, limit),
    )
    return [row["text"] for row in await cursor.fetchall()]


async def case_inputs(connection: Connection, ids: list[UUID]) -> list[tuple[str, str | None]]:
    """(start of the input, family) of each of these golden cases, in their order."""
    cursor = await connection.execute(
        """SELECT left(g.input, 1000) AS text, g.family FROM unnest(%s::uuid[]) WITH ORDINALITY AS wanted (id, place)
             JOIN golden_cases g ON g.id = wanted.id ORDER BY wanted.place""",
        (ids,),
    )
    return [(row["text"], row["family"]) for row in await cursor.fetchall()]

"""The large tenant: the small one, with thousands of skills, runs and results and millions of measurements on top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import numpy.typing as npt
from psycopg.types.json import Jsonb

from benchmarks.pages.alike import MODELS, Base, bases_of, vary
from benchmarks.pages.copying import fill_table, uuid_of, uuids, words_of
from benchmarks.pages.library import MAIN
from benchmarks.pages.measurements import add_measurements
from benchmarks.pages.skills import add_skills
from benchmarks.pages.small import RUNS, small_tenant
from steelyard.domain.feedback import POSITIVE_FROM
from steelyard.execution.outcome import Outcome
from steelyard.execution.plan import Plan
from steelyard.storage import run_models, runs
from steelyard.storage.database import Connection, Database
from steelyard.storage.figures import CellFigures

Say = Callable[[str], None]


@dataclass(frozen=True)
class Scale:
    """How much there is to be: skills in all; runs and results of one skill; measurements of all of them."""

    skills: int = 10_000
    runs: int = 1_000
    results: int = 100_000
    measurements: int = 10_000_000
    seed: int = 1


async def large_tenant(
    database: Database,
    tenant_id: UUID,
    scale: Scale,
    *,
    say: Say = lambda _: None,
    now: datetime | None = None,
    real_runs: int = RUNS,
) -> UUID:
    """Fill an empty tenant; returns the id of the skill that has the runs, `real_runs` of them really run."""
    now = now or datetime.now(UTC)
    dice = np.random.default_rng(scale.seed)
    main = await small_tenant(database, tenant_id, seed=scale.seed, now=now, runs=real_runs)
    say("The small tenant is there.")
    async with database.tenant(tenant_id) as connection:
        bases = await bases_of(connection, main)
        have = await (await connection.execute("SELECT count(*)::int AS count FROM skills")).fetchone()
        assert have is not None
        await add_skills(connection, tenant_id, max(0, scale.skills - have["count"]), bases, dice, now)
    say(f"{scale.skills:,} skills are there.")
    async with database.tenant(tenant_id) as connection:
        row = await (
            await connection.execute("SELECT count(*)::int AS count FROM benchmark_runs WHERE skill_id = %s", (main,))
        ).fetchone()
        assert row is not None
        await _add_runs(connection, max(0, scale.runs - row["count"]), scale.results, bases, dice, now)
        await _add_feedback(connection, tenant_id, main, dice, now)
    say(f"{scale.runs:,} runs with {scale.results:,} results of {MAIN} are there.")
    await add_measurements(database, tenant_id, main, scale.measurements, dice, now, say)
    return main


async def _add_runs(
    connection: Connection,
    count: int,
    results_wanted: int,
    bases: Sequence[Base],
    dice: np.random.Generator,
    now: datetime,
) -> None:
    """Runs of record over the year, each like one of the bases, and their results and judgements."""
    ids = uuids(dice.integers(0, 2**60, count, np.uint64), dice.integers(0, 2**62, count, np.uint64))
    cells: list[tuple[int, UUID, CellFigures]] = []
    for index in range(count):
        base = bases[index % len(bases)]
        models = [base.plan.models[place] for place in sorted(dice.permutation(len(base.plan.models))[:MODELS])]
        plan, outcome, varied = vary(base, models, dice)
        at = now - timedelta(days=float(dice.uniform(_AFTER_LAST_DAYS, 364)))
        await _insert_run(connection, base.run, uuid_of(ids[index]), plan, outcome, at)
        if len(cells) < results_wanted:
            cells += [(index, row_id, cell) for row_id, cell in varied]
    await _insert_results(connection, cells, ids, dice)
    await _count_judgements(connection, [uuid_of(words) for words in ids])
    await run_models.write_models(connection, [uuid_of(words) for words in ids])
    await run_models.refresh_standing(connection, list({base.run.skill_id for base in bases}))


_AFTER_LAST_DAYS = 13


async def _insert_run(
    connection: Connection, like: runs.RunRow, run_id: UUID, plan: Plan, outcome: Outcome, at: datetime
) -> None:
    headline = outcome.headline
    await connection.execute(
        """INSERT INTO benchmark_runs (
               tenant_id, id, skill_id, skill_version_id, triggered_by, status, of_record, models, plan, plan_digest,
               planned, seed, fresh, judge, judge_digest, spent_microcents, judge_spent_microcents,
               spent_is_lower_bound, verdict, best_model, best_quality_score, cheapest_model, cheapest_cost_microcents,
               verdict_kind, headline_model, headline_quality, headline_quality_low, headline_quality_high,
               headline_cost_microcents, created_at, started_at, completed_at)
           VALUES (%s, %s, %s, %s, 'api', 'completed', true, %s, %s, %s, %s, %s, true, %s, %s, %s, %s, %s, %s, %s, %s,
                   %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            like.tenant_id,
            run_id,
            like.skill_id,
            like.skill_version_id,
            list(plan.models),
            Jsonb(plan.to_json()),
            plan.digest,
            plan.planned,
            plan.seed,
            plan.judge,
            plan.judge_digest,
            like.spent_microcents,
            like.judge_spent_microcents,
            like.spent_is_lower_bound,
            Jsonb(outcome.to_json()),
            *(outcome.best_observed or (None, None)),
            *(outcome.cheapest_observed or (None, None)),
            outcome.verdict.kind,
            *(astuple(headline) if headline else (None,) * 5),
            at,
            at + timedelta(seconds=1),
            at + timedelta(minutes=3),
        ),
    )


async def _count_judgements(connection: Connection, run_ids: Sequence[UUID]) -> None:
    """What the end of a run stores beside its outcome; none of these judgements has a flag."""
    await connection.execute(
        """UPDATE benchmark_runs r
              SET verdict = verdict || jsonb_build_object('judgements', jsonb_build_object('flagged', 0, 'judgements', (
                  SELECT count(*) FROM benchmark_results b JOIN judgements j ON j.benchmark_result_id = b.id
                   WHERE b.benchmark_run_id = r.id)))
            WHERE r.id = ANY(%s)""",
        (list(run_ids),),
    )


async def _insert_results(
    connection: Connection,
    cells: Sequence[tuple[int, UUID, CellFigures]],
    run_ids: npt.NDArray[np.uint64],
    dice: np.random.Generator,
) -> None:
    count = len(cells)
    if not count:
        return
    high = np.sort(dice.integers(0, 2**62, count, np.uint64))
    own = uuids(high, dice.integers(0, 2**62, count, np.uint64))
    qualities = [-1.0 if cell.quality_score is None else cell.quality_score for *_, cell in cells]
    latencies = [-1.0 if cell.latency_ms is None else cell.latency_ms for *_, cell in cells]
    await fill_table(
        connection,
        "sent_cells",
        {
            "id": ("uuid", own),
            "run_id": ("uuid", run_ids[[index for index, *_ in cells]]),
            "like_id": ("uuid", words_of([row_id for _, row_id, _ in cells])),
            "quality": ("real", np.array(qualities)),
            "latency": ("real", np.array(latencies)),
        },
    )
    await connection.execute(
        """INSERT INTO benchmark_results (
               tenant_id, id, benchmark_run_id, model_name, model_provider, arm, trial, test_case_index, case_id,
               cell_digest, grading_digest, state, attempt, input_used, output_produced, expected_output, input_tokens,
               output_tokens, total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, latency_ms,
               stop_reason, effective_settings, estimated_cost_microcents, price_version, price_date,
               judge_cost_microcents, quality_score, passed, quality_notes, matches_expected, checks, failure_kind,
               error_message, created_at, graded_at)
           SELECT b.tenant_id, s.id, s.run_id, b.model_name, b.model_provider, b.arm, b.trial, b.test_case_index,
                  b.case_id, b.cell_digest, b.grading_digest, b.state, b.attempt, b.input_used, b.output_produced,
                  b.expected_output, b.input_tokens, b.output_tokens, b.total_tokens, b.cache_read_tokens,
                  b.cache_write_tokens, b.reasoning_tokens, nullif(s.latency, -1), b.stop_reason,
                  b.effective_settings, b.estimated_cost_microcents, b.price_version, r.created_at::date,
                  b.judge_cost_microcents, nullif(s.quality, -1), s.quality >= 80, b.quality_notes,
                  b.matches_expected, b.checks, b.failure_kind, b.error_message, r.started_at, r.completed_at
             FROM sent_cells s
             JOIN benchmark_results b ON b.id = s.like_id
             JOIN benchmark_runs r ON r.id = s.run_id"""
    )
    await connection.execute(
        """INSERT INTO judgements (
               tenant_id, benchmark_result_id, judge, judge_digest, grading_digest, quality, criteria,
               differences_from_expected, matches_expected, notes, flags, input_tokens, output_tokens, calls,
               cost_microcents, created_at)
           SELECT j.tenant_id, s.id, j.judge, j.judge_digest, j.grading_digest, s.quality, j.criteria,
                  j.differences_from_expected, j.matches_expected, j.notes, j.flags, j.input_tokens, j.output_tokens,
                  j.calls, j.cost_microcents, j.created_at
             FROM sent_cells s JOIN judgements j ON j.benchmark_result_id = s.like_id WHERE s.quality >= 0"""
    )


async def _add_feedback(
    connection: Connection, tenant_id: UUID, skill_id: UUID, dice: np.random.Generator, now: datetime
) -> None:
    """Five thousand pieces on the main skill, as many as a page of it will ever have to add up."""
    count = 5_000
    at = int(now.timestamp() * 1e6) - (dice.random(count) ** 2 * 364 * 86_400e6).astype(np.int64)
    await fill_table(
        connection,
        "sent_feedback",
        {
            "at": ("time", at),
            "kind": ("int", dice.integers(0, 3, count)),
            "score": ("int", dice.integers(3, 11, count)),
        },
    )
    await connection.execute(
        """INSERT INTO skill_feedback (tenant_id, skill_id, feedback_type, quality_score, created_at)
           SELECT %s, %s, (ARRAY['thumb_up', 'thumb_down', 'rating'])[kind + 1], CASE kind WHEN 2 THEN score END, at
             FROM sent_feedback""",
        (tenant_id, skill_id),
    )
    await connection.execute(
        """UPDATE skills k SET feedback_total = c.total, feedback_positive = c.positive, feedback_negative = c.negative
             FROM (SELECT count(*) AS total,
                          count(*) FILTER (WHERE feedback_type = 'thumb_up' OR quality_score >= %s
                                             AND feedback_type = 'rating') AS positive,
                          count(*) FILTER (WHERE feedback_type = 'thumb_down' OR quality_score < %s
                                             AND feedback_type = 'rating') AS negative
                     FROM skill_feedback WHERE skill_id = %s) c
            WHERE k.id = %s""",
        (POSITIVE_FROM, POSITIVE_FROM, skill_id, skill_id),
    )

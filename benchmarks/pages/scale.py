"""The large tenant: the small one, with thousands of skills, runs and results and millions of measurements on top."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import numpy.typing as npt
from psycopg.types.json import Jsonb

from benchmarks.pages.copying import fill_table, uuids, words_of
from benchmarks.pages.library import MAIN
from benchmarks.pages.measurements import add_measurements
from benchmarks.pages.small import RUNS, small_tenant
from steelyard.domain.feedback import POSITIVE_FROM
from steelyard.domain.runs import Arm
from steelyard.execution.outcome import Outcome, work_out
from steelyard.execution.plan import Plan
from steelyard.storage import run_models, runs
from steelyard.storage.cases import cases_by_id
from steelyard.storage.database import Connection, Database
from steelyard.storage.figures import CellFigures, run_figures

Say = Callable[[str], None]
_CASES, _MODELS = 20, 5
_BENCHMARKED = 0.6


@dataclass(frozen=True)
class Scale:
    """How much there is to be: skills in all; runs and results of one skill; measurements of all of them."""

    skills: int = 10_000
    runs: int = 1_000
    results: int = 100_000
    measurements: int = 10_000_000
    seed: int = 1


@dataclass(frozen=True)
class _Base:
    """A run of the small tenant that others are made like: its cells in the compared arm, by row id."""

    run: runs.RunRow
    plan: Plan
    families: Sequence[str | None]
    cells: Sequence[tuple[UUID, CellFigures]]


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
        bases = await _bases(connection, main)
        have = await (await connection.execute("SELECT count(*)::int AS count FROM skills")).fetchone()
        assert have is not None
        await _add_skills(connection, tenant_id, max(0, scale.skills - have["count"]), bases, dice, now)
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


async def _bases(connection: Connection, skill_id: UUID) -> list[_Base]:
    """The runs of record with enough cases and models, their cells with the skill alone."""
    found: list[_Base] = []
    for run in await runs.list_runs(connection, skill_id=skill_id, limit=100):
        plan = Plan.from_json(run.plan)
        if not run.of_record or len(plan.case_ids) < _CASES or len(plan.models) < _MODELS:
            continue
        figures = await run_figures(connection, run.id)
        cursor = await connection.execute(
            """SELECT id FROM benchmark_results WHERE benchmark_run_id = %s
                ORDER BY model_name, arm, test_case_index, trial""",
            (run.id,),
        )
        ids = [row["id"] for row in await cursor.fetchall()]
        kept = [pair for pair in zip(ids, figures, strict=True) if pair[1].arm == Arm.WITH_SKILL]
        cases = await cases_by_id(connection, plan.case_ids)
        found.append(_Base(run, plan, [cases[case_id].family for case_id in plan.case_ids], kept))
    return found


def _vary(
    base: _Base, models: Sequence[str], dice: np.random.Generator
) -> tuple[Plan, Outcome, list[tuple[UUID, CellFigures]]]:
    """A run like this one: some of its models and cases, its qualities moved a little, its outcome worked out."""
    places = [base.plan.models.index(model) for model in models]
    plan = replace(
        base.plan,
        models=tuple(models),
        identities=tuple(base.plan.identities[place] for place in places),
        case_ids=base.plan.case_ids[:_CASES],
        arms=(Arm.WITH_SKILL,),
    )
    cells = [
        (row_id, _moved(cell, dice))
        for row_id, cell in base.cells
        if cell.model_name in models and cell.test_case_index < _CASES
    ]
    look = int(dice.integers(1, 3))
    return plan, work_out(plan, base.families[:_CASES], [cell for _, cell in cells], look=look), cells


def _moved(cell: CellFigures, dice: np.random.Generator) -> CellFigures:
    if cell.quality_score is None:
        return cell
    quality = float(np.clip(cell.quality_score + dice.choice([0, 0, 0, -20, -4, 4]), 0, 100))
    latency = None if cell.latency_ms is None else cell.latency_ms * float(dice.uniform(0.7, 1.4))
    return replace(cell, quality_score=quality, passed=quality >= 80, latency_ms=latency)


async def _add_runs(
    connection: Connection,
    count: int,
    results_wanted: int,
    bases: Sequence[_Base],
    dice: np.random.Generator,
    now: datetime,
) -> None:
    """Runs of record over the year, each like one of the bases, and their results and judgements."""
    ids = uuids(dice.integers(0, 2**60, count, np.uint64), dice.integers(0, 2**62, count, np.uint64))
    cells: list[tuple[int, UUID, CellFigures]] = []
    for index in range(count):
        base = bases[index % len(bases)]
        models = [base.plan.models[place] for place in sorted(dice.permutation(len(base.plan.models))[:_MODELS])]
        plan, outcome, varied = _vary(base, models, dice)
        at = now - timedelta(days=float(dice.uniform(_AFTER_LAST_DAYS, 364)))
        await _insert_run(connection, base.run, _uuid(ids[index]), plan, outcome, at)
        if len(cells) < results_wanted:
            cells += [(index, row_id, cell) for row_id, cell in varied]
    await _insert_results(connection, cells, ids, dice)
    await run_models.write_models(connection, [_uuid(words) for words in ids])
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


_AREAS = ("sales", "legal", "ops", "hr", "finance", "support", "design", "data", "field", "lab", "press", "travel")
_TASKS = ("summary", "triage", "draft", "check", "digest", "reply", "lookup", "tagging", "report", "cleanup", "rewrite")


async def _add_skills(
    connection: Connection,
    tenant_id: UUID,
    count: int,
    bases: Sequence[_Base],
    dice: np.random.Generator,
    now: datetime,
) -> None:
    """Skills with a version, a file and three cases each; most with a run of record, whose cells are not there."""
    if not count:
        return
    numbers = np.arange(count)
    words = [(dice.integers(0, 2**62, count, np.uint64), dice.integers(0, 2**62, count, np.uint64)) for _ in range(3)]
    ids, versions, run_ids = (uuids(*pair) for pair in words)
    area, task = dice.integers(0, len(_AREAS), count), dice.integers(0, len(_TASKS), count)
    made = int(now.timestamp() * 1e6) - (dice.random(count) * 400 * 86_400e6 + 86_400e6 * 90).astype(np.int64)
    pool = [_vary(base, base.plan.models[:_MODELS], dice) for base in bases for _ in range(20)]
    await connection.execute(
        "CREATE TEMPORARY TABLE pool (number integer, plan jsonb, verdict jsonb, models text[], kind text, model text,"
        " quality float8, low float8, high float8, cost bigint) ON COMMIT DROP"
    )
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO pool VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    number,
                    json.dumps(plan.to_json()),
                    json.dumps(outcome.to_json()),
                    list(plan.models),
                    outcome.verdict.kind,
                    *(astuple(outcome.headline) if outcome.headline else (None,) * 5),
                )
                for number, (plan, outcome, _) in enumerate(pool)
            ],
        )
    await fill_table(
        connection,
        "sent_skills",
        {
            "id": ("uuid", ids),
            "version_id": ("uuid", versions),
            "run_id": ("uuid", run_ids),
            "number": ("int", numbers),
            "area": ("int", area + 1),
            "task": ("int", task + 1),
            "made_at": ("time", made),
            "verdict": ("int", np.where(dice.random(count) < _BENCHMARKED, dice.integers(0, len(pool), count), -1)),
            "run_age": ("real", dice.gamma(2, 30, count) + 0.1),
            "changed": ("int", (dice.random(count) < 0.1).astype(np.int64)),
            "ups": ("int", dice.poisson(4, count) * (dice.random(count) < 0.3)),
            "downs": ("int", dice.poisson(1, count) * (dice.random(count) < 0.3)),
        },
    )
    await connection.execute("SELECT set_config('app.areas', %s, true)", (",".join(_AREAS),))
    await connection.execute("SELECT set_config('app.tasks', %s, true)", (",".join(_TASKS),))
    for statement in _SKILL_STATEMENTS:
        await connection.execute(statement, {"tenant": tenant_id, "now": now})
    await run_models.write_models(connection, [_uuid(words) for words in run_ids])
    await run_models.refresh_standing(connection, [_uuid(words) for words in ids])


_SKILL_STATEMENTS = (
    """INSERT INTO skills (tenant_id, id, name, description, created_at, updated_at, version_since, feedback_total,
                           feedback_positive, feedback_negative, accepted_cases, cases_changed_at)
       SELECT %(tenant)s, id, area_name || '-' || task_name || '-' || lpad(number::text, 5, '0'),
              'Makes a ' || task_name || ' for the ' || area_name || ' team from whatever it is given.',
              made_at, made_at, CASE WHEN changed = 1 THEN %(now)s ELSE made_at END, ups + downs, ups, downs, 3, made_at
         FROM (SELECT *, split_part(current_setting('app.areas'), ',', area) AS area_name,
                      split_part(current_setting('app.tasks'), ',', task) AS task_name FROM sent_skills) named""",
    """INSERT INTO skill_versions (tenant_id, id, skill_id, digest, prompt, body, created_at)
       SELECT %(tenant)s, version_id, id, md5(id::text), 'Do it well.', E'# Steps\n\nDo it well.', made_at
         FROM sent_skills""",
    """INSERT INTO skill_files (tenant_id, skill_version_id, path, content)
       SELECT %(tenant)s, version_id, 'SKILL.md', convert_to(E'# Steps\n\nDo it well.\n', 'UTF8') FROM sent_skills""",
    """INSERT INTO golden_cases (tenant_id, skill_id, case_key, digest, input, expected_output, source, created_at)
       SELECT %(tenant)s, id, n::text, md5(id::text || n), 'Input ' || n, 'Output ' || n, 'file', made_at
         FROM sent_skills, generate_series(1, 3) AS n""",
    """INSERT INTO skill_feedback (tenant_id, skill_id, feedback_type, created_at)
       SELECT %(tenant)s, id, CASE WHEN n <= ups THEN 'thumb_up' ELSE 'thumb_down' END,
              made_at + (%(now)s - made_at) * random()
         FROM sent_skills, generate_series(1, ups + downs) AS n""",
    """INSERT INTO benchmark_runs (
           tenant_id, id, skill_id, skill_version_id, triggered_by, status, of_record, models, plan, plan_digest,
           planned, seed, verdict, best_model, best_quality_score, verdict_kind, headline_model, headline_quality,
           headline_quality_low, headline_quality_high, headline_cost_microcents, created_at, started_at, completed_at)
       SELECT %(tenant)s, s.run_id, s.id, s.version_id, 'api', 'completed', true, p.models, p.plan, md5(s.id::text),
              100, 1, p.verdict, p.model, p.quality, p.kind, p.model, p.quality, p.low, p.high, p.cost,
              %(now)s - run_age * interval '1 day', %(now)s - run_age * interval '1 day',
              %(now)s - run_age * interval '1 day' + interval '3 minutes'
         FROM sent_skills s JOIN pool p ON p.number = s.verdict WHERE p.model IS NOT NULL""",
    """UPDATE skills k
          SET current_version_id = s.version_id,
              cases_digest = (SELECT md5(string_agg(c.id::text, ',' ORDER BY c.id)) FROM golden_cases c
                               WHERE c.tenant_id = %(tenant)s AND c.skill_id = s.id),
              last_run_id = r.id, last_run_planned_at = r.created_at, benchmarked_at = r.completed_at,
              last_run_version_id = r.skill_version_id, verdict_kind = r.verdict_kind, best_model = r.headline_model,
              quality = r.headline_quality, quality_low = r.headline_quality_low,
              quality_high = r.headline_quality_high, avg_cost_microcents = r.headline_cost_microcents
         FROM sent_skills s LEFT JOIN benchmark_runs r ON r.tenant_id = %(tenant)s AND r.id = s.run_id
        WHERE k.id = s.id""",
    # A skill that changed after its benchmark has a second version, and that is its current one.
    """WITH second AS (
           INSERT INTO skill_versions (tenant_id, skill_id, digest, prompt, body, created_at)
           SELECT %(tenant)s, id, md5(id::text || 'changed'), 'Do it better.', 'Do it better.', %(now)s
             FROM sent_skills WHERE changed = 1
           RETURNING id, skill_id)
       UPDATE skills k SET current_version_id = second.id FROM second WHERE k.id = second.skill_id""",
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


def _uuid(words: npt.NDArray[np.uint64]) -> UUID:
    return UUID(int=(int(words[0]) << 64) | int(words[1]))

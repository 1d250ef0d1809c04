"""Thousands of skills, most with a verdict of their own, sent to the server in one go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from uuid import UUID

import numpy as np

from benchmarks.pages.alike import MODELS, Base, vary
from benchmarks.pages.copying import fill_table, uuid_of, uuids
from steelyard.storage import run_models
from steelyard.storage.database import Connection

_BENCHMARKED = 0.6
_AREAS = ("sales", "legal", "ops", "hr", "finance", "support", "design", "data", "field", "lab", "press", "travel")
_TASKS = ("summary", "triage", "draft", "check", "digest", "reply", "lookup", "tagging", "report", "cleanup", "rewrite")


async def add_skills(
    connection: Connection,
    tenant_id: UUID,
    count: int,
    bases: Sequence[Base],
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
    pool = [vary(base, base.plan.models[:MODELS], dice) for base in bases for _ in range(20)]
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
                    json.dumps(outcome.to_json() | {"judgements": {"judgements": 0, "flagged": 0}}),
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
    await run_models.write_models(connection, [uuid_of(words) for words in run_ids])
    await run_models.refresh_standing(connection, [uuid_of(words) for words in ids])


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

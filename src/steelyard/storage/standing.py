"""A skill's standing, kept on its row: its last benchmark, its accepted cases and its feedback, counted as they change.

Every function here belongs into the transaction of the change itself. A run is locked after its skill, never before.
"""

from __future__ import annotations

from uuid import UUID

from steelyard.storage import run_models
from steelyard.storage.database import Connection


async def lock_skill(connection: Connection, skill_id: UUID) -> None:
    """Keep others from changing the skill's row until this transaction ends."""
    await connection.execute("SELECT 1 FROM skills WHERE id = %s FOR NO KEY UPDATE", (skill_id,))


async def lock_skill_of_run(connection: Connection, run_id: UUID) -> None:
    """Lock the skill a run is of, to be done before the run itself is locked or changed."""
    await connection.execute(
        "SELECT 1 FROM skills WHERE id = (SELECT skill_id FROM benchmark_runs WHERE id = %s) FOR NO KEY UPDATE",
        (run_id,),
    )


async def refresh_benchmark(connection: Connection, run_id: UUID) -> None:
    """Find anew the last completed run of record of that run's skill, and that of each of its models.

    A run that its budget stopped speaks for the skill only where none is whole: on fewer cells it says less. So does
    one of which missing scores left no two models to compare. Nothing to do for a run not of record.
    """
    cursor = await connection.execute(
        """UPDATE skills s
              SET last_run_id = r.id, last_run_version_id = r.skill_version_id, last_run_planned_at = r.created_at,
                  benchmarked_at = r.completed_at, answers_since = r.answers_since,
                  last_run_cases_digest = (SELECT md5(string_agg(case_id, ',' ORDER BY case_id::uuid))
                                             FROM jsonb_array_elements_text(r.plan -> 'case_ids') AS case_id),
                  verdict_kind = r.verdict_kind, best_model = r.headline_model,
                  quality = r.headline_quality, quality_low = r.headline_quality_low,
                  quality_high = r.headline_quality_high, avg_cost_microcents = r.headline_cost_microcents
             FROM benchmark_runs changed
             LEFT JOIN LATERAL (
                  SELECT * FROM benchmark_runs l
                   WHERE l.tenant_id = changed.tenant_id AND l.skill_id = changed.skill_id
                     AND l.of_record AND l.status = 'completed' AND l.headline_model IS NOT NULL
                   ORDER BY l.partial, """
        + run_models.NOTHING_COMPARED.format(run="l")
        + """, l.completed_at DESC, l.id LIMIT 1) r ON true
            WHERE changed.id = %s AND changed.of_record
              AND s.tenant_id = changed.tenant_id AND s.id = changed.skill_id
           RETURNING s.id""",
        (run_id,),
    )
    skills = [row["id"] for row in await cursor.fetchall()]
    if skills:
        await run_models.refresh_standing(connection, skills)


async def refresh_cases(connection: Connection, skill_id: UUID) -> None:
    """Count the accepted cases in use; note the time when they are others than before."""
    await connection.execute(
        """UPDATE skills s
              SET accepted_cases = c.accepted, cases_digest = c.digest, cases_changed_at = now()
             FROM (SELECT count(*) AS accepted, md5(string_agg(id::text, ',' ORDER BY id)) AS digest
                     FROM golden_cases WHERE skill_id = %s AND status = 'accepted' AND retired_at IS NULL
                      AND source <> 'ad_hoc') c
            WHERE s.id = %s AND s.cases_digest IS DISTINCT FROM c.digest""",
        (skill_id, skill_id),
    )


async def count_feedback(connection: Connection, skill_id: UUID, *, positive: int, negative: int, total: int) -> None:
    """Add to the counts of a skill's feedback."""
    await connection.execute(
        """UPDATE skills SET feedback_total = feedback_total + %s, feedback_positive = feedback_positive + %s,
                             feedback_negative = feedback_negative + %s
            WHERE id = %s""",
        (total, positive, negative, skill_id),
    )

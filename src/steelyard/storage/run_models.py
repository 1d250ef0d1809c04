"""What concluded runs say of each model and arm, one row each, and which of them is a skill's last word on a model."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from steelyard.storage.database import Connection

# Whether missing scores left no two models of a run to compare: it is asked among runs of one skill alone.
NOTHING_COMPARED = (
    "coalesce({run}.verdict -> 'statistics' ->> 'reason' IN ('one_model_left', 'missing_scores',"
    " 'no_complete_cases'), false)"
)


async def write_models(connection: Connection, run_ids: Sequence[UUID]) -> None:
    """Take over anew what those runs' verdicts and stored cells say; `refresh_standing` then finds which rows stand."""
    await connection.execute("DELETE FROM run_models WHERE benchmark_run_id = ANY(%s)", (list(run_ids),))
    await connection.execute(
        """INSERT INTO run_models (tenant_id, benchmark_run_id, model_name, arm, skill_id, compared, cells, n, quality)
           SELECT r.tenant_id, r.id, one ->> 'model', one ->> 'arm', r.skill_id, one ->> 'arm' = r.verdict ->> 'arm',
                  coalesce(c.cells, 0), (one ->> 'n')::int, (one ->> 'quality')::float8
             FROM benchmark_runs r
            CROSS JOIN LATERAL jsonb_array_elements(r.verdict -> 'summaries') AS one
             LEFT JOIN (SELECT benchmark_run_id, model_name, arm, count(*)::int AS cells FROM benchmark_results
                         WHERE benchmark_run_id = ANY(%(runs)s) GROUP BY 1, 2, 3) c
                    ON c.benchmark_run_id = r.id AND c.model_name = one ->> 'model' AND c.arm = one ->> 'arm'
            WHERE r.id = ANY(%(runs)s) AND r.verdict IS NOT NULL""",
        {"runs": list(run_ids)},
    )


async def refresh_standing(connection: Connection, skill_ids: Sequence[UUID]) -> None:
    """Find anew, for each model of those skills, the last whole run of record that has it in the compared arm.

    A partial one, or one of which missing scores left no two models to compare, stands where there is no other.
    """
    # In two steps: at most one row of a skill and model stands, and that is checked row by row.
    await connection.execute(
        "UPDATE run_models SET stands = false WHERE skill_id = ANY(%s) AND stands", (list(skill_ids),)
    )
    await connection.execute(
        """UPDATE run_models m SET stands = true
             FROM (SELECT DISTINCT ON (r.skill_id, m.model_name)
                          m.tenant_id, m.benchmark_run_id, m.model_name, m.arm
                     FROM benchmark_runs r
                     JOIN run_models m ON m.tenant_id = r.tenant_id AND m.benchmark_run_id = r.id
                    WHERE r.skill_id = ANY(%s) AND r.of_record AND r.status = 'completed'
                      AND r.headline_model IS NOT NULL AND m.compared
                    ORDER BY r.skill_id, m.model_name, r.partial, """
        + NOTHING_COMPARED.format(run="r")
        + """, r.completed_at DESC, r.id) last
            WHERE m.tenant_id = last.tenant_id AND m.benchmark_run_id = last.benchmark_run_id
              AND m.model_name = last.model_name AND m.arm = last.arm""",
        (list(skill_ids),),
    )

"""Deleting a skill, and what goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class Belongings:
    """What a skill has. `answers` came back from models; what they and their judgements cost is `spent_microcents`.

    `busy` counts its runs, reviews, drafts of cases and tie-breaks that have not ended, and calls that are still out.
    """

    versions: int
    cases: int
    runs: int
    answers: int
    spent_microcents: int
    spent_is_lower_bound: bool
    ratings: int
    uses: int
    feedback: int
    busy: int


async def hold_skill(connection: Connection, skill_id: UUID) -> bool:
    """Keep a skill as it is until the transaction ends: nothing can be begun on it meanwhile. False: there is none."""
    cursor = await connection.execute("SELECT 1 FROM skills WHERE id = %s FOR UPDATE", (skill_id,))
    return await cursor.fetchone() is not None


async def belongings(connection: Connection, skill_id: UUID) -> Belongings:
    """What goes with the skill when it is deleted."""
    async with connection.cursor(row_factory=record_row(Belongings)) as cursor:
        await cursor.execute(
            """SELECT (SELECT count(*) FROM skill_versions WHERE skill_id = %(skill)s)::int AS versions,
                      (SELECT count(*) FROM golden_cases WHERE skill_id = %(skill)s AND status <> 'rejected'
                          AND source <> 'ad_hoc' AND retired_at IS NULL)::int AS cases,
                      runs.runs, runs.spent_microcents, runs.spent_is_lower_bound,
                      (SELECT count(*) FROM benchmark_results b JOIN benchmark_runs r
                           ON r.tenant_id = b.tenant_id AND r.id = b.benchmark_run_id
                        WHERE r.skill_id = %(skill)s AND b.state <> 'failed' AND b.reused_from IS NULL)::int AS answers,
                      (SELECT count(*) FROM output_ratings o JOIN benchmark_runs r
                           ON r.tenant_id = o.tenant_id AND r.id = o.benchmark_run_id
                        WHERE r.skill_id = %(skill)s)::int AS ratings,
                      (SELECT coalesce(sum(uses), 0) FROM measurement_daily
                        WHERE skill_id = %(skill)s)::bigint AS uses,
                      (SELECT count(*) FROM skill_feedback WHERE skill_id = %(skill)s)::int AS feedback,
                      (runs.busy
                       + (SELECT count(*) FROM skill_reviews
                           WHERE skill_id = %(skill)s AND status IN ('pending', 'running'))
                       + (SELECT count(*) FROM tie_breaks t JOIN benchmark_runs r
                              ON r.tenant_id = t.tenant_id AND r.id = t.benchmark_run_id
                           WHERE r.skill_id = %(skill)s AND t.status IN ('pending', 'running'))
                       + (SELECT count(*) FROM case_drafts
                           WHERE skill_id = %(skill)s AND status IN ('pending', 'running'))
                       + (SELECT count(*) FROM cell_claims c JOIN benchmark_runs r
                              ON r.tenant_id = c.tenant_id AND r.id = c.benchmark_run_id
                           WHERE r.skill_id = %(skill)s AND c.lease_until > clock_timestamp()))::int AS busy
                 FROM (SELECT count(*)::int AS runs, coalesce(sum(spent_microcents), 0)::bigint AS spent_microcents,
                              coalesce(bool_or(spent_is_lower_bound), false) AS spent_is_lower_bound,
                              count(*) FILTER (WHERE status IN ('pending', 'running')) AS busy
                         FROM benchmark_runs WHERE skill_id = %(skill)s) runs""",
            {"skill": skill_id},
        )
        row = await cursor.fetchone()
    assert row is not None
    return row


async def delete_skill(connection: Connection, skill_id: UUID) -> None:
    """The skill and all that is its own: versions, cases with their history, runs with their answers and tie-breaks,
    uses, feedback, reviews."""
    await connection.execute("DELETE FROM skills WHERE id = %s", (skill_id,))

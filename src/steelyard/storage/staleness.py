"""What the causes of staleness and the prices of another day are read from, and the limits of age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.errors import NotFound
from steelyard.domain.staleness import CaseStep
from steelyard.storage.catalogue import IS_STALE
from steelyard.storage.database import Connection
from steelyard.storage.feedback import NEGATIVE, POSITIVE
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class UsedCell:
    """One stored cell's tokens by class, and what it was priced at. Tokens are None where they were not told."""

    model_name: str
    arm: str
    trial: int
    test_case_index: int
    came_back: bool
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    estimated_cost_microcents: int | None
    price_date: date | None


_USED = """model_name, arm, trial, test_case_index, latency_ms IS NOT NULL AS came_back, input_tokens, output_tokens,
           cache_read_tokens, cache_write_tokens, reasoning_tokens, estimated_cost_microcents, price_date"""


async def used_cells(connection: Connection, run_id: UUID) -> list[UsedCell]:
    """Every stored cell of a run, in the order of `figures.run_figures`."""
    async with connection.cursor(row_factory=record_row(UsedCell)) as cursor:
        await cursor.execute(
            f"""SELECT {_USED} FROM benchmark_results WHERE benchmark_run_id = %s
                 ORDER BY model_name, arm, test_case_index, trial""".encode(),
            (run_id,),
        )
        return await cursor.fetchall()


@dataclass(frozen=True)
class FileChange:
    """One file that is not the same in two versions."""

    path: str
    change: Literal["added", "edited", "removed"]


async def file_changes(connection: Connection, before: UUID, after: UUID) -> list[FileChange]:
    """By path; the files themselves stay where they are."""
    async with connection.cursor(row_factory=record_row(FileChange)) as cursor:
        await cursor.execute(
            """SELECT path, CASE WHEN b.path_b IS NULL THEN 'added' WHEN a.path_a IS NULL THEN 'removed'
                                 ELSE 'edited' END AS change
                 FROM (SELECT path, path AS path_b, content FROM skill_files WHERE skill_version_id = %s) b
                 FULL JOIN (SELECT path, path AS path_a, content FROM skill_files WHERE skill_version_id = %s) a
                      USING (path)
                WHERE a.content IS DISTINCT FROM b.content ORDER BY path""",
            (before, after),
        )
        return await cursor.fetchall()


@dataclass(frozen=True)
class CaseChanges:
    """Accepted cases of a skill against those a run was planned with."""

    added: int
    edited: int
    removed: int


async def case_changes(connection: Connection, skill_id: UUID, planned: Sequence[UUID]) -> CaseChanges:
    """An edited case is a new row under the key of one that is out of use."""
    cursor = await connection.execute(
        """WITH old AS (SELECT id, case_key FROM golden_cases WHERE id = ANY(%(planned)s)),
                new AS (SELECT id, case_key FROM golden_cases WHERE skill_id = %(skill)s AND status = 'accepted'
                           AND retired_at IS NULL AND source <> 'ad_hoc'),
                come AS (SELECT case_key, count(*) AS n FROM new WHERE id NOT IN (SELECT id FROM old) GROUP BY 1),
                gone AS (SELECT case_key, count(*) AS n FROM old WHERE id NOT IN (SELECT id FROM new) GROUP BY 1)
           SELECT coalesce(sum(greatest(coalesce(come.n, 0) - coalesce(gone.n, 0), 0)), 0)::int AS added,
                  coalesce(sum(least(coalesce(come.n, 0), coalesce(gone.n, 0))), 0)::int AS edited,
                  coalesce(sum(greatest(coalesce(gone.n, 0) - coalesce(come.n, 0), 0)), 0)::int AS removed
             FROM come FULL JOIN gone USING (case_key)""",
        {"planned": list(planned), "skill": skill_id},
    )
    row = await cursor.fetchone()
    assert row is not None
    return CaseChanges(**row)


async def case_steps(connection: Connection, skill_id: UUID, planned_at: datetime) -> list[CaseStep]:
    """How the accepted cases changed after a run was planned, in order, as far as it was noted."""
    async with connection.cursor(row_factory=record_row(CaseStep)) as cursor:
        await cursor.execute(
            """SELECT h.changed_at AS at,
                      CASE WHEN h.change IN ('added', 'accepted', 'edited')
                                OR h.change = 'restored' AND c.status = 'accepted' THEN h.case_id END AS came,
                      CASE WHEN h.change IN ('retired', 'rejected') THEN h.case_id
                           WHEN h.change = 'edited' THEN h.previous_case_id END AS "left"
                 FROM case_changes h JOIN golden_cases c ON c.id = h.case_id
                WHERE h.skill_id = %s AND h.changed_at > %s AND h.source <> 'ad_hoc' AND h.change <> 'proposed'
                ORDER BY h.seq""",
            (skill_id, planned_at),
        )
        return await cursor.fetchall()


async def unnoted_case_change(
    connection: Connection, skill_id: UUID, planned: Sequence[UUID], planned_at: datetime
) -> datetime | None:
    """The first change of cases that are accepted now and were not planned, or the reverse, of which nothing was noted.

    There are such from before changes were noted. A case's own row tells when it came or went last.
    """
    cursor = await connection.execute(
        """SELECT min(at) AS first
             FROM (SELECT id, CASE WHEN id = ANY(%(planned)s) THEN coalesce(retired_at, decided_at)
                                   ELSE coalesce(decided_at, created_at) END AS at
                     FROM golden_cases
                    WHERE skill_id = %(skill)s AND source <> 'ad_hoc'
                      AND (status = 'accepted' AND retired_at IS NULL) <> (id = ANY(%(planned)s))) c
            WHERE at > %(at)s
              AND NOT EXISTS (SELECT 1 FROM case_changes h
                               WHERE h.skill_id = %(skill)s AND h.changed_at > %(at)s
                                 AND c.id IN (h.case_id, h.previous_case_id))""",
        {"skill": skill_id, "planned": list(planned), "at": planned_at},
    )
    row = await cursor.fetchone()
    return row["first"] if row else None


async def first_version_after(connection: Connection, skill_id: UUID, planned_at: datetime) -> datetime | None:
    """When the first version came that was made after a run was planned; None without one.

    Versions that were drafts are left out: when those came into use is noted of the current one alone.
    """
    cursor = await connection.execute(
        """SELECT min(created_at) AS first FROM skill_versions
            WHERE skill_id = %s AND created_at > %s AND NOT draft AND draft_of IS NULL""",
        (skill_id, planned_at),
    )
    row = await cursor.fetchone()
    return row["first"] if row else None


@dataclass(frozen=True)
class UseOfModel:
    """A model's uses of a skill over some days. `cost_microcents` is over `priced` of them."""

    model_name: str
    uses: int
    input_tokens: int
    output_tokens: int
    cost_microcents: int
    priced: int


async def uses_since(connection: Connection, skill_id: UUID, first: date) -> list[UseOfModel]:
    """From that UTC day on, the most used model first."""
    async with connection.cursor(row_factory=record_row(UseOfModel)) as cursor:
        await cursor.execute(
            """SELECT model_name, sum(uses)::bigint AS uses, sum(input_tokens)::bigint AS input_tokens,
                      sum(output_tokens)::bigint AS output_tokens, sum(cost_microcents)::bigint AS cost_microcents,
                      sum(uses - cost_unknown)::bigint AS priced
                 FROM measurement_daily WHERE skill_id = %s AND day >= %s GROUP BY 1 ORDER BY 2 DESC, 1""",
            (skill_id, first),
        )
        return await cursor.fetchall()


async def opinions_since(connection: Connection, skill_id: UUID, first: date) -> tuple[int, int]:
    """(positive, positive or negative) pieces of feedback from that UTC day on."""
    cursor = await connection.execute(
        f"""SELECT count(*) FILTER (WHERE {POSITIVE})::int AS positive,
                   count(*) FILTER (WHERE {POSITIVE} OR {NEGATIVE})::int AS rated
              FROM skill_feedback
             WHERE skill_id = %s AND created_at >= %s::timestamp AT TIME ZONE 'UTC'""".encode(),
        (skill_id, first),
    )
    row = await cursor.fetchone()
    return (row["positive"], row["rated"]) if row else (0, 0)


@dataclass(frozen=True)
class Watched:
    """One benchmarked skill as a check of all of them reads it; `uses` are those of the last 30 days.

    `sampled` has a stored call of each of the run's models, as far as one is there.
    """

    skill_id: UUID
    name: str
    stale: bool
    models: Sequence[str]
    identities: Sequence[str]
    judge: str | None
    judge_digest: str | None
    judge_by_default: bool
    uses: int
    opinions: int
    sampled: Sequence[Mapping[str, Any]]


async def watched_skills(
    connection: Connection, *, at: datetime, limit_days: int, first: date, after: tuple[str, UUID] | None, limit: int
) -> list[Watched]:
    """The benchmarked skills by name, from after one on: one query for as many as are asked for."""
    # OFFSET 0 keeps the model out of what the cells are looked for by: the index of models has every run's.
    name, last = after or (None, None)
    async with connection.cursor(row_factory=record_row(Watched)) as cursor:
        await cursor.execute(
            f"""SELECT s.id AS skill_id, s.name, coalesce({IS_STALE}, false) AS stale, r.models,
                       ARRAY(SELECT jsonb_array_elements_text(r.plan -> 'identities')) AS identities, r.judge,
                       r.judge_digest, r.judge_by_default,
                       coalesce((SELECT sum(d.uses) FROM measurement_daily d WHERE d.tenant_id = s.tenant_id
                                    AND d.skill_id = s.id AND d.day >= %(first)s), 0)::bigint AS uses,
                       (SELECT count(*) FROM skill_feedback f WHERE f.tenant_id = s.tenant_id AND f.skill_id = s.id
                           AND f.created_at >= %(first)s::timestamp AT TIME ZONE 'UTC')::int AS opinions,
                       coalesce((SELECT jsonb_agg(to_jsonb(one))
                                   FROM (SELECT DISTINCT ON (model_name) {_USED}
                                           FROM (SELECT * FROM benchmark_results b
                                                  WHERE b.tenant_id = r.tenant_id AND b.benchmark_run_id = r.id
                                                    AND b.test_case_index < 3 OFFSET 0) few
                                          WHERE latency_ms IS NOT NULL ORDER BY model_name, test_case_index) one),
                                '[]') AS sampled
                  FROM (SELECT * FROM skills
                         WHERE last_run_id IS NOT NULL
                           AND (%(name)s::text IS NULL OR (name, id) > (%(name)s::text, %(id)s::uuid))
                         ORDER BY name, id LIMIT %(page)s) s
                  JOIN benchmark_runs r ON r.tenant_id = s.tenant_id AND r.id = s.last_run_id
                 ORDER BY s.name, s.id""".encode(),
            {
                "stale_at": at,
                "limit": limit_days,
                "first": first,
                "name": name,
                "id": last,
                "page": limit,
            },
        )
        return await cursor.fetchall()


async def notice(
    connection: Connection, skill_id: UUID, run_id: UUID, found: Sequence[str], now: datetime
) -> dict[str, datetime]:
    """When each of these causes was first found against that run; what is not found any more is forgotten."""
    cursor = await connection.execute("SELECT noticed FROM skills WHERE id = %s", (skill_id,))
    row = await cursor.fetchone()
    kept: dict[str, Any] = row["noticed"] if row else {}
    known: dict[str, str] = kept.get("causes", {}) if kept.get("run") == str(run_id) else {}
    causes = {cause: known.get(cause, now.isoformat()) for cause in found}
    if causes != known:
        await connection.execute(
            "UPDATE skills SET noticed = %s WHERE id = %s",
            (Jsonb({"run": str(run_id), "causes": causes} if causes else {}), skill_id),
        )
    return {cause: datetime.fromisoformat(at) for cause, at in causes.items()}


@dataclass(frozen=True)
class AgeLimits:
    """Days after which a benchmark is too old: of one skill and of its tenant; None where none is set."""

    skill: int | None
    tenant: int | None


async def age_limits(connection: Connection, skill_id: UUID | None = None) -> AgeLimits:
    """What is set."""
    cursor = await connection.execute(
        """SELECT (SELECT stale_after_days FROM skills WHERE id = %s) AS skill,
                  (SELECT stale_after_days FROM tenants) AS tenant""",
        (skill_id,),
    )
    row = await cursor.fetchone()
    assert row is not None
    return AgeLimits(**row)


async def set_age_limit(connection: Connection, days: int | None, skill_id: UUID | None) -> None:
    """Of one skill, or of the tenant where none is named; None sets none. Raises NotFound."""
    if skill_id is None:
        await connection.execute("UPDATE tenants SET stale_after_days = %s", (days,))
        return
    cursor = await connection.execute("UPDATE skills SET stale_after_days = %s WHERE id = %s", (days, skill_id))
    if not cursor.rowcount:
        raise NotFound("No such skill.")

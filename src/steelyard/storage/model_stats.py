"""What was seen of each model over all runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from steelyard.storage.database import Connection
from steelyard.storage.rows import record_row

NEWEST_CALLS = 200


@dataclass(frozen=True)
class ModelSeen:
    """A model some run planned to call: in how many runs, and when the last of them was created."""

    model: str
    runs: int
    last_used: datetime


@dataclass(frozen=True)
class ModelQuality:
    """A model on the skills of one family: the mean quality over `n` cases of `skills` skills."""

    model: str
    family: str | None
    skills: int
    n: int
    quality: float


@dataclass(frozen=True)
class ModelLatency:
    """Milliseconds of a model's newest `calls` calls."""

    model: str
    calls: int
    p50_ms: float
    p95_ms: float


async def newest_run(connection: Connection) -> str:
    """A text that changes when a run is created, and when the newest one starts or ends; empty without runs."""
    cursor = await connection.execute("SELECT id, status FROM benchmark_runs ORDER BY created_at DESC, id LIMIT 1")
    row = await cursor.fetchone()
    return "" if row is None else f"{row['id']} {row['status']}"


async def models_seen(connection: Connection, *, limit: int, newest_runs: int | None = None) -> list[ModelSeen]:
    """The models last used first, of all runs or of the newest ones only."""
    async with connection.cursor(row_factory=record_row(ModelSeen)) as cursor:
        await cursor.execute(
            """SELECT model, count(*)::int AS runs, max(created_at) AS last_used
                 FROM (SELECT models, created_at FROM benchmark_runs ORDER BY created_at DESC, id LIMIT %s) runs,
                      unnest(models) AS model
                GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT %s""",
            (newest_runs, limit),
        )
        return await cursor.fetchall()


async def cells_by_model(connection: Connection) -> dict[str, int]:
    """Stored cells by model: as the concluded runs have them written down, and counted of the others."""
    cursor = await connection.execute(
        """WITH open_runs AS (SELECT tenant_id, id FROM benchmark_runs
                               WHERE verdict IS NULL OR status IN ('pending', 'running'))
           SELECT model, sum(cells)::int AS cells
             FROM (SELECT model_name AS model, sum(cells) AS cells FROM run_models GROUP BY 1
                   UNION ALL
                   SELECT m.model_name, -sum(m.cells) FROM open_runs r
                     JOIN run_models m ON m.tenant_id = r.tenant_id AND m.benchmark_run_id = r.id GROUP BY 1
                   UNION ALL
                   SELECT b.model_name, count(*) FROM open_runs r
                     JOIN benchmark_results b ON b.tenant_id = r.tenant_id AND b.benchmark_run_id = r.id
                    GROUP BY 1) counted
            GROUP BY 1"""
    )
    return {row["model"]: row["cells"] for row in await cursor.fetchall()}


async def qualities(connection: Connection) -> list[ModelQuality]:
    """By model and family of skills, over the last completed run of record of each skill that had the model.

    A family is what the current version's frontmatter has as metadata.family, else metadata.category, else
    metadata.domain, where that is a text.
    """
    async with connection.cursor(row_factory=record_row(ModelQuality)) as cursor:
        await cursor.execute(
            """SELECT m.model_name AS model, v.family, count(*)::int AS skills, sum(m.n)::int AS n,
                      sum(m.n * m.quality) / sum(m.n) AS quality
                 FROM run_models m
                 JOIN skills s ON s.tenant_id = m.tenant_id AND s.id = m.skill_id
                 JOIN skill_versions v ON v.tenant_id = s.tenant_id AND v.id = s.current_version_id
                WHERE m.stands AND m.n > 0
                GROUP BY 1, 2 ORDER BY 1, 2 NULLS LAST"""
        )
        return await cursor.fetchall()


async def latencies(connection: Connection, models: Sequence[str]) -> dict[str, ModelLatency]:
    """By model, over its newest 200 answers that were called for and not taken over."""
    async with connection.cursor(row_factory=record_row(ModelLatency)) as cursor:
        await cursor.execute(
            """SELECT model, t.calls, t.at[1] AS p50_ms, t.at[2] AS p95_ms
                 FROM unnest(%s::text[]) AS model,
                 LATERAL (SELECT count(*)::int AS calls,
                                 percentile_cont(array[0.5, 0.95]) WITHIN GROUP (ORDER BY latency_ms) AS at
                            FROM (SELECT latency_ms FROM benchmark_results
                                   WHERE model_name = model AND latency_ms IS NOT NULL AND reused_from IS NULL
                                     AND state <> 'failed'
                                   ORDER BY created_at DESC LIMIT %s) newest) t
                WHERE t.calls > 0""",
            (list(models), NEWEST_CALLS),
        )
        return {row.model: row for row in await cursor.fetchall()}

"""The list of skills, a page at a time: read from the skills' own rows, whatever it is sorted by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from steelyard.domain.staleness import STALE_AFTER_DAYS
from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row

Sort = Literal["name", "quality", "cost", "feedback", "benchmarked"]


@dataclass(frozen=True)
class SkillGlance:
    """One skill with its standing. Quality 0-100, money in microcents; None where there is no benchmark or feedback.

    `answers_since`: the oldest answer its benchmark rests on is of then. `stale_after_days` is the skill's own limit,
    else its tenant's. `same_cases`: the accepted cases are those the benchmark was planned with.
    """

    id: UUID
    name: str
    description: str
    source: str | None
    created_at: datetime
    updated_at: datetime
    current_version_id: UUID
    version_digest: str
    version_since: datetime
    accepted_cases: int
    cases_changed_at: datetime | None
    last_run_id: UUID | None
    last_run_version_id: UUID | None
    last_run_planned_at: datetime | None
    benchmarked_at: datetime | None
    verdict_kind: str | None
    best_model: str | None
    quality: float | None
    quality_low: float | None
    quality_high: float | None
    avg_cost_microcents: int | None
    judge_marked: bool
    feedback_total: int
    feedback_positive_percent: float | None
    answers_since: datetime | None
    stale_after_days: int | None
    same_cases: bool


@dataclass(frozen=True)
class Position:
    """The last row of a page: its value in the sorted column (None: it has none), its folded name, its id."""

    value: Any
    name: str
    id: UUID


@dataclass(frozen=True)
class Filter:
    """Which skills: a text to find in name or description, and only those stale at a time.

    `stale_at`: with it, only skills whose benchmark's answers are too old by then, or that have changed since. The
    limit is the skill's own, else its tenant's, else `limit_days`. `never`: only skills that were not benchmarked yet.
    """

    text: str = ""
    stale_at: datetime | None = None
    limit_days: int = STALE_AFTER_DAYS
    never: bool = False


# The column sorted by, and its type. A name is never absent; every other column may be.
_COLUMNS: dict[Sort, tuple[str, str]] = {
    "name": ("lower(s.name)", "text"),
    "quality": ("s.quality", "float8"),
    "cost": ("s.avg_cost_microcents", "bigint"),
    "feedback": ("s.feedback_positive_percent", "float8"),
    "benchmarked": ("s.benchmarked_at", "timestamptz"),
}
_GLANCE = """SELECT s.id, s.name, s.description, s.source, s.created_at, s.updated_at, s.current_version_id,
                    (SELECT v.digest FROM skill_versions v
                      WHERE v.tenant_id = s.tenant_id AND v.id = s.current_version_id) AS version_digest,
                    s.version_since, s.accepted_cases, s.cases_changed_at, s.last_run_id, s.last_run_version_id,
                    s.last_run_planned_at, s.benchmarked_at, s.verdict_kind, s.best_model, s.quality, s.quality_low,
                    s.quality_high, s.avg_cost_microcents,
                    coalesce((SELECT r.accept_judge AND r.examination @? '$.**.findings[*] ? (@.passed == false)'
                                FROM benchmark_runs r
                               WHERE r.tenant_id = s.tenant_id AND r.id = s.last_run_id), false) AS judge_marked,
                    s.feedback_total, s.feedback_positive_percent,
                    coalesce(s.answers_since, s.benchmarked_at) AS answers_since,
                    coalesce(s.stale_after_days,
                             (SELECT t.stale_after_days FROM tenants t WHERE t.id = s.tenant_id)) AS stale_after_days,
                    coalesce(s.cases_digest = s.last_run_cases_digest, false) AS same_cases
               FROM skills s"""
_HAS_TEXT = "(strpos(lower(s.name), lower(%(text)s)) > 0 OR strpos(lower(s.description), lower(%(text)s)) > 0)"
IS_STALE = """(coalesce(s.answers_since, s.benchmarked_at) <= %(stale_at)s - make_interval(
                    hours => 24 * coalesce(s.stale_after_days, (SELECT t.stale_after_days FROM tenants t
                                                                 WHERE t.id = (SELECT current_tenant())), %(limit)s))
                OR s.benchmarked_at IS NOT NULL
                   AND (s.last_run_version_id <> s.current_version_id
                        OR s.cases_changed_at > s.last_run_planned_at
                           AND NOT coalesce(s.cases_digest = s.last_run_cases_digest, false)))"""


@dataclass(frozen=True)
class Listed:
    """Some skills in order, with the place of each, and how many match in all; `total` is None where none is left."""

    skills: Sequence[SkillGlance]
    places: Sequence[Position]
    total: int | None


async def page_of_skills(
    connection: Connection, chosen: Filter, *, sort: Sort, descending: bool, after: Position | None, limit: int
) -> Listed:
    """The skills that come after a position. Those without a value come last in either direction; ties by name.

    What is sorted is narrow, and an index alone holds it: the skills' own rows are read for one page only.
    """
    column, kind = _COLUMNS[sort]
    order, beyond = ("DESC", "<") if descending else ("ASC", ">")
    tie = "(folded, id) > (%(name)s, %(id)s)"
    if after is None:
        keyset = "true"
    elif after.value is None:
        keyset = f"value IS NULL AND {tie}"
    else:
        keyset = f"(value {beyond} %(value)s::{kind} OR value = %(value)s::{kind} AND {tie} OR value IS NULL)"
    # Looking at every skill's text twice costs more than keeping what was found; counting an index twice costs less.
    kept = "MATERIALIZED" if chosen != Filter() else "NOT MATERIALIZED"
    query = f"""
        WITH matching AS {kept} (
            SELECT s.id, {column} AS value, lower(s.name) AS folded FROM skills s WHERE {_matching(chosen)}),
        page AS (
            SELECT * FROM matching WHERE {keyset}
             ORDER BY value {order} NULLS LAST, folded, id LIMIT %(page)s)
        SELECT glance.*, page.value AS sorted_by, page.folded, (SELECT count(*)::int FROM matching) AS total
          FROM page JOIN LATERAL ({_GLANCE} WHERE s.id = page.id) glance ON true
         ORDER BY page.value {order} NULLS LAST, page.folded, page.id"""
    parameters: dict[str, Any] = _parameters(chosen) | {"page": limit}
    if after is not None:
        parameters |= {"value": after.value, "name": after.name, "id": after.id}
    rows = await (await connection.execute(query.encode(), parameters)).fetchall()
    places = [Position(row.pop("sorted_by"), row.pop("folded"), row["id"]) for row in rows]
    totals = [row.pop("total") for row in rows]
    return Listed([SkillGlance(**row) for row in rows], places, totals[0] if totals else None)


async def count_skills(connection: Connection, chosen: Filter) -> int:
    """How many skills match."""
    cursor = await connection.execute(
        f"SELECT count(*)::int AS count FROM skills s WHERE {_matching(chosen)}".encode(),
        _parameters(chosen),
    )
    row = await cursor.fetchone()
    return row["count"] if row else 0


def _matching(chosen: Filter) -> str:
    conditions = [_HAS_TEXT] * bool(chosen.text) + [IS_STALE] * (chosen.stale_at is not None)
    conditions += ["s.benchmarked_at IS NULL"] * chosen.never
    return " AND ".join(conditions) or "true"


def _parameters(chosen: Filter) -> dict[str, Any]:
    return {"text": clean(chosen.text), "stale_at": chosen.stale_at, "limit": chosen.limit_days}


async def find_glance(
    connection: Connection, *, name: str | None = None, skill_id: UUID | None = None
) -> SkillGlance | None:
    """The skill of that name or id."""
    async with connection.cursor(row_factory=record_row(SkillGlance)) as cursor:
        await cursor.execute(
            (_GLANCE + " WHERE s.name = %s OR s.id = %s ORDER BY s.name = %s DESC NULLS LAST LIMIT 1").encode(),
            (None if name is None else clean(name), skill_id, None if name is None else clean(name)),
        )
        return await cursor.fetchone()

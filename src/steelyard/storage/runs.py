"""Benchmark runs: creation, status, money, and what they came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.actors import LOCAL, Actor, ActorKind
from steelyard.domain.errors import NotFound
from steelyard.domain.waiting import Waiting
from steelyard.storage import run_lines, run_models, standing
from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class RunRow(Waiting):
    """One run as stored, with its skill's name and version digest. Money in microcents.

    The headline is the model the verdict is about, with its quality, interval and average cost per case. `examination`
    is what the judge was found to be, `examined_microcents` what that took here, a part of what the judge did;
    `examining` is how far it is while it goes on. The oldest answer the run rests on is of `answers_since`, reused ones
    being as old as the call they were of. `left_why` is why a worker left it that could not serve it, until one takes
    it up. `unserved` is told by the services that list and report runs: it is running by its row, and no worker is
    there.
    """

    id: UUID
    tenant_id: UUID
    skill_id: UUID
    skill_version_id: UUID
    skill_name: str
    skill_digest: str
    triggered_by: str
    status: str
    stop_cause: str | None
    partial: bool
    of_record: bool
    models: Sequence[str]
    plan: Mapping[str, Any]
    plan_digest: str
    planned: int
    seed: int
    fresh: bool
    budget_microcents: int | None
    judge: str | None
    judge_digest: str | None
    spent_microcents: int
    judge_spent_microcents: int
    spent_is_lower_bound: bool
    verdict: Mapping[str, Any] | None
    best_model: str | None
    best_quality_score: float | None
    cheapest_model: str | None
    cheapest_cost_microcents: int | None
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    verdict_kind: str | None = None
    headline_model: str | None = None
    headline_quality: float | None = None
    headline_quality_low: float | None = None
    headline_quality_high: float | None = None
    headline_cost_microcents: int | None = None
    race: Mapping[str, Any] | None = None
    accept_judge: bool = False
    examination: Mapping[str, Any] | None = None
    examined_calls: int = 0
    examined_microcents: int = 0
    examining: Mapping[str, Any] | None = None
    answers_since: datetime | None = None
    judge_by_default: bool = False
    of_draft: bool = False
    started_by_kind: str = ActorKind.LOCAL
    started_by_id: UUID | None = None
    started_by_name: str = LOCAL.name
    judge_spent_is_lower_bound: bool = False
    left_why: str | None = None
    unserved: bool = field(default=False, kw_only=True)

    @property
    def starter(self) -> Actor:
        """Who started it."""
        return Actor(ActorKind(self.started_by_kind), self.started_by_name, self.started_by_id)


def starter_json(run: RunRow) -> dict[str, str | None]:
    """Who started it, as the documented forms have it."""
    return {
        "kind": run.started_by_kind,
        "id": None if run.started_by_id is None else str(run.started_by_id),
        "name": run.started_by_name,
    }


@dataclass(frozen=True)
class Headline:
    """The model a verdict is about, its quality with the 95% interval, and its average cost per case in microcents."""

    model: str
    quality: float
    quality_low: float | None
    quality_high: float | None
    cost_microcents: int | None


_RUNS = """SELECT r.*, s.name AS skill_name, v.digest AS skill_digest
             FROM benchmark_runs r
             JOIN skills s ON s.tenant_id = r.tenant_id AND s.id = r.skill_id
             JOIN skill_versions v ON v.tenant_id = r.tenant_id AND v.id = r.skill_version_id"""


async def insert_run(
    connection: Connection,
    tenant_id: UUID,
    *,
    skill_id: UUID,
    skill_version_id: UUID,
    triggered_by: str,
    of_record: bool,
    plan: Mapping[str, Any],
    plan_digest: str,
    planned: int,
    fresh: bool,
    budget_microcents: int | None,
    accept_judge: bool = False,
    judge_by_default: bool = False,
    of_draft: bool = False,
) -> UUID:
    """A pending run; returns its id."""
    cursor = await connection.execute(
        """INSERT INTO benchmark_runs (tenant_id, skill_id, skill_version_id, triggered_by, status, of_record, models,
                                       plan, plan_digest, planned, seed, fresh, budget_microcents, judge, judge_digest,
                                       accept_judge, judge_by_default, of_draft)
           VALUES (%s, %s, %s, %s, 'pending', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id""",
        (
            tenant_id,
            skill_id,
            skill_version_id,
            triggered_by,
            of_record,
            plan["models"],
            Jsonb(plan),
            plan_digest,
            planned,
            plan["seed"],
            fresh,
            budget_microcents,
            plan["judge"],
            plan["judge_digest"],
            accept_judge,
            judge_by_default,
            of_draft,
        ),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row["id"]


async def get_run(connection: Connection, run_id: UUID) -> RunRow:
    """One run. Raises NotFound."""
    rows = await _fetch(connection, _RUNS + " WHERE r.id = %s", (run_id,))
    if not rows:
        raise NotFound(f"No run {run_id}.", next_step="`steelyard runs list` shows those there are.")
    return rows[0]


async def find_run(connection: Connection, id_prefix: str) -> RunRow:
    """The run whose id starts so. Raises NotFound when none or several do."""
    between = _ids_with(id_prefix.strip().lower())
    rows = await _fetch(connection, _RUNS + " WHERE r.id BETWEEN %s AND %s LIMIT 2", between) if between else []
    if len(rows) == 1:
        return rows[0]
    what = f"Several runs start with '{id_prefix}'." if rows else f"No run '{id_prefix}'."
    raise NotFound(what, next_step="`steelyard runs list` shows the ids.")


def _ids_with(prefix: str) -> tuple[UUID, UUID] | None:
    """The least and the greatest id that is written so at its start; None when none is. An index has them in order."""
    digits = prefix.replace("-", "")
    if not 1 <= len(digits) <= 32 or any(digit not in "0123456789abcdef" for digit in digits):
        return None
    least, greatest = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    return (least, greatest) if str(least).startswith(prefix) else None


async def list_runs(connection: Connection, *, skill_id: UUID | None = None, limit: int = 50) -> list[RunRow]:
    """The newest runs first."""
    return await _fetch(
        connection,
        _RUNS + " WHERE (%s::uuid IS NULL OR r.skill_id = %s) ORDER BY r.created_at DESC, r.id LIMIT %s",
        (skill_id, skill_id, limit),
    )


async def unfinished_run(
    connection: Connection, skill_version_id: UUID, plan_digest: str, *, of_record: bool, fresh: bool
) -> RunRow | None:
    """The newest run of this very plan that has not been completed in full."""
    rows = await _fetch(
        connection,
        _RUNS
        + """ WHERE r.skill_version_id = %s AND r.plan_digest = %s AND r.of_record = %s AND r.fresh = %s
                      AND (r.status <> 'completed' OR r.partial)
                    ORDER BY r.created_at DESC LIMIT 1""",
        (skill_version_id, plan_digest, of_record, fresh),
    )
    return rows[0] if rows else None


async def runs_in_progress(connection: Connection) -> list[RunRow]:
    """Runs that some worker should be working on."""
    return await _fetch(connection, _RUNS + " WHERE r.status IN ('pending', 'running') ORDER BY r.created_at")


async def start_run(connection: Connection, run_id: UUID) -> None:
    """pending -> running; a run already further is left as it is."""
    cursor = await connection.execute(
        f"""UPDATE benchmark_runs SET status = 'running', started_at = coalesce(started_at, now())
            WHERE id = %s AND status = 'pending' {run_lines.TOLD}""".encode(),
        (run_id,),
    )
    await run_lines.began(cursor)


async def reopen_run(
    connection: Connection, run_id: UUID, budget_microcents: int | None, *, accept_judge: bool = False
) -> None:
    """Back to pending, with a new budget where given; until it ends again an earlier run speaks for its skill.

    A run under way stays so, for the workers at it. What an outage left without an answer, or a failed judge without a
    grade, has to come to its end anew.
    A judge once accepted stays accepted.
    """
    await standing.lock_skill_of_run(connection, run_id)
    await connection.execute(
        """UPDATE benchmark_runs
              SET status = CASE status WHEN 'running' THEN status ELSE 'pending' END,
                  stop_cause = NULL, partial = false, completed_at = NULL, error_message = NULL,
                  left_why = NULL,
                  budget_microcents = coalesce(%s, budget_microcents), accept_judge = accept_judge OR %s
            WHERE id = %s""",
        (budget_microcents, accept_judge, run_id),
    )
    await connection.execute(
        """UPDATE benchmark_results SET again = true
            WHERE benchmark_run_id = %s AND failure_kind IS NOT NULL
              AND (state = 'answered' OR output_produced IS NULL)""",
        (run_id,),
    )
    await standing.refresh_benchmark(connection, run_id)


async def stop_run(
    connection: Connection, run_id: UUID, *, status: str, stop_cause: str, error_message: str | None = None
) -> bool:
    """End a run early, keeping what it has; False when it had ended already."""
    cursor = await connection.execute(
        f"""UPDATE benchmark_runs
               SET status = %s, stop_cause = %s, error_message = %s, partial = true, completed_at = now()
             WHERE id = %s AND status IN ('pending', 'running') {run_lines.TOLD}""".encode(),
        (status, stop_cause, error_message and clean(error_message), run_id),
    )
    return await run_lines.ended(cursor)


async def lock_run(connection: Connection, run_id: UUID) -> RunRow:
    """The run, locked with its skill until the transaction ends. Raises NotFound."""
    await standing.lock_skill_of_run(connection, run_id)
    # Rows that refer to the run are written beside it: a claim for it, which a worker has to renew.
    await connection.execute("SELECT 1 FROM benchmark_runs WHERE id = %s FOR NO KEY UPDATE", (run_id,))
    return await get_run(connection, run_id)


async def conclude_run(
    connection: Connection,
    run_id: UUID,
    *,
    status: str | None,
    verdict: Mapping[str, Any],
    best: tuple[str, float] | None,
    cheapest: tuple[str, int] | None,
    verdict_kind: str,
    headline: Headline | None,
) -> None:
    """Store the verdict, on the run and in its skill's standing; with a status, end the run as complete.

    That is so also where it was stopped with its last calls out. The caller has the run locked by `lock_run`.
    """
    cursor = await connection.execute(
        f"""UPDATE benchmark_runs
              SET verdict = %s, best_model = %s, best_quality_score = %s, cheapest_model = %s,
                  cheapest_cost_microcents = %s, verdict_kind = %s, headline_model = %s, headline_quality = %s,
                  headline_quality_low = %s, headline_quality_high = %s, headline_cost_microcents = %s,
                  status = coalesce(%s, status),
                  stop_cause = CASE WHEN %s::text IS NULL THEN stop_cause END,
                  partial = partial AND %s::text IS NULL,
                  completed_at = CASE WHEN %s::text IS NULL THEN completed_at ELSE now() END,
                  answers_since = (SELECT min(coalesce(b.answered_at, b.created_at)) FROM benchmark_results b
                                    WHERE b.benchmark_run_id = benchmark_runs.id
                                      AND (b.state <> 'failed' OR b.output_produced IS NOT NULL))
            WHERE id = %s {run_lines.TOLD}""".encode(),
        (
            Jsonb(verdict),
            *(best or (None, None)),
            *(cheapest or (None, None)),
            verdict_kind,
            *(astuple(headline) if headline else (None,) * 5),
            *(status,) * 4,
            run_id,
        ),
    )
    if status is not None:
        await run_lines.ended(cursor)
    await run_models.write_models(connection, [run_id])
    await standing.refresh_benchmark(connection, run_id)


async def keep_race(connection: Connection, run_id: UUID, race: Mapping[str, Any], *, planned: int) -> None:
    """How the run's race stands, and how many cells it will come to at most as it stands."""
    await connection.execute(
        "UPDATE benchmark_runs SET race = %s, planned = %s WHERE id = %s", (Jsonb(race), planned, run_id)
    )


async def race_of_run(connection: Connection, run_id: UUID) -> Mapping[str, Any] | None:
    """How the run's race stands; None for a run without one."""
    cursor = await connection.execute("SELECT race FROM benchmark_runs WHERE id = %s", (run_id,))
    row = await cursor.fetchone()
    return None if row is None else row["race"]


async def examination_of_run(connection: Connection, run_id: UUID) -> tuple[Any, Any, bool, Any]:
    """How far the examination of the run's judge is, what it was found to be, whether it is accepted whatever, and the
    judge and digest of each juror."""
    cursor = await connection.execute(
        "SELECT examining, examination, accept_judge, plan -> 'jury' AS jury FROM benchmark_runs WHERE id = %s",
        (run_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        return None, None, False, ()
    return row["examining"], row["examination"], row["accept_judge"], row["jury"] or ()


async def _fetch(connection: Connection, query: str, parameters: Sequence[Any] = ()) -> list[RunRow]:
    async with connection.cursor(row_factory=record_row(RunRow)) as cursor:
        await cursor.execute(query.encode(), parameters)
        return await cursor.fetchall()

"""Ends a run: counts its cells, takes its look if it is whole, works out the verdict and stores it, all at once."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from uuid import UUID

from steelyard.domain.runs import RunStatus
from steelyard.domain.spending import MONTH_BUDGET
from steelyard.execution.detail import detail_of
from steelyard.execution.outcome import Outcome, cases_digest, comparison_digest, work_out
from steelyard.execution.plan import Plan
from steelyard.execution.scores import score
from steelyard.execution.turns import take_turn
from steelyard.judging.scoring import QUOTE_NOT_FOUND
from steelyard.storage import claims, looks, run_counts, runs, spending
from steelyard.storage.case_results import judgement_counts, judgement_repeats
from steelyard.storage.cases import cases_by_id
from steelyard.storage.database import Connection
from steelyard.storage.figures import juror_grades, run_figures


async def conclude(
    connection: Connection,
    tenant_id: UUID,
    run_id: UUID,
    *,
    over_budget: bool = False,
    month_refusal: str | None = None,
) -> bool:
    """Store the verdict when the run is over; True when it is.

    Over means that every cell has come to its end, that the budget is spent, its own or, by `month_refusal`, that of
    the tenant's month, or that it was cancelled. Only the first
    is a look at the cases: what was stopped is looked at once it has been resumed and is whole.
    """
    run = await runs.lock_run(connection, run_id)
    if "race" in run.plan:
        await take_turn(connection, tenant_id, run)
    counts, ended = await run_counts.count(connection, run_id)
    complete = ended >= counts.planned
    if complete and run.status == RunStatus.COMPLETED and not run.partial:
        # The last batches of a run may end at once: one of them has stored the verdict, and nothing changed since.
        return True
    if not complete:
        # Another process may have raised the budget since the caller looked.
        if over_budget and run.budget_microcents is not None and run.spent_microcents >= run.budget_microcents:
            await runs.stop_run(connection, run_id, status=RunStatus.COMPLETED, stop_cause="budget")
        elif month_refusal is not None and run.status in (RunStatus.PENDING, RunStatus.RUNNING):
            await runs.stop_run(
                connection,
                run_id,
                status=RunStatus.COMPLETED,
                stop_cause=MONTH_BUDGET,
                error_message=month_refusal,
            )
        elif run.status in (RunStatus.PENDING, RunStatus.RUNNING):
            return False
    lost = await claims.mark_lost_calls(connection, run_id)
    outcome = await outcome_of(connection, tenant_id, run, take_look=complete)
    detail = await detail_of(connection, run, outcome)
    quotes = await judgement_counts(connection, run_id, QUOTE_NOT_FOUND)
    repeats = await judgement_repeats(connection, run_id)
    jurors = Plan.from_json(run.plan).jury
    each = {juror.digest: asdict(await judgement_repeats(connection, run_id, juror.digest)) for juror in jurors}
    await runs.conclude_run(
        connection,
        run_id,
        status=RunStatus.COMPLETED if complete else None,
        # Worked out and counted once: every page of the run says it.
        verdict=outcome.to_json()
        | {
            "judgements": asdict(quotes),
            "repeats": asdict(repeats),
            "juror_repeats": each,
            "detail": None if detail is None else detail.to_json(),
        },
        best=outcome.best_observed,
        cheapest=outcome.cheapest_observed,
        verdict_kind=outcome.verdict.kind,
        headline=outcome.headline,
    )
    await spending.mark_lost(connection, tenant_id, lost)
    return True


async def outcome_of(connection: Connection, tenant_id: UUID, run: runs.RunRow, *, take_look: bool) -> Outcome:
    """The outcome of the cells stored so far. Without `take_look` it is worked out as the look it would be, uncounted.

    A run on others than the skill's own cases is not one of several looks at a growing set, and is always look 1.
    """
    plan = Plan.from_json(run.plan)
    figures = await run_figures(connection, run.id)
    cases = await cases_by_id(connection, plan.case_ids)
    look = 1
    if run.of_record and len(plan.models) > 1 and any(score(cell) is not None for cell in figures):
        seen = run.skill_version_id, comparison_digest(plan), cases_digest(plan, figures)
        look = await (looks.take(connection, tenant_id, *seen) if take_look else looks.next_look(connection, *seen))
    grades = await juror_grades(connection, run.id) if plan.jury else ()
    families = [cases[case_id].family for case_id in plan.case_ids]
    # Of 200,000 cells that is seconds, in which others are answered.
    return await asyncio.to_thread(work_out, plan, families, figures, look=look, grades=grades)

"""Benchmark runs as use cases: plan, start or continue, resume, cancel, follow, report."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from steelyard.domain.cases import CaseSource
from steelyard.domain.errors import Conflict, JudgeRefused, StorageError
from steelyard.domain.models import ModelRef
from steelyard.domain.races import RaceStanding
from steelyard.domain.runs import JUDGE_REFUSED, RunStatus
from steelyard.execution.conclude import conclude
from steelyard.execution.context import grading_digest
from steelyard.execution.fitness import KnownModels, why_unfit
from steelyard.execution.plan import Cell, CellGrid, Juror, Plan, job_order, jury_of
from steelyard.execution.turns import open_race
from steelyard.judging import Judge, rubric_of
from steelyard.services.certificates import failed_judges
from steelyard.services.examining import ExaminationStanding, standing_of
from steelyard.services.reports import RunReport, build_report
from steelyard.services.run_request import RunRequest, check_request
from steelyard.services.spend_limits import Pricer, granted
from steelyard.services.waits import with_waits
from steelyard.storage import results, run_counts, runs, skills
from steelyard.storage.database import DATABASE_AWAY, Connection, Database
from steelyard.storage.folder_cases import sync_cases
from steelyard.storage.judgements import graded_cells
from steelyard.storage.once import bind
from steelyard.storage.queue import Queue, defer_within
from steelyard.storage.runs import RunRow
from steelyard.storage.served import RUNS, unserved


@dataclass(frozen=True)
class Prepared:
    """A plan and where it stands: `paid` cells of each model have an answer already, so they cost nothing again."""

    plan: Plan
    skill_id: UUID
    skill_version_id: UUID
    paid: Sequence[int]


@dataclass(frozen=True)
class Started:
    """A run that is queued; `continued` when it is an earlier one taken up again.

    `kept_budget_microcents` is the budget that an earlier run brings along where the request names none.
    """

    run_id: UUID
    continued: bool
    kept_budget_microcents: int | None = None


class BenchmarkService:
    """Use cases on benchmark runs, for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        models: KnownModels,
        make_judge: Callable[[ModelRef], Judge],
        *,
        price: Pricer | None = None,
    ) -> None:
        """Without `price` a model whose price is not known is found out as it is called."""
        self._price = price
        self._database = database
        self._queue = queue
        self._models = models
        self._make_judge = make_judge

    async def prepare(self, tenant_id: UUID, request: RunRequest) -> Prepared:
        """Check the request, keep its skill and cases, and work out the plan. Raises InputError and its kin."""
        check_request(request, self._models, self._make_judge)
        async with self._database.tenant(tenant_id) as connection:
            return await self._prepare(connection, tenant_id, request)

    async def paid(self, tenant_id: UUID, request: RunRequest) -> Sequence[int]:
        """How many cells of each model have an answer already. Keeps nothing. Raises InputError and its kin."""
        check_request(request, self._models, self._make_judge)
        # What a cell is does not depend on where its case is kept.
        plan = self._plan(request, [UUID(int=0)] * len(request.cases))
        async with self._database.tenant(tenant_id) as connection:
            return await _paid(connection, request, plan)

    async def judgements_ahead(self, tenant_id: UUID, request: RunRequest) -> Sequence[int]:
        """How many answers each judge has yet to grade, if all models answer. Keeps nothing. Raises as `paid` does."""
        check_request(request, self._models, self._make_judge)
        judged = sum(case.needs_judge for case in request.cases)
        whole = judged * len(request.models) * len(request.arms) * request.trials
        if request.fresh or not whole or not request.judges:
            return [whole] * len(request.judges)
        plan = self._plan(request, [UUID(int=0)] * len(request.cases))
        digests = [self._make_judge(judge).digest for judge in request.judges]
        gradings = [[grading_digest(case, plan, digest) for case in request.cases] for digest in digests]
        cells = [cell for cell in await _cells(request, plan) if request.cases[cell.case_index].needs_judge]
        async with self._database.tenant(tenant_id) as connection:
            known = await graded_cells(
                connection, [cell.digest for cell in cells], sorted({one for each in gradings for one in each})
            )
        return [sum((cell.digest, each[cell.case_index]) not in known for cell in cells) for each in gradings]

    async def start(self, tenant_id: UUID, request: RunRequest) -> Started:
        """Queue the run; the same request given again continues its unfinished run."""
        check_request(request, self._models, self._make_judge)
        async with self._database.tenant(tenant_id) as connection:
            prepared = await self._prepare(connection, tenant_id, request)
            plan = prepared.plan
            earlier = await runs.unfinished_run(
                connection, prepared.skill_version_id, plan.digest, of_record=request.counts, fresh=request.fresh
            )
            asked = request.budget_microcents
            if earlier is None:
                budget = await self._granted(connection, asked, plan)
                run_id = await self._insert(connection, tenant_id, replace(request, budget_microcents=budget), prepared)
            else:
                run_id = earlier.id
                budget = await self._granted(connection, asked or earlier.budget_microcents, plan)
                await runs.reopen_run(connection, run_id, budget, accept_judge=request.accept_judge)
            if plan.race is not None:
                await open_race(connection, tenant_id, run_id)
            await bind(connection, run_id)
        await self._queue_rest(tenant_id, run_id, plan)
        kept = earlier.budget_microcents if earlier is not None and request.budget_microcents is None else None
        return Started(run_id, earlier is not None, kept)

    async def start_allowed(
        self,
        tenant_id: UUID,
        request: RunRequest,
        *,
        allow: Callable[[Connection, UUID], Awaitable[int]],
        begun: Callable[[Connection, UUID], Awaitable[None]],
    ) -> UUID:
        """Queue a run of its own under the budget in microcents that `allow` grants the skill: with its jobs, in one
        transaction, in which `begun` hears of it too. Raises what `allow` raises, and nothing is kept then."""
        check_request(request, self._models, self._make_judge)
        async with self._database.tenant(tenant_id) as connection:
            prepared = await self._prepare(connection, tenant_id, request)
            allowed = await allow(connection, prepared.skill_id)
            most = await self._granted(connection, None, prepared.plan)
            budget = allowed if most is None else min(allowed, most)
            run_id = await self._insert(connection, tenant_id, replace(request, budget_microcents=budget), prepared)
            if prepared.plan.race is not None:
                await open_race(connection, tenant_id, run_id)
            else:
                await defer_within(connection, tenant_id, run_id, job_order(prepared.plan))
            await begun(connection, run_id)
        return run_id

    async def queue_again(self, tenant_id: UUID, run_id: UUID) -> None:
        """Queue what a starter that was cut off may not have queued; nothing is queued twice. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
        if run.status == RunStatus.PENDING:
            await self._queue_rest(tenant_id, run_id, Plan.from_json(run.plan))

    async def resume(
        self, tenant_id: UUID, id_prefix: str, budget_microcents: int | None = None, *, accept_judge: bool = False
    ) -> RunRow:
        """Queue again what a run has not done, cells missing for an outage included. Raises NotFound, Conflict.

        One whose judge was refused goes on only with `accept_judge`.
        """
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.find_run(connection, id_prefix)
            counts, _ = await run_counts.count(connection, run.id)
            ungraded = await run_counts.ungraded(connection, run.id)
            if run.status == RunStatus.COMPLETED and not counts.missing and not ungraded:
                raise Conflict(
                    f"Run {str(run.id)[:8]} is complete: nothing is left to do.",
                    next_step="Give `steelyard run … --fresh` for new answers.",
                )
            if run.stop_cause == JUDGE_REFUSED and not (accept_judge or run.accept_judge):
                raise JudgeRefused(
                    run.error_message or f"{failed_judges(run)} examination.",
                    kept="What the run has so far is kept, and the judge's grades too.",
                    next_step="Run it with another judge, which uses every answer again, or accept this one"
                    " (`--accept-judge`): every report then says that it failed.",
                )
            plan = Plan.from_json(run.plan)
            for text in plan.models:
                self._models.check(ModelRef.parse(text))
            for juror in plan.jurors:
                self._models.check(ModelRef.parse(juror.judge))
            why = why_unfit(plan, self._models, self._make_judge)
            if why is not None:
                raise Conflict(
                    f"Run {str(run.id)[:8]} cannot go on here as it was planned. {why}",
                    kept="What it has so far is kept.",
                    next_step="Set things as they were; or start it anew with `steelyard run`: answers of what is the"
                    " same here are used again, and what is another one here is called, and paid for, anew.",
                )
            budget = await self._granted(connection, budget_microcents or run.budget_microcents, plan)
            await runs.reopen_run(connection, run.id, budget, accept_judge=accept_judge)
            if plan.race is not None:
                await open_race(connection, tenant_id, run.id)
        await self._queue_rest(tenant_id, run.id, plan)
        async with self._database.tenant(tenant_id) as connection:
            return await runs.get_run(connection, run.id)

    async def cancel(self, tenant_id: UUID, id_prefix: str) -> RunRow:
        """Stop a run for good or until it is resumed; calls in flight finish. Raises NotFound, Conflict."""
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.find_run(connection, id_prefix)
            if not await runs.stop_run(connection, run.id, status=RunStatus.CANCELLED, stop_cause="cancelled"):
                raise Conflict(f"Run {str(run.id)[:8]} is {run.status} already.")
        await self._queue.drop(run.id)
        async with self._database.tenant(tenant_id) as connection:
            await conclude(connection, tenant_id, run.id)
            return await runs.get_run(connection, run.id)

    async def report(self, tenant_id: UUID, run_id: UUID) -> RunReport:
        """How the run stands or ended. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await build_report(connection, tenant_id, run_id)

    async def find(self, tenant_id: UUID, id_prefix: str) -> RunRow:
        """The run whose id starts so. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await runs.find_run(connection, id_prefix)

    async def list(self, tenant_id: UUID, *, skill: str | None = None, limit: int = 50) -> Sequence[RunRow]:
        """The newest runs first, of one skill where named. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            skill_id = None if skill is None else (await skills.find_skill(connection, skill)).id
            found = await runs.list_runs(connection, skill_id=skill_id, limit=limit)
            running = [run.id for run in found if run.status == RunStatus.RUNNING]
            left = await unserved(connection, running)
            return await with_waits(connection, RUNS, [replace(run, unserved=run.id in left) for run in found])

    async def progress(self, tenant_id: UUID, run_id: UUID) -> Progress:
        """Cells by model and how the run stands, cheap enough to ask twice a second. Raises StorageError."""
        try:
            async with self._database.tenant(tenant_id) as connection:
                run = await results.run_state(connection, run_id)
                ended = await results.ended_by_model(connection, run_id)
                raced = await runs.race_of_run(connection, run_id)
                examining, examination, accepted, jury = await runs.examination_of_run(connection, run_id)
        except DATABASE_AWAY as error:
            raise StorageError(
                "The database has gone away.", next_step="Run `steelyard doctor` to see what is wrong."
            ) from error
        race = None if raced is None else RaceStanding.from_json(raced)
        return Progress(
            run.status,
            run.spent_microcents,
            run.spent_is_lower_bound,
            run.budget_microcents,
            ended,
            race,
            standing_of(examining, examination, accepted=accepted, jury=jury),
        )

    async def _insert(self, connection: Connection, tenant_id: UUID, request: RunRequest, prepared: Prepared) -> UUID:
        plan = prepared.plan
        return await runs.insert_run(
            connection,
            tenant_id,
            skill_id=prepared.skill_id,
            skill_version_id=prepared.skill_version_id,
            triggered_by=request.triggered_by,
            of_record=request.counts,
            plan=plan.to_json(),
            plan_digest=plan.digest,
            planned=plan.planned,
            fresh=request.fresh,
            budget_microcents=request.budget_microcents,
            accept_judge=request.accept_judge,
            judge_by_default=request.judge_by_default,
            of_draft=request.of_draft,
        )

    async def _granted(self, connection: Connection, asked_microcents: int | None, plan: Plan) -> int | None:
        called = [*plan.models, *(juror.judge for juror in plan.jurors)]
        return await granted(connection, asked_microcents, [ModelRef.parse(text) for text in called], self._price)

    async def _queue_rest(self, tenant_id: UUID, run_id: UUID, plan: Plan) -> None:
        """Queue all of a run's jobs; those of a race were, round by round, with what its rounds rest on."""
        if plan.race is None:
            await self._queue.defer(tenant_id, run_id, job_order(plan))
        else:
            await self._queue.hurry(run_id)

    async def _prepare(self, connection: Connection, tenant_id: UUID, request: RunRequest) -> Prepared:
        skill_id, version_id, case_ids = await self._keep(connection, tenant_id, request)
        plan = self._plan(request, case_ids)
        return Prepared(plan, skill_id, version_id, await _paid(connection, request, plan))

    async def _keep(
        self, connection: Connection, tenant_id: UUID, request: RunRequest
    ) -> tuple[UUID, UUID, Sequence[UUID]]:
        """Save what of the request is not kept yet; returns the ids of skill, version and cases."""
        kept = request.kept
        if kept is None:
            skill_id, version_id = await skills.save_skill(connection, tenant_id, request.content)
            ids: dict[int, UUID] = {}
        else:
            skill_id, version_id = kept.skill_id, kept.version_id
            ids = {place: case_id for place, case_id in enumerate(kept.case_ids) if case_id is not None}
        by_source: dict[CaseSource, list[int]] = {}
        for place, case in enumerate(request.cases):
            if place not in ids:
                by_source.setdefault(case.source, []).append(place)
        for source, places in by_source.items():
            row_ids = await sync_cases(
                connection,
                tenant_id,
                skill_id,
                [request.cases[place] for place in places],
                source=source,
                retire=request.counts and kept is None,
            )
            ids |= dict(zip(places, row_ids, strict=True))
        return skill_id, version_id, [ids[place] for place in range(len(request.cases))]

    def _plan(self, request: RunRequest, case_ids: Sequence[UUID]) -> Plan:
        jurors = [Juror(judge.text, self._make_judge(judge).digest) for judge in request.judges]
        text, digest, jury = jury_of(jurors)
        if len(jurors) == 1:
            text, digest, jury = jurors[0].judge, jurors[0].digest, ()
        race_batch = None
        if request.race is not None:
            # Imported for a race alone, as it takes numpy.
            from steelyard.execution.rounds import named_batch

            race_batch = named_batch(len(case_ids))
        return Plan(
            models=tuple(model.text for model in request.models),
            identities=tuple(self._models.identity(model) for model in request.models),
            arms=request.arms,
            trials=request.trials,
            case_ids=tuple(case_ids),
            skill_digest=request.content.digest,
            max_tokens=request.max_tokens,
            seed=request.seed,
            margin=request.margin,
            threshold=request.threshold,
            rubric=request.rubric or rubric_of(request.content),
            judge=text if jurors else None,
            judge_digest=digest if jurors else None,
            race=request.race,
            race_batch=race_batch,
            jury=jury,
        )


@dataclass(frozen=True)
class Progress:
    """How far a run is: `ended` maps (model, state) to cells that have come to an end; `race` is how one stands.

    `examination` is that of its judge, None where there is none yet.
    """

    status: str
    spent_microcents: int
    spent_is_lower_bound: bool
    budget_microcents: int | None
    ended: dict[tuple[str, str], int]
    race: RaceStanding | None = None
    examination: ExaminationStanding | None = None


async def _paid(connection: Connection, request: RunRequest, plan: Plan) -> Sequence[int]:
    """By model, how many of its cells have an answer that can be used again."""
    paid = [0] * len(plan.models)
    if not request.fresh:
        cells = await _cells(request, plan)
        found = await results.paid_cells(connection, [cell.digest for cell in cells])
        for cell in cells:
            paid[cell.model_index] += cell.digest in found
    return paid


async def _cells(request: RunRequest, plan: Plan) -> list[Cell]:
    """Every cell, each with its digest: of many that is seconds, in which others are answered."""
    return await asyncio.to_thread(CellGrid(plan, request.cases, request.content.prompt).all)

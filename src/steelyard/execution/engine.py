"""A worker's engine: takes batches of cells, claims them, runs them in one pool, and concludes runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from uuid import UUID

from steelyard.domain.errors import NotFound
from steelyard.domain.masking import masked
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import CellState, RunStatus
from steelyard.execution.callers import Gate, ModelCaller, Pricer
from steelyard.execution.cells import CellRunner
from steelyard.execution.conclude import conclude
from steelyard.execution.context import RunContext, Stopped
from steelyard.execution.examiner import Examiner
from steelyard.execution.plan import Cell, Plan
from steelyard.execution.recorder import Recorder
from steelyard.execution.till import Till
from steelyard.execution.worker_claims import WorkerClaims
from steelyard.judging import Judge
from steelyard.storage import claims, results, runs, served, skills, spending
from steelyard.storage.cases import cases_by_id
from steelyard.storage.database import DATABASE_AWAY, DATABASE_ERROR, DISK_FULL, Database
from steelyard.storage.queue import LeftToOthers
from steelyard.storage.results import RunState, StoredCell
from steelyard.storage.telling import Telling

logger = logging.getLogger(__name__)

_PULSE_S = 2.0
_AWAY_S = 1.0
_POLL_S = (0.2, 2.0)

MakeJudge = Callable[[ModelRef], Judge]
# Why this worker cannot serve a run of this plan, in one sentence; None when it can.
Unfit = Callable[[Plan], str | None]


@dataclass(frozen=True)
class _Opened:
    """A batch's cells under this worker's claims: those to work on, those that need nothing, and what is stored."""

    work: Sequence[str]
    ended: Sequence[str]
    own: Mapping[str, StoredCell]
    reusable: Mapping[str, StoredCell]


class Engine:
    """One per worker process. `run_batch` is the handler of the queue's jobs."""

    def __init__(
        self,
        database: Database,
        caller: ModelCaller,
        price: Pricer,
        make_judge: MakeJudge,
        *,
        unfit: Unfit,
        ended: Callable[[UUID], None] | None = None,
        left: Callable[[UUID, str], None] | None = None,
    ) -> None:
        """`ended` hears of each run this worker finds at its end; `left`, once, of each it leaves to others and why."""
        self._unfit = unfit
        self._ended = ended
        self._left = left
        self._left_runs: set[UUID] = set()
        self._database = database
        self._make_judge = make_judge
        self._claims = WorkerClaims(database)
        self._contexts: dict[UUID, RunContext] = {}
        self._loading: dict[UUID, asyncio.Lock] = {}
        self._stopping = False
        self._recorder = Recorder(database, self._claims.key, self._on_state)
        self._till = Till(database, caller, price)
        self._examiner = Examiner(database, self._till, price, self._claims)
        self._cells = CellRunner(self._till, self._recorder, price, self._examiner.admit)
        self._stack = AsyncExitStack()
        self._pulse: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Engine:
        await self._claims.open()
        await self._stack.enter_async_context(self._recorder)
        self._pulse = asyncio.create_task(self._beat(), name="engine pulse")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        if self._pulse is not None:
            self._pulse.cancel()
            with suppress(asyncio.CancelledError):
                await self._pulse
        await self._stack.aclose()
        await self._till.aclose()
        await self._claims.aclose()

    def stop(self) -> None:
        """Start no further call; what is in flight finishes and is saved."""
        self._stopping = True

    @property
    def left_runs(self) -> frozenset[UUID]:
        """The runs this worker found it cannot serve as they were planned."""
        return frozenset(self._left_runs)

    def was_cancelled(self, run_id: UUID) -> bool:
        """Whether a run in hand here has been ended from outside, as far as this worker has heard."""
        context = self._contexts.get(run_id)
        return context is not None and context.status != RunStatus.RUNNING

    async def run_batch(self, tenant_id: UUID, run_id: UUID, lane: int, batch: int) -> None:
        """Bring a batch's cells to their end, or leave them when the run stops; conclude the run if it is done.

        While the database is away it waits and begins again: what has been saved is not done twice. A fault that no
        cell can be blamed for fails the run, which would else never end. Raises LeftToOthers when this worker cannot
        serve the run as it was planned, or is being stopped.
        """
        fault: Exception | None = None
        while True:
            try:
                if fault is None:
                    await self._run_batch(tenant_id, run_id, lane, batch)
                else:
                    await self._fail(tenant_id, run_id, fault)
            except DATABASE_AWAY:
                await asyncio.sleep(_AWAY_S)
            except LeftToOthers as left:
                if left.why is not None:
                    await self._note_left(tenant_id, run_id, left.why)
                raise
            except NotFound:
                # Its skill was deleted in between; or it is no run of this tenant.
                return
            except Exception as error:
                if fault is not None:
                    raise
                logger.exception("A run failed for a fault of Steelyard's own.")
                fault = error
            else:
                return

    async def _fail(self, tenant_id: UUID, run_id: UUID, fault: Exception) -> None:
        message = masked(f"Steelyard failed on this run: {type(fault).__name__}: {fault}")
        async with self._database.tenant(tenant_id) as connection:
            await runs.stop_run(connection, run_id, status=RunStatus.FAILED, stop_cause="error", error_message=message)
            state = await results.run_state(connection, run_id)
        self._on_state(run_id, state)
        self._tell_ended(run_id)

    def _tell_ended(self, run_id: UUID) -> None:
        if self._ended is not None:
            self._ended(run_id)

    async def _note_left(self, tenant_id: UUID, run_id: UUID, why: str) -> None:
        """Keep why, for whoever looks at the run. Where the database is away the job's next taker does."""
        with suppress(*DATABASE_AWAY):
            async with self._database.tenant(tenant_id) as connection:
                await served.note_left(connection, run_id, masked(why))

    async def _run_batch(self, tenant_id: UUID, run_id: UUID, lane: int, batch: int) -> None:
        context = await self._context(tenant_id, run_id)
        if context is None:
            self._leave_if_stopping()
            # It has ended, and may have here: by a commit that nobody heard was made.
            self._tell_ended(run_id)
            return
        context.active_batches += 1
        try:
            await self._examiner.begin(context)
            await self._run_cells(context, context.grid.batch(lane, batch))
            await self._examiner.settle(context)
        finally:
            context.active_batches -= 1
        self._leave_if_stopping()
        if context.stopping and context.active_batches:
            return
        async with context.concluding, self._database.tenant(tenant_id) as connection:
            ended = await conclude(
                connection,
                tenant_id,
                run_id,
                over_budget=context.over_budget,
                month_refusal=context.month_refusal,
            )
        if ended:
            self._contexts.pop(run_id, None)
            self._tell_ended(run_id)

    async def _run_cells(self, context: RunContext, cells: Sequence[Cell]) -> None:
        pending = {cell.digest: cell for cell in cells}
        poll = _POLL_S[0]
        while pending and not context.stopping:
            done = await self._round(context, pending)
            for digest in done:
                del pending[digest]
            if pending and not context.stopping:
                poll = _POLL_S[0] if done else min(poll * 1.5, _POLL_S[1])
                await asyncio.sleep(poll)

    async def _round(self, context: RunContext, pending: Mapping[str, Cell]) -> list[str]:
        """Claim what is free and bring it to its end; returns the digests of cells that need nothing more."""
        keys = {digest: _claim_key(context, digest) for digest in pending}
        async with self._claims.in_hand(context.tenant_id, keys.values()) as free:
            keys = {digest: key for digest, key in keys.items() if key in free}
            return await self._bring_all_to_end(context, {digest: pending[digest] for digest in keys}, keys)

    async def _bring_all_to_end(
        self, context: RunContext, pending: Mapping[str, Cell], keys: Mapping[str, str]
    ) -> list[str]:
        gate = self._claims.gate(context.check)
        opened = await self._open(context, pending, keys)
        outcomes = await asyncio.gather(
            *(self._bring_to_end(context, pending[digest], opened, gate) for digest in opened.work),
            return_exceptions=True,
        )
        left = [digest for digest, outcome in zip(opened.work, outcomes, strict=True) if outcome is not None]
        if left:
            async with self._database.tenant(context.tenant_id) as connection:
                await claims.release_claims(connection, self._claims.key, [keys[digest] for digest in left])
        for outcome in outcomes:
            # Raised only now, when the siblings' paid answers are safe.
            if isinstance(outcome, BaseException) and not isinstance(outcome, Stopped):
                raise outcome
        return [*opened.ended, *(digest for digest in opened.work if digest not in left)]

    async def _open(self, context: RunContext, pending: Mapping[str, Cell], keys: Mapping[str, str]) -> _Opened:
        run_id = context.run.id
        async with self._database.tenant(context.tenant_id) as connection:
            wanted_keys = list(keys.values())
            lost = await claims.mark_lost_calls(connection, run_id, wanted_keys, worker_key=self._claims.key)
            taken = await claims.take_claims(connection, context.tenant_id, run_id, wanted_keys, self._claims.key)
            claimed = [digest for digest in pending if keys[digest] in taken]
            own = await results.own_cells(connection, run_id, claimed)
            unseen = [digest for digest in claimed if digest not in own]
            reusable: dict[str, StoredCell] = {}
            if unseen and not context.run.fresh:
                wanted = [context.gradings[pending[digest].case_index] for digest in unseen]
                reusable = await results.reusable_cells(connection, run_id, unseen, wanted)
            ended = [digest for digest, stored in own.items() if _has_ended(stored)]
            await claims.release_claims(connection, self._claims.key, [keys[digest] for digest in ended])
            await spending.mark_lost(connection, context.tenant_id, lost)
        return _Opened([digest for digest in claimed if digest not in set(ended)], ended, own, reusable)

    async def _bring_to_end(self, context: RunContext, cell: Cell, opened: _Opened, gate: Gate) -> None:
        own, reusable = opened.own.get(cell.digest), opened.reusable.get(cell.digest)
        claim = _claim_key(context, cell.digest)
        try:
            await self._advance(context, cell, own, reusable, claim, gate)
        except (Stopped, *DATABASE_AWAY):
            raise
        except Exception as error:
            # The boundary of one cell: a fault of ours in it, a value the database refuses among them, is its named
            # failure and nobody else's.
            logger.exception("A cell failed for a fault of Steelyard's own.")
            await self._cells.fail(context, cell, error, claim=claim)

    async def _advance(
        self,
        context: RunContext,
        cell: Cell,
        own: StoredCell | None,
        reusable: StoredCell | None,
        claim: str,
        gate: Gate,
    ) -> None:
        if own is not None and own.state != CellState.FAILED:
            await self._cells.grade(context, cell, own.id, own.output_produced or "", claim=claim, gate=gate)
        elif reusable is not None:
            await self._cells.reuse(context, cell, reusable, claim=claim, gate=gate)
        else:
            attempt = 1 if own is None else own.attempt + 1
            await self._cells.call(context, cell, attempt=attempt, claim=claim, gate=gate)

    async def _context(self, tenant_id: UUID, run_id: UUID) -> RunContext | None:
        """The run's context, loaded once for all its batches; None for a run that has ended. Raises as `_load` does.

        A run over its budget has not ended: someone has to conclude it, also when it was over already as it was loaded.
        """
        async with self._loading.setdefault(run_id, asyncio.Lock()):
            before = known = self._contexts.get(run_id)
            if known is not None and known.tenant_id != tenant_id:
                # What this worker has in hand of a run is its own tenant's, whoever's job names it.
                raise NotFound("No such run.")
            if known is None:
                known = await self._load(tenant_id, run_id)
                if known is not None:
                    self._contexts[run_id] = known
            elif known.stopping and not self._stopping:
                # It may have been taken up again since: a job dropped on an old word would be lost.
                async with self._database.tenant(tenant_id) as connection:
                    await runs.start_run(connection, run_id)
                    known.observe(await results.run_state(connection, run_id))
                # The month's budget may have been raised: the next call finds out.
                known.month_refusal = None
        if known is None or self._stopping or known.status != RunStatus.RUNNING:
            return None
        if before is not None:
            # The tenant may have set its providers anew since: at another address another model answers.
            self._leave_if_unfit(run_id, known.plan)
            async with self._database.tenant(tenant_id) as connection:
                await served.take_up(connection, run_id)
        return known

    async def _load(self, tenant_id: UUID, run_id: UUID) -> RunContext | None:
        """Raises NotFound, LeftToOthers."""
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
            if run.status not in (RunStatus.PENDING, RunStatus.RUNNING):
                return None
            plan = Plan.from_json(run.plan)
            self._leave_if_unfit(run_id, plan)
            await served.take_up(connection, run_id)
            await runs.start_run(connection, run_id)
            run = await runs.get_run(connection, run_id)
            if run.status != RunStatus.RUNNING:
                return None
            by_id = await cases_by_id(connection, plan.case_ids)
            version = await skills.get_version(connection, run.skill_version_id)
        return RunContext(
            tenant_id=tenant_id,
            run=run,
            plan=plan,
            cases=[by_id[case_id] for case_id in plan.case_ids],
            skill_prompt=version.prompt,
            judges=[self._make_judge(ModelRef.parse(juror.judge)) for juror in plan.jurors],
            worker_stopping=lambda: self._stopping,
            spent=run.spent_microcents,
            budget=run.budget_microcents,
            status=run.status,
        )

    def _leave_if_unfit(self, run_id: UUID, plan: Plan) -> None:
        why = self._unfit(plan)
        if why is None:
            self._left_runs.discard(run_id)
            return
        if run_id not in self._left_runs:
            self._left_runs.add(run_id)
            if self._left is not None:
                self._left(run_id, why)
        raise LeftToOthers(why)

    def _leave_if_stopping(self) -> None:
        """Nobody else would ask for the rest of the batch: its job must not end with this worker."""
        if self._stopping:
            raise LeftToOthers

    def _on_state(self, run_id: UUID, state: RunState) -> None:
        context = self._contexts.get(run_id)
        if context is not None:
            context.observe(state)

    async def _beat(self) -> None:
        """Keep the worker's lock and leases, and hear of cancelled runs and budgets spent elsewhere."""
        telling = Telling()
        while True:
            await asyncio.sleep(_PULSE_S)
            began = self._claims.beat()
            try:
                await self._claims.renew()
                for context in list(self._contexts.values()):
                    try:
                        async with self._database.tenant(context.tenant_id) as connection:
                            context.observe(await results.run_state(connection, context.run.id))
                    except NotFound:
                        # Another worker concluded it, and its skill was deleted since.
                        self._contexts.pop(context.run.id, None)
                        continue
                    if context.status != RunStatus.RUNNING and not context.active_batches:
                        self._contexts.pop(context.run.id, None)
            except DISK_FULL:
                # The database tells it itself.
                continue
            except DATABASE_AWAY:
                if telling.due("away"):
                    logger.warning("The database is away. What was received is kept, and saved when it is back.")
                continue
            except DATABASE_ERROR:
                # Without a pulse the worker would trust its claims no more and say nothing of it.
                if telling.due("refused"):
                    logger.exception("The database refuses the worker's pulse. It is tried again.")
                continue
            self._claims.trust(began)


def _claim_key(context: RunContext, digest: str) -> str:
    """A fresh run pays for its own cells whoever else is at them; the others share a cell tenant-wide."""
    return f"{digest}:{context.run.id}" if context.run.fresh else digest


def _has_ended(stored: StoredCell) -> bool:
    """Nothing is left to do: graded, or a failure of the model's own that was paid for."""
    if stored.state == CellState.FAILED:
        return stored.output_produced is not None
    return stored.graded and stored.failure_kind is None

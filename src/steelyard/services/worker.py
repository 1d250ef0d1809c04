"""Serving jobs: a foreground run's own, or every run's, and taking over what a killed worker left."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Concatenate, ParamSpec
from uuid import UUID

from steelyard.execution.callers import ModelCaller, Pricer
from steelyard.execution.drafter import Drafter
from steelyard.execution.engine import Engine, MakeJudge, Unfit
from steelyard.execution.paid_job import JobUnfit, always_fit
from steelyard.execution.plan import BATCH
from steelyard.execution.reviewer import Reviewer
from steelyard.execution.tie_breaker import TieBreaker, TieBreakUnfit
from steelyard.providers.registry import CALLED_FOR
from steelyard.services.going_on import GoingOn
from steelyard.services.on_behalf import OnBehalf
from steelyard.storage.database import DATABASE_AWAY, Database
from steelyard.storage.queue import Queue, QueueUnreachable
from steelyard.storage.telling import Telling

logger = logging.getLogger(__name__)

_RESCUE_S = 5.0
_HURRY_S = (0.5, 2.5)
# Seconds before a lost queue is tried again, and a life so short that the next trouble counts as the same one.
_RESTART_S = (1.0, 10.0)
# From so many on, the database is there and yet the queue cannot be served: nobody else tells that.
_QUICK_RESTARTS = 20
_AWAY_S = 1.0

# Answers for a tenant inside: what its jobs call models with.
Serving = Callable[[UUID], AbstractAsyncContextManager[None]]
Args = ParamSpec("Args")


@dataclass(frozen=True)
class LeftRun:
    """A run this worker cannot serve as it was planned; `alone` when no other worker is there that might."""

    run_id: UUID
    why: str
    alone: bool

    @property
    def sentence(self) -> str:
        short = str(self.run_id)[:8]
        fate = (
            f"nobody can serve run {short} now, and it waits for a worker that can"
            if self.alone
            else f"run {short} is left to the other workers"
        )
        return f"{self.why.rstrip('.')}: {fate}."


def jobs_at_once(concurrency: int) -> int:
    """Batches in hand: enough cells to keep every slot busy while others are being committed, few enough for memory."""
    return max(4, -(-4 * concurrency // BATCH))


async def work(
    database: Database,
    caller: ModelCaller,
    price: Pricer,
    make_judge: MakeJudge,
    *,
    unfit: Unfit,
    run_id: UUID | None,
    concurrency: int,
    stop: asyncio.Event,
    ended: Callable[[UUID], None] | None = None,
    left: Callable[[LeftRun], None] | None = None,
    review_unfit: JobUnfit = always_fit,
    tie_break_unfit: TieBreakUnfit = always_fit,
    drafts_unfit: JobUnfit = always_fit,
    serving: Serving | None = None,
) -> None:
    """Serve until `stop` is set; what is in flight then finishes and is saved.

    `unfit` and its kin say why a run, a review, a tie-break or drafts of cases cannot be served here as they were
    planned; they are left to other workers then. `ended` hears of each run this worker finds at its end, `left` once of
    each it leaves (without it, the log does). Each job is done within `serving` its tenant.
    """
    telling: set[asyncio.Task[None]] = set()

    def tell(left_id: UUID, why: str) -> None:
        task = asyncio.create_task(_tell(queue, left_id, why, left or _log))
        telling.add(task)
        task.add_done_callback(telling.discard)

    async with Engine(database, caller, price, make_judge, unfit=unfit, ended=ended, left=tell) as engine:
        reviewer = Reviewer(database, caller, price, unfit=review_unfit)
        breaker = TieBreaker(database, caller, price, make_judge, unfit=tie_break_unfit, stopping=stop.is_set)
        drafter = Drafter(database, caller, price, unfit=drafts_unfit)
        of = OnBehalf(database)
        going_on = GoingOn()
        queue = Queue(
            database,
            going_on.after_cancelling(_of_tenant(serving, of.starter(engine.run_batch)), engine.was_cancelled),
            _of_tenant(serving, of.starter(reviewer.run)),
            _of_tenant(serving, of.starter(breaker.run)),
            _of_tenant(serving, of.starter(drafter.run)),
        )
        await queue.open()
        await queue.hurry(run_id)
        rescuing = asyncio.create_task(_rescue(queue), name="rescue")
        hurrying = asyncio.create_task(_hurry(queue, engine, reviewer, breaker, drafter, run_id), name="hurry")
        stopping = asyncio.create_task(stop.wait())
        try:
            await _serve(queue, engine, stopping, run_id, jobs_at_once(concurrency))
        finally:
            for task in (rescuing, hurrying, stopping, *telling):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await going_on.settled()


def _of_tenant(
    serving: Serving | None, job: Callable[Concatenate[UUID, UUID, Args], Awaitable[None]]
) -> Callable[Concatenate[UUID, UUID, Args], Awaitable[None]]:
    """The job done for its tenant, with its keys and no other's, its calls being of what the job is of."""

    async def handle(tenant_id: UUID, subject_id: UUID, *args: Args.args, **more: Args.kwargs) -> None:
        CALLED_FOR.set(subject_id)
        if serving is None:
            await job(tenant_id, subject_id, *args, **more)
            return
        async with AsyncExitStack() as stack:
            while True:
                try:
                    await stack.enter_async_context(serving(tenant_id))
                except DATABASE_AWAY:
                    await asyncio.sleep(_AWAY_S)
                else:
                    break
            await job(tenant_id, subject_id, *args, **more)

    return handle


async def _serve(
    queue: Queue, engine: Engine, stopping: asyncio.Task[bool], run_id: UUID | None, concurrency: int
) -> None:
    """Keep a queue worker going: it gives up when it loses the database, which may well come back.

    However long that takes, this waits for it: what its jobs have in hand may be paid for and nowhere else.
    """
    lives = 0
    telling = Telling()
    while not stopping.done():
        worker = queue.worker(run_id=run_id, concurrency=concurrency)
        began = time.monotonic()
        serving = asyncio.create_task(worker.run(), name="queue worker")
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                engine.stop()
                worker.stop()
            await serving
        except QueueUnreachable as error:
            if stopping.done():
                return
            lives = lives + 1 if time.monotonic() - began < _RESTART_S[1] else 0
            if lives > _QUICK_RESTARTS and telling.due("unserved"):
                logger.warning(
                    "The job queue cannot be served: %s. What was received is kept. It is tried again; `steelyard "
                    "doctor` says more.",
                    error.why,
                )
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError, QueueUnreachable):
                await serving
        if not stopping.done():
            await asyncio.wait({stopping}, timeout=_RESTART_S[0])


async def _rescue(queue: Queue) -> None:
    while True:
        with suppress(QueueUnreachable):
            await queue.rescue()
        await asyncio.sleep(_RESCUE_S)


async def _hurry(
    queue: Queue, engine: Engine, reviewer: Reviewer, breaker: TieBreaker, drafter: Drafter, run_id: UUID | None
) -> None:
    """Let no job rest of what may be served here: one that another left can be taken at once.

    A worker of one run wakes nothing else: it would only keep those busy that cannot do it.
    """
    while True:
        # Unevenly: workers look for jobs in a steady beat, and one that cannot do them must not always be first.
        await asyncio.sleep(random.uniform(*_HURRY_S))  # noqa: S311
        with suppress(*DATABASE_AWAY):
            for resting in await queue.resting_runs() - engine.left_runs:
                if run_id in (None, resting):
                    await queue.hurry(resting)
            if run_id is None:
                for waiting in await queue.resting_reviews() - reviewer.left:
                    await queue.hurry_review(waiting)
                for waiting in await queue.resting_tie_breaks() - breaker.left_tie_breaks:
                    await queue.hurry_tie_break(waiting)
                for waiting in await queue.resting_drafts() - drafter.left:
                    await queue.hurry_drafts(waiting)


async def _tell(queue: Queue, run_id: UUID, why: str, left: Callable[[LeftRun], None]) -> None:
    try:
        alone = await queue.workers() <= 1
    except DATABASE_AWAY:
        alone = False
    left(LeftRun(run_id, why, alone))


def _log(left: LeftRun) -> None:
    logger.warning(left.sentence)

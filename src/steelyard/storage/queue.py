"""The job queue: procrastinate over the application's own pool. Jobs carry ids only."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from uuid import UUID

import psycopg
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision, exceptions
from procrastinate.jobs import Job
from procrastinate.worker import Worker
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from steelyard import logs, telemetry
from steelyard.domain.masking import texts_being
from steelyard.storage.database import DISK_FULL, Connection, Database
from steelyard.storage.places import FairManager, FairWorker, Places

TASK = "run_cells"
REVIEW_TASK = "review_skill"
REVIEW_QUEUE = "reviews"
TIE_TASK = "break_tie"
TIE_QUEUE = "tie-breaks"
DRAFTS_TASK = "draft_cases"
DRAFTS_QUEUE = "drafts"
STALLED_AFTER_S = 30.0
_HEARTBEAT_S = 5.0
# Seconds a job rests that a worker has left to others: the first time, and at most.
_REST_S = (2.0, 60.0)

# A job is (tenant, run, model index, batch).
Handler = Callable[[UUID, UUID, int, int], Awaitable[None]]
# A job is (tenant, review).
ReviewHandler = Callable[[UUID, UUID], Awaitable[None]]
# A job is (tenant, tie-break).
TieHandler = Callable[[UUID, UUID], Awaitable[None]]
# A job is (tenant, drafts asked for).
DraftsHandler = Callable[[UUID, UUID], Awaitable[None]]


def queue_name(run_id: UUID) -> str:
    """Each run has its own queue, so that a foreground run works on nothing else."""
    return f"run:{run_id}"


def review_lock(review_id: UUID) -> str:
    """What no two waiting jobs have."""
    return f"review:{review_id}"


def tie_lock(tie_break_id: UUID) -> str:
    """The same of tie-breaks."""
    return f"tie-break:{tie_break_id}"


def drafts_lock(draft_id: UUID) -> str:
    """What no two waiting jobs have."""
    return f"drafts:{draft_id}"


async def defer_within(connection: Connection, tenant_id: UUID, run_id: UUID, jobs: Sequence[tuple[int, int]]) -> None:
    """Queue (model index, batch) jobs in the caller's transaction; one that waits already is not queued twice."""
    for model, batch in jobs:
        arguments = {"tenant_id": str(tenant_id), "run_id": str(run_id), "model": model, "batch": batch}
        with suppress(psycopg.errors.UniqueViolation):
            async with connection.transaction():
                await connection.execute(
                    """SELECT procrastinate_defer_jobs_v1(
                           ARRAY[ROW(%s, %s, 0, NULL, %s, %s, NULL)::procrastinate_job_to_defer_v1])""",
                    (queue_name(run_id), TASK, _waiting_lock(run_id, model, batch), Jsonb(arguments)),
                )


def _waiting_lock(run_id: UUID, model: int, batch: int) -> str:
    """What no two waiting jobs of a run have."""
    return f"{run_id}:{model}:{batch}"


class QueueUnreachable(Exception):
    """The database of the queue is away."""

    @property
    def why(self) -> str:
        """Whether there is no room, or nobody there."""
        cause = self.__cause__
        full = isinstance(cause, DISK_FULL) or (cause is not None and isinstance(cause.__cause__, DISK_FULL))
        return "the database has no room on its disk" if full else "the database keeps going away"


class LeftToOthers(Exception):
    """Raised by a handler that cannot do a job: it goes back to the queue, to rest before anybody takes it again.

    `why`: what keeps this worker from it, None where it only stops.
    """

    def __init__(self, why: str | None = None) -> None:
        super().__init__(why)
        self.why = why


class _Resting(BaseRetryStrategy):
    """Jobs left to others rest longer each time, a little unevenly, so that a worker fit for none is not kept busy."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if not isinstance(exception, LeftToOthers):
            return None
        rest_s = min(_REST_S[1], _REST_S[0] * 2.0 ** min(job.attempts, 30))
        # No secret: only an unevenness.
        return RetryDecision(retry_in={"seconds": round(rest_s * random.uniform(0.75, 1.0)) or 1})  # noqa: S311


_UNREACHABLE = (exceptions.ConnectorException, psycopg.OperationalError, PoolTimeout)


def _not_of_the_queue(record: logging.LogRecord) -> bool:
    """Keeps quiet the tasks in which the library fails to finish a job: one taken over from a worker that was only
    frozen is finished by both, and cells are safe either way."""
    return not (record.exc_info and isinstance(record.exc_info[1], exceptions.ConnectorException))


@contextmanager
def _at(job: str, tenant_id: str, **ids: str) -> Generator[None]:
    """Lines and spans of a job say what it is of."""
    ids["tenant_id"] = tenant_id
    with logs.about(**ids), telemetry.job(job, **ids), texts_being(UUID(tenant_id)):
        yield


class Queue:
    """Defers and serves the jobs of benchmark runs, reviews, tie-breaks and drafts of cases."""

    def __init__(
        self,
        database: Database,
        handler: Handler | None = None,
        review_handler: ReviewHandler | None = None,
        tie_handler: TieHandler | None = None,
        drafts_handler: DraftsHandler | None = None,
    ) -> None:
        self._database = database
        self._app = App(connector=PsycopgConnector())
        # A failing job is the handler's own business to report; the library's traceback would only scare.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
        logging.getLogger("asyncio").addFilter(_not_of_the_queue)

        async def run_cells(tenant_id: str, run_id: str, model: int, batch: int) -> None:
            assert handler is not None
            with _at("run_cells", tenant_id=tenant_id, run_id=run_id):
                await handler(UUID(tenant_id), UUID(run_id), model, batch)

        async def review_skill(tenant_id: str, review_id: str) -> None:
            assert review_handler is not None
            with _at("review_skill", tenant_id=tenant_id, review_id=review_id):
                await review_handler(UUID(tenant_id), UUID(review_id))

        async def break_tie(tenant_id: str, tie_break_id: str) -> None:
            assert tie_handler is not None
            with _at("break_tie", tenant_id=tenant_id, tie_break_id=tie_break_id):
                await tie_handler(UUID(tenant_id), UUID(tie_break_id))

        async def draft_cases(tenant_id: str, draft_id: str) -> None:
            assert drafts_handler is not None
            with _at("draft_cases", tenant_id=tenant_id, draft_id=draft_id):
                await drafts_handler(UUID(tenant_id), UUID(draft_id))

        self._app.task(name=DRAFTS_TASK, retry=_Resting())(draft_cases)
        self._app.task(name=TASK, retry=_Resting())(run_cells)
        self._app.task(name=REVIEW_TASK, retry=_Resting())(review_skill)
        self._app.task(name=TIE_TASK, retry=_Resting())(break_tie)

    async def open(self) -> None:
        """Attach to the database's pool."""
        await self._app.open_async(self._database.pool)

    async def defer(self, tenant_id: UUID, run_id: UUID, jobs: Sequence[tuple[int, int]]) -> None:
        """Queue (model index, batch) jobs; one that waits already is not queued twice."""
        for model, batch in jobs:
            task = self._app.configure_task(
                TASK, queue=queue_name(run_id), queueing_lock=_waiting_lock(run_id, model, batch)
            )
            with suppress(exceptions.AlreadyEnqueued):
                await task.defer_async(tenant_id=str(tenant_id), run_id=str(run_id), model=model, batch=batch)
        await self.hurry(run_id)

    async def hurry(self, run_id: UUID | None) -> None:
        """Let no job of the run, or of any, rest on: somebody has come who may be able to do it."""
        async with self._database.pool.connection() as connection:
            await connection.execute(
                """UPDATE procrastinate_jobs SET scheduled_at = NULL
                    WHERE status = 'todo' AND scheduled_at IS NOT NULL AND (%(queue)s::text IS NULL
                          OR queue_name = %(queue)s)""",
                {"queue": None if run_id is None else queue_name(run_id)},
            )

    async def hurry_review(self, review_id: UUID) -> None:
        """Let the job of the review rest no longer."""
        await self._hurry_job(review_lock(review_id))

    async def hurry_tie_break(self, tie_break_id: UUID) -> None:
        """Let the job of the tie-break rest no longer."""
        await self._hurry_job(tie_lock(tie_break_id))

    async def hurry_drafts(self, draft_id: UUID) -> None:
        """Let the job of the drafts rest no longer."""
        await self._hurry_job(drafts_lock(draft_id))

    async def _hurry_job(self, lock: str) -> None:
        async with self._database.pool.connection() as connection:
            await connection.execute(
                """UPDATE procrastinate_jobs SET scheduled_at = NULL
                    WHERE status = 'todo' AND scheduled_at IS NOT NULL AND queueing_lock = %s""",
                (lock,),
            )

    async def resting_runs(self) -> frozenset[UUID]:
        """Runs of which a job rests, since some worker could not do it."""
        return await self._resting(TASK, "run_id")

    async def resting_reviews(self) -> frozenset[UUID]:
        """Reviews whose job rests, since some worker could not do it."""
        return await self._resting(REVIEW_TASK, "review_id")

    async def resting_tie_breaks(self) -> frozenset[UUID]:
        """Tie-breaks whose job rests, since some worker could not do it."""
        return await self._resting(TIE_TASK, "tie_break_id")

    async def resting_drafts(self) -> frozenset[UUID]:
        """Drafts asked for whose job rests, since some worker could not do it."""
        return await self._resting(DRAFTS_TASK, "draft_id")

    async def _resting(self, task: str, argument: str) -> frozenset[UUID]:
        async with self._database.pool.connection() as connection:
            cursor = await connection.execute(
                """SELECT DISTINCT args ->> %s AS id FROM procrastinate_jobs
                    WHERE status = 'todo' AND scheduled_at > now() AND task_name = %s""",
                (argument, task),
            )
            return frozenset(UUID(row["id"]) for row in await cursor.fetchall())

    async def workers(self) -> int:
        """How many workers there are whose heart beats, of whatever queue."""
        async with self._database.pool.connection() as connection:
            cursor = await connection.execute(
                """SELECT count(*)::int AS n FROM procrastinate_workers
                    WHERE last_heartbeat > now() - make_interval(secs => %s)""",
                (STALLED_AFTER_S,),
            )
            row = await cursor.fetchone()
        assert row is not None
        return row["n"]

    async def defer_review(self, tenant_id: UUID, review_id: UUID) -> None:
        """Queue a review; one that waits already is not queued twice, and rests no longer."""
        task = self._app.configure_task(REVIEW_TASK, queue=REVIEW_QUEUE, queueing_lock=review_lock(review_id))
        with suppress(exceptions.AlreadyEnqueued):
            await task.defer_async(tenant_id=str(tenant_id), review_id=str(review_id))
        await self.hurry_review(review_id)

    async def defer_tie_break(self, tenant_id: UUID, tie_break_id: UUID) -> None:
        """Queue a tie-break; one that waits already is not queued twice, and rests no longer."""
        task = self._app.configure_task(TIE_TASK, queue=TIE_QUEUE, queueing_lock=tie_lock(tie_break_id))
        with suppress(exceptions.AlreadyEnqueued):
            await task.defer_async(tenant_id=str(tenant_id), tie_break_id=str(tie_break_id))
        await self.hurry_tie_break(tie_break_id)

    async def defer_drafts(self, tenant_id: UUID, draft_id: UUID) -> None:
        """Queue drafts of cases; what waits already is not queued twice, and rests no longer."""
        task = self._app.configure_task(DRAFTS_TASK, queue=DRAFTS_QUEUE, queueing_lock=drafts_lock(draft_id))
        with suppress(exceptions.AlreadyEnqueued):
            await task.defer_async(tenant_id=str(tenant_id), draft_id=str(draft_id))
        await self.hurry_drafts(draft_id)

    async def drop(self, run_id: UUID) -> None:
        """Forget the waiting jobs of a run that has ended."""
        async with self._database.pool.connection() as connection:
            await connection.execute(
                "DELETE FROM procrastinate_jobs WHERE queue_name = %s AND status = 'todo'", (queue_name(run_id),)
            )

    async def rescue(self) -> int:
        """Give the jobs of workers that are gone back to the queue; returns how many.

        A job that waits in a second copy already is only forgotten. Cells are safe either way: each
        is claimed before its call.
        """
        manager = self._app.job_manager
        rescued = 0
        try:
            for job in list(await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S)):
                try:
                    await manager.retry_job(job)
                    rescued += 1
                except exceptions.UniqueViolation:
                    async with self._database.pool.connection() as connection:
                        await connection.execute(
                            "DELETE FROM procrastinate_jobs WHERE id = %s AND status = 'doing'", (job.id,)
                        )
        except _UNREACHABLE as error:
            raise QueueUnreachable from error
        return rescued

    def worker(self, *, run_id: UUID | None, concurrency: int) -> QueueWorker:
        """A worker for one run, or for all; `run()` serves until `stop()`.

        It has `concurrency` jobs in hand, and more where it has those of several tenants (`storage/places.py`).
        """
        places = Places(concurrency)
        self._app.job_manager = FairManager(self._app, places)
        worker = FairWorker(
            self._app,
            places,
            queues=None if run_id is None else [queue_name(run_id)],
            wait=True,
            fetch_job_polling_interval=1.0,
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=_HEARTBEAT_S,
            stalled_worker_timeout=STALLED_AFTER_S,
        )
        return QueueWorker(worker)


class QueueWorker:
    """Serves jobs. `run` returns after `stop`, once the jobs in hand are done; raises QueueUnreachable."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._stopped = False

    async def run(self) -> None:
        try:
            await self._worker.run()
        except _UNREACHABLE as error:
            raise QueueUnreachable from error
        # The library ends a worker whose listener lost its line without saying so.
        if not self._stopped:
            raise QueueUnreachable

    def stop(self) -> None:
        self._stopped = True
        self._worker.stop()

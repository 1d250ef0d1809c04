"""The job queue: procrastinate over the application's own pool. Jobs carry ids only."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID

import psycopg
from procrastinate import App, PsycopgConnector, exceptions
from procrastinate.worker import Worker
from psycopg_pool import PoolTimeout

from steelyard.storage.database import Database

TASK = "run_cells"
STALLED_AFTER_S = 30.0
_HEARTBEAT_S = 5.0

# A job is (tenant, run, model index, batch); False means that it has to be queued again, for another worker.
Handler = Callable[[UUID, UUID, int, int], Awaitable[bool]]


def queue_name(run_id: UUID) -> str:
    """Each run has its own queue, so that a foreground run works on nothing else."""
    return f"run:{run_id}"


class QueueUnreachable(Exception):
    """The database of the queue is away."""


_UNREACHABLE = (exceptions.ConnectorException, psycopg.OperationalError, PoolTimeout)


class Queue:
    """Defers and serves the jobs of benchmark runs."""

    def __init__(self, database: Database, handler: Handler | None = None) -> None:
        self._database = database
        self._app = App(connector=PsycopgConnector())
        # A failing job is the handler's own business to report; the library's traceback would only scare.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

        async def run_cells(tenant_id: str, run_id: str, model: int, batch: int) -> None:
            assert handler is not None
            if not await handler(UUID(tenant_id), UUID(run_id), model, batch):
                await self.defer(UUID(tenant_id), UUID(run_id), [(model, batch)])

        self._app.task(name=TASK)(run_cells)

    async def open(self) -> None:
        """Attach to the database's pool."""
        await self._app.open_async(self._database.pool)

    async def defer(self, tenant_id: UUID, run_id: UUID, jobs: Sequence[tuple[int, int]]) -> None:
        """Queue (model index, batch) jobs; one that waits already is not queued twice."""
        for model, batch in jobs:
            task = self._app.configure_task(TASK, queue=queue_name(run_id), queueing_lock=f"{run_id}:{model}:{batch}")
            with suppress(exceptions.AlreadyEnqueued):
                await task.defer_async(tenant_id=str(tenant_id), run_id=str(run_id), model=model, batch=batch)

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
        """A worker for one run, or for all; `run()` serves until `stop()`."""
        worker = Worker(
            self._app,
            queues=None if run_id is None else [queue_name(run_id)],
            concurrency=concurrency,
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

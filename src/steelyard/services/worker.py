"""Serving jobs: a foreground run's own, or every run's, and taking over what a killed worker left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from steelyard.execution.cells import ModelCaller, Pricer
from steelyard.execution.engine import Engine, MakeJudge
from steelyard.execution.plan import BATCH
from steelyard.storage.database import Database
from steelyard.storage.queue import Queue

_RESCUE_S = 10.0


def jobs_at_once(concurrency: int) -> int:
    """Batches in hand: enough cells to keep every slot busy while others are being committed, few enough for memory."""
    return max(4, -(-4 * concurrency // BATCH))


async def work(
    database: Database,
    caller: ModelCaller,
    price: Pricer,
    make_judge: MakeJudge,
    *,
    run_id: UUID | None,
    concurrency: int,
    stop: asyncio.Event,
    ended: Callable[[UUID], None] | None = None,
    watch: Callable[[Engine], None] | None = None,
) -> None:
    """Serve until `stop` is set; what is in flight then finishes and is saved.

    `ended` hears of each run this worker saw to its end; `watch` is given the engine, to be looked at.
    """
    async with Engine(database, caller, price, make_judge, ended) as engine:
        if watch is not None:
            watch(engine)
        queue = Queue(database, engine.run_batch)
        await queue.open()
        worker = queue.worker(run_id=run_id, concurrency=jobs_at_once(concurrency))
        serving = asyncio.create_task(worker.run(), name="queue worker")
        rescuing = asyncio.create_task(_rescue(queue), name="rescue")
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            engine.stop()
            worker.stop()
            await serving
        finally:
            for task in (rescuing, stopping, serving):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def _rescue(queue: Queue) -> None:
    while True:
        with suppress(psycopg.OperationalError, PoolTimeout):
            await queue.rescue()
        await asyncio.sleep(_RESCUE_S)

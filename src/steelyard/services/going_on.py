"""Batches of cancelled runs: their calls that are out are paid for and saved, and hold no place meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

_LOOK_S = 0.5

_Batch = Callable[[UUID, UUID, int, int], Awaitable[None]]


class GoingOn:
    """Jobs that have given their place back, and what they still wait for.

    A cancelled run starts no call, and nobody waits for its jobs: should this process be lost, what was out counts as
    lost as it does for any run. A run that is over its budget keeps its places, for its last job concludes it.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def after_cancelling(self, batch: _Batch, was_cancelled: Callable[[UUID], bool]) -> _Batch:
        """The handler, which returns once its run was cancelled, while what it has called for goes on."""

        async def handle(tenant_id: UUID, run_id: UUID, lane: int, number: int) -> None:
            async def bring_to_end() -> None:
                await batch(tenant_id, run_id, lane, number)

            task = asyncio.create_task(bring_to_end(), name="batch")
            self._tasks.add(task)
            task.add_done_callback(self._ended)
            try:
                while not (await asyncio.wait({task}, timeout=_LOOK_S))[0]:
                    if was_cancelled(run_id):
                        return
            except asyncio.CancelledError:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                raise
            await task

        return handle

    async def settled(self) -> None:
        """Wait for all that goes on; given up where this is."""
        tasks = list(self._tasks)
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        # Whoever waits has heard of it; where nobody does it is of a run that was cancelled.
        if not task.cancelled():
            task.exception()

"""Live progress: one poll per run and process, heard by every viewer, until the run has ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from uuid import UUID

from steelyard.domain.errors import NotFound
from steelyard.services.run_progress import RunProgress
from steelyard.services.run_view import RunViews
from steelyard.storage.database import DATABASE_AWAY

logger = logging.getLogger(__name__)

INTERVAL_S = 0.5
# Time passes, and the time left grows while nothing ends, so a quiet run is read again now and then.
REFRESH_S = 10.0
# What calls wait for is not committed: while they do, it is told anew this often.
TROUBLE_S = 1.0
_AWAY_S = 1.0
_REST = 4.0


class _Topic:
    """One run as its viewers see it: the newest snapshot and an event that the next one sets."""

    def __init__(self) -> None:
        self.viewers = 0
        self.version = 0
        self.latest: RunProgress | None = None
        self.error: Exception | None = None
        self.closed = False
        self.changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def publish(self, snapshot: RunProgress) -> None:
        self.latest = snapshot
        self.version += 1
        self._wake()

    def fail(self, error: Exception) -> None:
        self.error = error
        self._wake()

    def close(self) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class LiveRuns:
    """Broadcasts runs' progress within one process and event loop.

    A viewer that is slow gets the newest snapshot, not a queue of old ones.
    """

    def __init__(self, views: RunViews, *, interval_s: float = INTERVAL_S, refresh_s: float = REFRESH_S) -> None:
        self._views = views
        self._interval_s = interval_s
        self._refresh_s = refresh_s
        self._topics: dict[tuple[UUID, UUID], _Topic] = {}
        self._closed = False

    @property
    def watched(self) -> int:
        """Runs polled at present."""
        return len(self._topics)

    async def subscribe(self, tenant_id: UUID, run_id: UUID) -> AsyncGenerator[RunProgress]:
        """Snapshots as the run goes on: the present one at once, the last one when the run has ended.

        While the database is away nothing comes, and then it goes on. Raises NotFound. Cancelling the iteration or
        closing the iterator unsubscribes.
        """
        if self._closed:
            return
        key = (tenant_id, run_id)
        topic = self._topics.get(key)
        if topic is None:
            topic = self._topics[key] = _Topic()
            topic.task = asyncio.create_task(self._poll(key, topic), name=f"live run {run_id}")
        topic.viewers += 1
        seen = 0
        try:
            while True:
                changed = topic.changed
                if topic.latest is not None and topic.version != seen:
                    seen = topic.version
                    snapshot = topic.latest
                    yield snapshot
                    if not snapshot.under_way:
                        return
                elif topic.error is not None:
                    raise topic.error
                elif topic.closed:
                    return
                else:
                    await changed.wait()
        finally:
            topic.viewers -= 1
            if topic.viewers == 0:
                self._forget(key, topic)

    async def aclose(self) -> None:
        """Stop every poll and end every subscription, also those that would still come; safe to call twice."""
        self._closed = True
        topics, self._topics = list(self._topics.values()), {}
        for topic in topics:
            topic.close()
        tasks = [topic.task for topic in topics if topic.task is not None]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    def _forget(self, key: tuple[UUID, UUID], topic: _Topic) -> None:
        if self._topics.get(key) is topic:
            del self._topics[key]
        if topic.task is not None:
            topic.task.cancel()

    async def _poll(self, key: tuple[UUID, UUID], topic: _Topic) -> None:
        try:
            await self._follow(key, topic)
        except NotFound as error:
            topic.fail(error)
        except Exception as error:
            logger.exception("The live progress of run %s broke off.", key[1])
            topic.fail(error)
        finally:
            # Whoever comes now starts a poll of its own, as this one hears nothing more.
            if self._topics.get(key) is topic:
                del self._topics[key]

    async def _follow(self, key: tuple[UUID, UUID], topic: _Topic) -> None:
        signature = ""
        read_at = told_at = 0.0
        while True:
            began = time.monotonic()
            try:
                if await self._views.signature(*key) != signature or time.monotonic() - read_at >= self._refresh_s:
                    snapshot = await self._views.progress(*key)
                    signature, read_at = snapshot.signature, time.monotonic()
                    told_at = read_at
                    topic.publish(snapshot)
                    if not snapshot.under_way:
                        return
                elif topic.latest is not None and time.monotonic() - told_at >= TROUBLE_S:
                    snapshot = self._views.troubled(topic.latest)
                    if snapshot != topic.latest:
                        told_at = time.monotonic()
                        topic.publish(snapshot)
            except DATABASE_AWAY:
                await asyncio.sleep(_AWAY_S)
                continue
            # Adding up a run of very many cells takes long; watching it must not take more than a fifth of the time.
            await asyncio.sleep(max(self._interval_s, _REST * (time.monotonic() - began)))

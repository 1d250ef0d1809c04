"""A worker whose queue cannot be served tries on for as long as it lives: its jobs may hold what was paid for."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

import psycopg
import pytest
from procrastinate import exceptions

from steelyard.execution.engine import Engine
from steelyard.services import worker as worker_module
from steelyard.storage.queue import Queue, QueueUnreachable

TRIES = 200


class Full:
    """Of a queue whose database has no room until `TRIES` workers have tried; then it can be served."""

    def __init__(self, stop: asyncio.Event) -> None:
        self.tries = 0
        self.stop_now = stop

    def worker(self, **_: object) -> Full:
        return self

    async def run(self) -> None:
        self.tries += 1
        if self.tries > TRIES:
            self.stop_now.set()
            return
        refused = exceptions.ConnectorException()
        refused.__cause__ = psycopg.errors.DiskFull("No space left on device")
        raise QueueUnreachable from refused

    def stop(self) -> None:
        pass


async def test_a_queue_without_room_is_tried_on_and_told_why_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "_RESTART_S", (0.0, 10.0))
    stop = asyncio.Event()
    queue = Full(stop)
    stopping = asyncio.create_task(stop.wait())
    with caplog.at_level(logging.WARNING):
        await worker_module._serve(  # pyright: ignore[reportPrivateUsage]
            cast(Queue, queue), cast(Engine, queue), stopping, None, 4
        )
    assert queue.tries == TRIES + 1
    assert [record.message.split(":")[1].split(".")[0].strip() for record in caplog.records] == [
        "the database has no room on its disk"
    ]

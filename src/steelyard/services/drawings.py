"""Charts as pictures and files, drawn in a process of their own and kept while there is room.

Drawing holds the interpreter's lock for a tenth of a second at a time: in the site's own process every page would wait.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections import OrderedDict
from contextlib import suppress

from steelyard.charts import Chart
from steelyard.charts.worker import DrawnForm
from steelyard.domain.frames import LENGTH_BYTES, framed

MOST_KEPT_BYTES = 32_000_000
_GRACE_S = 2.0

_Key = tuple[str, DrawnForm]


class Drawings:
    """Draws one chart after another. The process starts with the first of them, and again when it was lost."""

    def __init__(self, *, most_kept_bytes: int = MOST_KEPT_BYTES) -> None:
        self._most_bytes = most_kept_bytes
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[_Key, str | bytes] = OrderedDict()
        self._kept_bytes = 0
        self._under_way: dict[_Key, asyncio.Task[str | bytes]] = {}

    async def start(self) -> None:
        """Start the process before it is needed: it takes a second or two to be ready."""
        async with self._turn:
            await self._started()

    async def aclose(self) -> None:
        """End the process; drawings under way are given up."""
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _GRACE_S)
        except TimeoutError:
            _kill(process)
            await process.wait()

    async def get(self, chart: Chart, form: DrawnForm) -> str | bytes:
        """The chart in that form: as kept, else drawn. Who asks for the same meanwhile waits for the same drawing.

        Raises RuntimeError when it cannot be drawn.
        """
        key: _Key = (chart.etag, form)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._drawn(chart, form), name=f"draw {chart.name}")
            task.add_done_callback(lambda done: self._finished(key, done))
        # Whoever goes away does not take the drawing from the others, nor from the next to ask.
        return await asyncio.shield(task)

    def _finished(self, key: _Key, task: asyncio.Task[str | bytes]) -> None:
        del self._under_way[key]
        if task.cancelled() or task.exception() is not None:
            return
        self._kept[key] = task.result()
        self._kept_bytes += len(task.result())
        while self._kept_bytes > self._most_bytes:
            _, gone = self._kept.popitem(last=False)
            self._kept_bytes -= len(gone)

    async def _drawn(self, chart: Chart, form: DrawnForm) -> str | bytes:
        request = framed(pickle.dumps((form, chart)))
        async with self._turn:
            try:
                drawn, answer = await self._asked(request)
            except (OSError, asyncio.IncompleteReadError):
                # It was killed, by the system when memory was short. Once is no reason to show no picture.
                try:
                    drawn, answer = await self._asked(request)
                except (OSError, asyncio.IncompleteReadError) as error:
                    raise RuntimeError(f"The process that draws charts ended while it drew {chart.name}.") from error
        if not drawn:
            raise RuntimeError(f"{chart.name} could not be drawn: {answer!r}")
        return answer

    async def _asked(self, request: bytes) -> tuple[bool, str | bytes]:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(request)
            await process.stdin.drain()
            length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
            return pickle.loads(await process.stdout.readexactly(length))  # noqa: S301 - our own process
        except BaseException:
            # Given up in between, what it still answers would be taken for the answer to the next.
            self._process = None
            _kill(process)
            await process.wait()
            raise

    async def _started(self) -> Process:
        if self._process is None:
            # -P: nothing of the folder it happens to be started in is imported.
            command = (sys.executable, "-P", "-m", "steelyard.charts.worker")
            self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
        return self._process


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()

"""How long a process that was told to stop waits for its calls in flight."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager

# The longest a single attempt takes by default, so that as a rule nothing paid for is lost.
GRACE_S = 300.0


@contextmanager
def leaving_after(
    grace_s: float, stop: asyncio.Event, in_flight: Callable[[], int], say: Callable[[str], None]
) -> Generator[None]:
    """End the process with 0 once `stop` has been set for `grace_s`, whatever is in flight still.

    Its claims are free at once, since they last as long as its connection, and its jobs go to another worker when its
    heart has not beaten for half a minute.
    """

    async def watch() -> None:
        await stop.wait()
        await asyncio.sleep(grace_s)
        count = in_flight()
        calls = "1 call" if count == 1 else f"{count:,} calls"
        say(f"{calls} in flight did not end within {grace_s:g} s and are left: other workers make them again.")
        os._exit(0)

    watching = asyncio.create_task(watch(), name="leaving")
    try:
        yield
    finally:
        watching.cancel()

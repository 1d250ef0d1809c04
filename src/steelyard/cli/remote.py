"""What the rooms of a server's desk stand on: asking it, and waiting for what it makes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from steelyard.cli import text as words
from steelyard.cli.progress import clock
from steelyard.domain.errors import SteelyardError
from steelyard.services import wire

if TYPE_CHECKING:
    from steelyard.cli.terminal import Terminal
    from steelyard.client.api import Client
    from steelyard.client.documents import Parts

T = TypeVar("T")

# Whoever waits for a worker that long should hear of it; a run's events come every ten seconds.
WAITS_S = 9.0
_FIRST_LOOK_S, _LOOK_S = 0.2, 1.0


async def apart(work: Callable[[], T]) -> T:
    """Wait for `work` in a thread that an interrupt leaves behind: it may be in the middle of a long wait."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # pyright: ignore[reportArgumentType]

    def body() -> None:
        result, problem = None, None
        try:
            result = work()
        except BaseException as error:
            problem = error
        with suppress(RuntimeError):
            # The loop may be closed by now.
            loop.call_soon_threadsafe(settle, result, problem)

    threading.Thread(target=body, name="steelyard server", daemon=True).start()
    return await done


class Remote:
    """The client of one server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def _value(self, form: wire.Form[T], asked: Callable[[], Parts]) -> T:
        told = await apart(asked)
        return form.of(told["value"], told["made_by"])


class Waits:
    """Says of a paid job what it waits for, each once: at once where nobody can do it, else after a while."""

    def __init__(self, what: str, terminal: Terminal) -> None:
        """`what`: the job, as `The tie-break`."""
        self._what = what
        self._terminal = terminal
        self._began_s = clock()
        self._said: set[str] = set()

    def see(self, waits: str | None, *, left: bool) -> None:
        """What it waits for, None while a worker has it in hand; `left`: no worker that is there can do it."""
        if waits is not None and (left or clock() - self._began_s > WAITS_S):
            self._say(f"{self._what} waits. {words.safe(waits, 800)}")

    def _say(self, said: str) -> None:
        if said not in self._said:
            self._said.add(said)
            self._terminal.warn(said)


async def watched(
    now: T, look: Callable[[], T], under_way: Callable[[T], bool], show: Callable[[T], None], *, what: str, later: str
) -> T:
    """Look at a server's paid job, `what`, until it has ended or the person interrupts, who leaves it going.

    Returns what was seen last, `now` being the first of it. Raises SteelyardError where the server is gone for long;
    its next step is `later`, what to do once the server answers.
    """
    from steelyard.cli.follow import on_interrupt

    stop, pause_s = asyncio.Event(), _FIRST_LOOK_S
    with on_interrupt(stop.set):
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while under_way(now) and not stop.is_set():
                show(now)
                await asyncio.wait({stopping}, timeout=pause_s)
                pause_s = min(1.5 * pause_s, _LOOK_S)
                looking = asyncio.ensure_future(apart(look))
                await asyncio.wait({looking, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not looking.done():
                    looking.cancel()
                    break
                now = looking.result()
        except SteelyardError as error:
            error.kept = f"{what} depends on the server alone; what it has so far is kept there."
            error.next_step = f"Once the server answers: {later}."
            raise
        finally:
            stopping.cancel()
    return now

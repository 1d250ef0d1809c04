"""`steelyard serve`: the site and, in the same process, the worker that makes its calls."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from steelyard import bootstrap, charts, logs, telemetry
from steelyard.domain.hosting import Mode
from steelyard.providers.hosting_settings import MODE_ENV
from steelyard.services.leaving import GRACE_S, leaving_after
from steelyard.services.live import LiveRuns
from steelyard.web.app import create_app
from steelyard.web.listening import Place, is_loopback
from steelyard.web.patience import PatientProtocol
from steelyard.web.quiet import QuietServer
from steelyard.workbench import Workbench

_GRACE_S = 5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    place: Place,
    *,
    worker: bool = True,
    concurrency: int = bootstrap.DEFAULT_CONCURRENCY,
    grace_s: float = GRACE_S,
    say: Callable[[str], None],
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve there until interrupted; calls in flight then have `grace_s` to finish and are saved. Blocking.

    `say` prints a line for the person; `ready` is given the address once it can be opened. Raises what opening the
    workbench raises.
    """
    logs.configure()
    telemetry.configure()
    asyncio.run(_serve(place, worker, concurrency, grace_s, say, ready))


class _Server(QuietServer):
    """`streams` are ended before it waits for its connections: nothing else would end them."""

    def __init__(self, config: uvicorn.Config, streams: LiveRuns) -> None:
        super().__init__(config)
        self._streams = streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._streams.aclose()
        await super().shutdown(sockets)


def config_of(app: FastAPI) -> uvicorn.Config:
    """How uvicorn serves the site."""
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
    )


async def _serve(
    place: Place,
    worker: bool,
    concurrency: int,
    grace_s: float,
    say: Callable[[str], None],
    ready: Callable[[str], object] | None,
) -> None:
    # What listens to others is a team's, also where the mode was not said.
    env = os.environ | {MODE_ENV: Mode.TEAM} if place.team else None
    async with bootstrap.open_workbench(env=env, concurrency=concurrency) as workbench:
        app = create_app(workbench, team=place.team, hosts=place.names)
        app.state.worker = "serving" if worker else "none"
        if place.team:
            workbench.providers.require_tenant()
        server = _Server(config_of(app), workbench.live)
        stop = asyncio.Event()
        asked = 0

        def interrupted() -> None:
            nonlocal asked
            asked += 1
            if asked > 1:
                say("Left at once: answers received are saved, calls in flight are lost.")
                os._exit(130)
            waiting = workbench.in_flight
            calls = "1 call" if waiting == 1 else f"{waiting:,} calls"
            again = "Interrupt again to leave at once."
            say(f"Stopping: {calls} in flight finish and are saved. {again}" if waiting else "Stopping.")
            stop.set()
            app.state.worker = "stopping"
            # Pages are served, and say that it is stopping, until calls in flight have ended; then the worker has.
            if not worker:
                server.should_exit = True

        with _on_signals(interrupted), leaving_after(grace_s, stop, lambda: workbench.in_flight, say):
            serving = asyncio.create_task(server.serve(sockets=[place.socket]), name="web server")
            tasks = [serving]
            # The first chart takes a second or more; whoever opens a page should not be the one to wait for it.
            await workbench.drawings.start()
            warming = asyncio.create_task(asyncio.to_thread(_warm), name="warm charts")
            if worker:
                working = workbench.work(run_id=None, stop=stop, left=lambda run: say(run.sentence))
                tasks.append(asyncio.create_task(working, name="worker"))
            # The socket listens already: whoever comes before the server has begun waits for it.
            say(f"Steelyard is at {place.address} (Ctrl-C stops it).")
            if place.team:
                await _welcome(workbench, place, say)
            if ready is not None:
                ready(place.address)
            try:
                # A worker that gave up ends the process too: its pages would show runs that stand still.
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stop.set()
                server.should_exit = True
                await asyncio.gather(*tasks, warming)
                await workbench.aclose()
        say("Stopped; everything received is saved.")


async def _welcome(workbench: Workbench, place: Place, say: Callable[[str], None]) -> None:
    """Say how people reach it, and how the first of them gets in."""
    public = workbench.settings.hosting.public_url
    if public is not None:
        say(f"Browsers find it at {public}.")
    elif not is_loopback(place.host):
        say(
            "Warning: passwords travel unencrypted here. Put a proxy with TLS before it, and say where browsers find it"
            " with STEELYARD_PUBLIC_URL=https://…."
        )
    token = await workbench.setup.link()
    if token is not None:
        say("Nobody has an account yet. Who opens this within 24 hours becomes the first admin, once:")
        say(f"{public or place.address}/setup/{token}")


def _warm() -> None:
    # Loaded here, in the thread: the server need not wait for it.
    _ = charts.cost_trend, charts.quality_cost
    # What is there by now stays; looking through it for garbage again and again would each time stop pages for 80 ms.
    gc.collect()
    gc.freeze()


@contextmanager
def _on_signals(handle: Callable[[], None]) -> Generator[None]:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, handle)
    try:
        yield
    finally:
        for number in _SIGNALS:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)

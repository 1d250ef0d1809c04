"""`steelyard serve`: the site and, in the same process, the worker that makes its calls."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address

import uvicorn
from fastapi import FastAPI

from steelyard import bootstrap, charts, logs, telemetry
from steelyard.domain.errors import InputError
from steelyard.domain.hosting import Hosting, Mode
from steelyard.providers.hosting_settings import MODE_ENV
from steelyard.services.leaving import GRACE_S, leaving_after
from steelyard.services.live import LiveRuns
from steelyard.web.app import create_app
from steelyard.web.patience import PatientProtocol
from steelyard.workbench import Workbench

HOST = "127.0.0.1"
PORT = 8765
_GRACE_S = 5
# What listens everywhere is opened here by a name of this machine.
_SELF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    *,
    host: str = HOST,
    port: int = PORT,
    worker: bool = True,
    concurrency: int = bootstrap.DEFAULT_CONCURRENCY,
    grace_s: float = GRACE_S,
    say: Callable[[str], None],
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve until interrupted; calls in flight then have `grace_s` to finish and are saved. Blocking.

    `say` prints a line for the person; `ready` is given the address once it can be opened. Port 0 takes a free one.
    Raises InputError for a host that is not loopback in local mode or a port that is taken, and what opening the
    workbench raises.
    """
    logs.configure()
    telemetry.configure()
    team = is_team(bootstrap.hosting(), host)
    with _bound(host, port) as listening:
        number = listening.getsockname()[1]
        place = _Place(_address(host, number), host, team)
        asyncio.run(_serve(listening, place, worker, concurrency, grace_s, say, ready))


@dataclass(frozen=True)
class _Place:
    """Where it listens, and whether people sign in there."""

    address: str
    host: str
    team: bool


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_team(hosting: Hosting, host: str) -> bool:
    """Whether people sign in: as it was said, else where others than this machine can come. Raises InputError."""
    if hosting.mode is None:
        return not is_loopback(host)
    if hosting.mode is Mode.LOCAL and not is_loopback(host):
        raise InputError(
            f"In local mode nobody signs in, so it serves this machine alone and does not listen on {host}.",
            next_step="Leave --host out; or set STEELYARD_MODE=team, in which people sign in.",
        )
    return hosting.mode is Mode.TEAM


def _address(host: str, port: int) -> str:
    named = _SELF.get(host, host)
    return f"http://[{named}]:{port}" if ":" in named else f"http://{named}:{port}"


@contextmanager
def _bound(host: str, port: int) -> Generator[socket.socket]:
    """A listening socket: taken before anything slow begins, so that a taken port is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio sends at once (TCP_NODELAY) only then, and without that the kernel holds each
    # answer's body back for 40 ms on a connection that is kept.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen(128)
        except OSError as error:
            reason = (error.strerror or "refused").lower()
            raise InputError(
                f"Port {port} cannot be used ({reason}).",
                next_step="Name another with --port, or 0 for any that is free.",
            ) from None
        listening.setblocking(False)
        yield listening


class QuietServer(uvicorn.Server):
    """uvicorn without its own signal handling: the first Ctrl-C has calls to wait for."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


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
    listening: socket.socket,
    place: _Place,
    worker: bool,
    concurrency: int,
    grace_s: float,
    say: Callable[[str], None],
    ready: Callable[[str], object] | None,
) -> None:
    # What listens to others is a team's, also where the mode was not said.
    env = os.environ | {MODE_ENV: Mode.TEAM} if place.team else None
    async with bootstrap.open_workbench(env=env, concurrency=concurrency) as workbench:
        app = create_app(workbench, team=place.team, hosts=_names(place.host))
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
            server.should_exit = True

        with _on_signals(interrupted), leaving_after(grace_s, stop, lambda: workbench.in_flight, say):
            serving = asyncio.create_task(server.serve(sockets=[listening]), name="web server")
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


def _names(host: str) -> set[str]:
    """What a Host header may call this machine, as it was told to listen."""
    return set() if host in _SELF else {f"[{host}]" if ":" in host else host.lower()}


async def _welcome(workbench: Workbench, place: _Place, say: Callable[[str], None]) -> None:
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

"""The probes of a process that serves no pages, on an address of their own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from steelyard.api import probes
from steelyard.domain.errors import InputError
from steelyard.web.listening import HOST
from steelyard.web.patience import PatientProtocol
from steelyard.web.quiet import QuietServer
from steelyard.workbench import Workbench


def probes_socket(address: str) -> socket.socket:
    """A listening socket at "PORT" of this machine, or at "ADDRESS:PORT". Raises InputError."""
    name, _, port = address.rpartition(":")
    host = name.strip("[]") or HOST
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, int(port)))
        listening.listen(16)
    except (OSError, OverflowError, ValueError) as error:
        listening.close()
        raise InputError(
            f"Probes cannot be served at {address}.",
            field="probes",
            next_step="Name a free port, as 9100, or an address of this machine with one, as 0.0.0.0:9100.",
        ) from error
    return listening


@asynccontextmanager
async def probed(workbench: Workbench, address: str, stop: asyncio.Event) -> AsyncGenerator[str]:
    """Serve /healthz, /readyz and /metrics while inside; yields where.

    What they tell is of no tenant, so they may listen beyond this machine. `stop` makes the process not ready.
    """
    with probes_socket(address) as listening:
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.state.workbench, app.state.worker = workbench, "serving"
        app.include_router(probes.router)
        # Counts model calls from now on.
        _ = workbench.metrics
        server = QuietServer(
            uvicorn.Config(app, http=PatientProtocol, lifespan="off", log_config=None, access_log=False)
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]), name="probes")
        watching = asyncio.create_task(_stopping(app, stop), name="probes of a stop")
        host, port = listening.getsockname()[:2]
        try:
            yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        finally:
            watching.cancel()
            server.should_exit = True
            await asyncio.gather(serving, watching, return_exceptions=True)


async def _stopping(app: FastAPI, stop: asyncio.Event) -> None:
    await stop.wait()
    app.state.worker = "stopping"

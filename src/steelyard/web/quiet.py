"""A web server that leaves signals to whoever starts it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import uvicorn


class QuietServer(uvicorn.Server):
    """uvicorn without its own signal handling: the first Ctrl-C has calls to wait for."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

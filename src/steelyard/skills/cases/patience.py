"""How long the patterns and schemas of one file of cases are looked at for faults: a file may have thousands."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

# Seconds for all of a file; what is left then is taken as it is, and found out about when it is used.
PATIENCE_S = 5.0

_left: ContextVar[float] = ContextVar("left", default=PATIENCE_S)


def be_patient() -> None:
    """Begin a file: all the time there is is left."""
    _left.set(PATIENCE_S)


@contextmanager
def looking() -> Generator[bool]:
    """Whether there is time left to look at one more; what is done in it is taken off."""
    left = _left.get()
    began = time.perf_counter()
    try:
        yield left > 0
    finally:
        _left.set(left - (time.perf_counter() - began))

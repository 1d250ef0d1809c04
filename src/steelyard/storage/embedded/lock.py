"""One starter at a time: an advisory lock on a file in the home, released by the system when its holder dies."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from steelyard.domain.errors import StorageError


@contextmanager
def exclusive(path: Path, deadline: float) -> Generator[None]:
    """Hold the lock of `path`; `deadline` is on time.monotonic(). Raises StorageError when it passes."""
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StorageError(
                        f"Another process{_holder(descriptor)} has been starting or stopping the embedded database "
                        "for longer than the time allowed.",
                        next_step="Wait for it or end it, then try again.",
                    ) from None
                time.sleep(0.02)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    pid = os.pread(descriptor, 20, 0).decode("ascii", "replace")
    return f" (pid {pid})" if pid.isdigit() else ""

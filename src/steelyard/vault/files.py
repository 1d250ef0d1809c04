"""Files of a secret that all processes of one home share, made by whoever is first and readable by their owner."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def make_once(path: Path, content: bytes) -> None:
    """Make it, with mode 0600, unless it is there.

    Written whole beside its place, then linked there: a reader never sees half, a second maker never replaces it.
    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)

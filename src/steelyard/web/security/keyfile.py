"""The secret that all processes of one home share: a file only its owner can read."""

from __future__ import annotations

import secrets
from pathlib import Path

from steelyard.domain.errors import SteelyardError
from steelyard.vault.files import make_once

FILE = "web.key"
_BYTES = 32


def shared_key(home: Path) -> bytes:
    """The 32 secret bytes of `home`/web.key, made on first use; whoever is first makes it for all.

    Raises SteelyardError when it can be neither read nor made.
    """
    path = home / FILE
    try:
        if not path.exists():
            make_once(path, secrets.token_bytes(_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise SteelyardError(
            f"The key of the web application, {path}, cannot be used ({(error.strerror or 'unreadable').lower()}).",
            next_step="Check the rights of that folder, or set STEELYARD_HOME to a folder of your own.",
        ) from None
    if len(key) != _BYTES:
        raise SteelyardError(
            f"The key of the web application, {path}, is damaged.",
            next_step="Delete that file; a new one is made. Open pages must be loaded again.",
        )
    return key

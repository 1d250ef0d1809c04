"""Tokens that let somebody in: 256 random bits, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 32


def new_token() -> str:
    """One to be given away, as it goes into an address or a cookie."""
    return secrets.token_urlsafe(_BYTES)


def hash_of(token: str) -> bytes:
    """What is kept of it. It is random enough to need neither salt nor slowness."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()

"""API keys: how one is written, and what is known of it."""

from __future__ import annotations

import re
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from steelyard.domain.access import Scope

# One alphabet of 32 small signs throughout: 40 bits of the key's id, which lists show too, and 256 bits of secret. The
# form is fixed, so that whatever looks for secrets in code and logs can find it.
KEY = re.compile(r"(?<![a-z0-9])sy_([a-z2-7]{8})_([a-z2-7]{52})(?![a-z0-9])")
SECRET_BYTES = 32


def key_start(key_id: UUID) -> str:
    """How the key of that id begins: what a list may show of it."""
    return f"sy_{_written(key_id.bytes[:5])}"


def key_text(key_id: UUID, secret: bytes) -> str:
    """The key as it is given to whoever uses it. `secret` has SECRET_BYTES bytes."""
    return f"{key_start(key_id)}_{_written(secret)}"


def _written(data: bytes) -> str:
    return b32encode(data).decode().rstrip("=").lower()


@dataclass(frozen=True)
class ApiKey:
    """A key as it is listed, without its secret. `a_minute`: requests a minute, None for what every key may send."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    a_minute: int | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def start(self) -> str:
        """How it begins."""
        return key_start(self.id)

    def usable(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)

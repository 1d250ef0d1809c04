"""How an installation is reached, and by whom: one person at its machine, or a team that signs in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit


class Mode(StrEnum):
    """`local`: whoever is at the machine, without a password; `team`: members of tenants, signed in."""

    LOCAL = "local"
    TEAM = "team"


@dataclass(frozen=True)
class Hosting:
    """`mode` None was not said. `public_url`, as https://steelyard.example, is where browsers find it.

    `proxies` are addresses or networks whose word on a client's address is taken (X-Forwarded-For).
    """

    mode: Mode | None = None
    public_url: str | None = None
    proxies: tuple[str, ...] = ()

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.public_url is not None and self.public_url.startswith("https://")

    @property
    def host(self) -> str | None:
        """The host name of the public address, as a Host header has it, without the port."""
        if self.public_url is None:
            return None
        name = urlsplit(self.public_url).hostname or ""
        return f"[{name}]" if ":" in name else name

"""Where the site listens: taken before anything slow is imported, so that what cannot be had is told at once."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from steelyard.domain.errors import InputError
from steelyard.domain.hosting import Hosting, Mode

HOST = "127.0.0.1"
PORT = 8765
# What listens everywhere is opened here by a name of this machine.
_SELF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


@dataclass(frozen=True)
class Place:
    """A listening socket, the address it can be opened at, and whether people sign in there."""

    socket: socket.socket
    address: str
    host: str
    team: bool

    @property
    def names(self) -> set[str]:
        """What a Host header may call this machine, as it was told to listen."""
        if self.host in _SELF:
            return set()
        return {f"[{self.host}]" if ":" in self.host else self.host.lower()}


@contextmanager
def listening(hosting: Hosting, host: str, port: int) -> Generator[Place]:
    """The place to serve at. Port 0 takes a free one.

    Raises InputError for a host that is not loopback in local mode, and for a port that is taken.
    """
    team = _is_team(hosting, host)
    with bound(host, port) as taken:
        yield Place(taken, _address(host, taken.getsockname()[1]), host, team)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_team(hosting: Hosting, host: str) -> bool:
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
def bound(host: str, port: int) -> Generator[socket.socket]:
    """A listening socket. Raises InputError for a port that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio sends at once (TCP_NODELAY) only then, and without that the kernel holds each
    # answer's body back for 40 ms on a connection that is kept.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, port))
            taken.listen(128)
        except OSError as error:
            reason = (error.strerror or "refused").lower()
            raise InputError(
                f"Port {port} cannot be used ({reason}).",
                next_step="Name another with --port, or 0 for any that is free.",
            ) from None
        taken.setblocking(False)
        yield taken

"""Which hosts are answered: loopback names and the public one, so that a name rebound to this machine gets nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from steelyard.domain.errors import Forbidden, SteelyardError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
Refuse = Callable[[Request, SteelyardError], Response]

# Any port: the name is what rebinding needs, and a proxy before several processes has a port of its own.
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?\Z")


def host_name(header: str | None) -> str | None:
    """The name in a Host header, lower case, brackets kept; None when it is malformed."""
    match = _HOST.match((header or "").lower())
    return match["name"] if match else None


def is_address(name: str) -> bool:
    """Whether a Host names an IP address: one that is no name cannot be rebound."""
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class HostGuard:
    """Refuses requests whose Host is not one of `allowed`, and those that have several, but for `open_paths`.

    With `addresses` every IP address is allowed too. `told` says where to go instead.
    """

    def __init__(
        self,
        app: ASGIApp,
        refuse: Refuse,
        allowed: frozenset[str] = LOOPBACK,
        open_paths: frozenset[str] = frozenset(),
        *,
        addresses: bool = False,
        told: str = "Open http://127.0.0.1 or http://localhost, with the port.",
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._allowed = allowed
        self._open_paths = open_paths
        self._addresses = addresses
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in self._open_paths:
            given = Headers(scope=scope).getlist("host")
            if len(given) != 1 or not self._answered(host_name(given[0])):
                error = Forbidden("This address is not served here.", next_step=self._told)
                await self._refuse(Request(scope), error)(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            # There are none; whatever asks for one is no page of ours.
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)

    def _answered(self, name: str | None) -> bool:
        return name is not None and (name in self._allowed or (self._addresses and is_address(name)))

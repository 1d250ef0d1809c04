"""Which hosts are answered: loopback names alone, so that a name rebound to this machine gets nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

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


class HostGuard:
    """Refuses requests whose Host is not one of `allowed`, and those that have several, but for `open_paths`."""

    def __init__(
        self,
        app: ASGIApp,
        refuse: Refuse,
        allowed: frozenset[str] = LOOPBACK,
        open_paths: frozenset[str] = frozenset(),
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._allowed = allowed
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in self._open_paths:
            given = Headers(scope=scope).getlist("host")
            if len(given) != 1 or host_name(given[0]) not in self._allowed:
                error = Forbidden(
                    "This address is not served here.",
                    next_step="Open http://127.0.0.1 or http://localhost, with the port.",
                )
                await self._refuse(Request(scope), error)(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            # There are none; whatever asks for one is no page of ours.
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)

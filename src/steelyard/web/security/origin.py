"""Where a changing request comes from: a page of another origin may not send one."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from steelyard.domain.errors import Forbidden
from steelyard.web.security.hosts import Refuse

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def same_origin(headers: Headers) -> bool:
    """Whether what the browser says of the sender fits. A client that says nothing is left to the token."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    host = headers.get("host", "")
    return origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def from_own_page(headers: Headers) -> bool:
    """Whether the browser says that a page of this very origin sent it. No page can make another's browser say so."""
    return same_origin(headers) and (
        headers.get("sec-fetch-site") == "same-origin" or headers.get("origin") is not None
    )


class OriginGuard:
    """Refuses unsafe methods sent by a page of another origin."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not same_origin(Headers(scope=scope)):
            error = Forbidden(
                "This was sent by a page of another site.",
                kept="Nothing was changed.",
                next_step="Do it from Steelyard's own page.",
            )
            await self._refuse(Request(scope), error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

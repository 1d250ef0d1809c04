"""Response headers that keep a page to itself: content policy, no framing, no sniffing, no referrer outside."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self';"
    " img-src 'self' data:"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: that would make browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
}


# Browsers then come by TLS alone, for a year after each visit.
TLS_ONLY = {"strict-transport-security": "max-age=31536000"}


class SecurityHeaders:
    """Adds the headers to every response; one that a route has set stays. `tls`: the site is reached by TLS.

    `team`: what is somebody's is kept by no browser, so that after signing out "Back" asks for it anew. A page that is
    kept as `no-cache` is asked for again when it is opened, but not when somebody goes back to it.
    """

    def __init__(self, app: ASGIApp, *, tls: bool = False, team: bool = False) -> None:
        self._app = app
        self._team = team
        self._headers = HEADERS | (TLS_ONLY if tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                told = headers.setdefault("cache-control", "private, no-cache")
                if self._team and not told.startswith("public"):
                    headers["cache-control"] = "no-store"
            await send(message)

        await self._app(scope, receive, with_headers)

"""How much a request may carry, counted while it arrives and before anything parses it."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steelyard.api.problem import is_api
from steelyard.domain.errors import TooLarge
from steelyard.web.security.hosts import Refuse

MAX_BODY = 1_000_000
MAX_UPLOAD = 50_000_000
MAX_API = 10_000_000
# Read and thrown away before the answer: a browser that is still sending would show a broken connection instead.
_DRAIN = 200_000_000


def limit_of(headers: Headers, path: str = "/") -> int:
    """Bytes a request may have: files travel as multipart, batches go to the API, everything else is small."""
    if is_api(path):
        return MAX_API
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return MAX_UPLOAD if kind == "multipart/form-data" else MAX_BODY


def _too_large(limit: int) -> TooLarge:
    if limit == MAX_BODY:
        return TooLarge(
            f"A form without files has at most {limit / 1e6:g} MB in all.",
            kept="Nothing was changed.",
            next_step="Go back in the browser, where what you typed still is, and shorten it.",
        )
    if limit == MAX_API:
        return TooLarge(
            f"A request of the API has at most {limit / 1e6:g} MB.",
            kept="Nothing was kept.",
            next_step="Send it in several, or by gzip.",
        )
    return TooLarge(
        f"This is larger than the {limit / 1e6:g} MB that are taken at once.",
        kept="Nothing was changed.",
        next_step="Leave out what the skill does not need, or add it by its path on this machine.",
    )


class BodyLimit:
    """Refuses by Content-Length at once, and raises TooLarge in whoever reads more than the limit."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = limit_of(headers, scope["path"])
        said = headers.get("content-length", "")
        if said.isdecimal() and int(said) > limit:
            await _drain(receive, int(said))
            await self._refuse(Request(scope), _too_large(limit))(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, counted, send)


async def _drain(receive: Receive, size: int) -> None:
    left = size if size <= _DRAIN else 0
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        left -= len(message.get("body", b""))

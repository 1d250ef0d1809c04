"""How much a request may carry, counted while it arrives and before anything parses it."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steelyard.api.problem import is_api
from steelyard.domain.errors import TooLarge, TooSlow
from steelyard.web.security.hosts import Refuse

MAX_BODY = 1_000_000
MAX_UPLOAD = 50_000_000
MAX_API = 10_000_000
# Read and thrown away before the answer: a browser that is still sending would show a broken connection instead.
_DRAIN = 200_000_000
# A body may take so long, and a second more for each so many bytes that have arrived.
BODY_S = 20.0
BYTES_A_SECOND = 2_000


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
            await _drain(Pace(receive).receive, int(said))
            await self._refuse(Request(scope), _too_large(limit))(scope, receive, send)
            return
        pace = Pace(receive)

        async def counted() -> Message:
            message = await pace.receive()
            if pace.seen > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, counted, send)


class Pace:
    """Receives a body as long as it comes fast enough, of which `seen` bytes have; once it is whole, waits freely."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._began: float | None = None
        self._whole = False
        self.seen = 0

    async def receive(self) -> Message:
        """The next message. Raises TooSlow."""
        if self._whole:
            return await self._receive()
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        try:
            async with asyncio.timeout(self._began + BODY_S + self.seen / BYTES_A_SECOND - now):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow(
                "The request did not all arrive in time.", kept="Nothing was kept.", next_step="Send it again."
            ) from None
        self.seen += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return message


async def _drain(receive: Receive, size: int) -> None:
    left = size if size <= _DRAIN else 0
    while left > 0:
        try:
            message = await receive()
        except TooSlow:
            return
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        left -= len(message.get("body", b""))

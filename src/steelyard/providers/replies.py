"""Replies of models' servers, unpacked here piece by piece and cut off where they are too long.

A server is whoever a tenant named. Its reply is unpacked before it is known to be one, in memory that all share.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from functools import partial

import httpx2

# A reply in one piece is read as a whole: several times its size in memory. A streamed one says little in each event.
MOST_BYTES = 4_000_000
MOST_STREAMED_BYTES = 32_000_000
_PIECE = 65_536
_ASKED_FOR = "gzip, deflate"
# Both spellings that servers have of deflate are tried, as by everybody.
_WINDOWS = {"gzip": (zlib.MAX_WBITS | 16,), "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}


class ReplyTooLong(httpx2.DecodingError):
    """The reply is over the limit, or packed in a way that was not asked for. What was read of it is dropped."""


def cap(client: httpx2.AsyncClient, *, streamed: bool = False) -> httpx2.AsyncClient:
    """The same client, whose replies of whatever status are bounded however they are read, over any transport.

    `streamed`: they are asked for as events. Whatever a server calls its reply, one in one piece has the lower bound.
    """
    hooks = client.event_hooks
    client.event_hooks = {
        "request": [*hooks["request"], _ask_for],
        "response": [*hooks["response"], partial(_bound, streamed)],
    }
    return client


async def _ask_for(request: httpx2.Request) -> None:
    request.headers["accept-encoding"] = _ASKED_FOR


async def _bound(asked_for_events: bool, response: httpx2.Response) -> None:
    named = response.headers.get("content-encoding", "").strip().lower()
    if named not in ("", "identity", *_WINDOWS):
        raise ReplyTooLong(f"it is packed as {named[:40]!r}, which was not asked for", request=response.request)
    streamed = asked_for_events and response.headers.get("content-type", "").startswith("text/event-stream")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        most = MOST_STREAMED_BYTES if streamed else MOST_BYTES
        response.stream = _Bounded(response.stream, _WINDOWS.get(named, ()), most, response.request)
    # It is not packed any more.
    response.headers.pop("content-encoding", None)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(
        self, inner: httpx2.AsyncByteStream, windows: tuple[int, ...], most: int, request: httpx2.Request
    ) -> None:
        self._inner = inner
        self._windows = windows
        self._most = most
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        unpacking = _Unpacking(self._windows, self._request)
        inner = self._inner.__aiter__()
        try:
            async for part in inner:
                for piece in unpacking.pieces(part):
                    read += len(piece)
                    if read > self._most:
                        raise ReplyTooLong(f"it is longer than {self._most // 10**6} MB", request=self._request)
                    yield piece
        finally:
            if isinstance(inner, AsyncGenerator):
                await inner.aclose()

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Unpacking:
    """What is packed in one of the ways of `windows`; nothing is where there is none."""

    def __init__(self, windows: tuple[int, ...], request: httpx2.Request) -> None:
        self._left = list(windows)
        self._request = request
        self._unpack = zlib.decompressobj(self._left.pop(0)) if self._left else None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The next pieces, each small. Raises DecodingError."""
        if self._unpack is None:
            yield data
            return
        pending = False
        while data or pending:
            try:
                piece = self._unpack.decompress(data, _PIECE)
            except zlib.error as error:
                if not self._left:
                    raise httpx2.DecodingError(str(error), request=self._request) from error
                self._unpack = zlib.decompressobj(self._left.pop(0))
                continue
            self._left.clear()
            data = self._unpack.unconsumed_tail
            # A whole piece: what was read may hold more, also where nothing of the input is left.
            pending = len(piece) == _PIECE
            if piece:
                yield piece

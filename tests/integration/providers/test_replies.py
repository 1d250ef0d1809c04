"""A provider's server that answers with more than anybody can hold: cut off, named, and not asked again."""

from __future__ import annotations

import asyncio
import tracemalloc
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from steelyard.domain.calls import CallError, FailureKind
from steelyard.domain.reach import Reach, reach_of
from steelyard.providers import replies
from steelyard.providers.listing import listed_models
from steelyard.providers.registry import Providers
from steelyard.providers.replies import MOST_BYTES
from steelyard.providers.settings import CallSettings, Endpoint, Kind, ProviderSettings
from tests.integration.providers.conftest import request_for

HERE = reach_of({"STEELYARD_ALLOW_PRIVATE": "127.0.0.0/8"})
_UNPACKED = 64_000_000
_JSON = "application/json"
_EVENTS = "text/event-stream"


def bomb(begin: bytes, end: bytes = b"") -> bytes:
    pack = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = b"x" * 1_000_000
    parts = [pack.compress(begin), *(pack.compress(block) for _ in range(_UNPACKED // len(block)))]
    return b"".join([*parts, pack.compress(end), pack.flush()])


CHAT = bomb(b'{"id":"a","object":"chat.completion","choices":[{"message":{"content":"', b'"}}]}')
COMMENT = bomb(b": ")


@asynccontextmanager
async def answering(kind: str, body: bytes, encoding: str = "gzip") -> AsyncGenerator[tuple[str, list[str]]]:
    """A server that gives every request that body; with the first lines of what it was asked."""
    asked: list[str] = []
    answers: list[asyncio.Task[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        asked.append(head.splitlines()[0])
        writer.write(
            f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-encoding: {encoding}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
            + body
        )
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.append(asyncio.create_task(answer(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    await asyncio.wait_for(asyncio.gather(*answers), 10)


def providers_at(url: str, kind: Kind, reach: Reach | None, *, stream: bool) -> Providers:
    endpoint = Endpoint("theirs", kind, "", url, "sk-theirs-0123456789", reach=reach)
    return Providers(ProviderSettings(Path("/nonexistent"), {"theirs": endpoint}, CallSettings(stream=stream)))


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google"])
@pytest.mark.parametrize("reach", [None, HERE], ids=["own", "guarded"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_small_reply_that_unpacks_to_more_than_there_is_room_for_is_cut_off(
    kind: Kind, reach: Reach | None, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As little as of a whole one, so that the test need not unpack as much.
    monkeypatch.setattr(replies, "MOST_STREAMED_BYTES", MOST_BYTES)
    async with answering(*((_EVENTS, COMMENT) if stream else (_JSON, CHAT))) as (url, asked):
        providers = providers_at(url, kind, reach, stream=stream)
        request = request_for("theirs:model-a")
        # What is imported and rehearsed first is no part of what a reply takes.
        await providers._open(request.model).prepare(request)  # pyright: ignore[reportPrivateUsage]
        tracemalloc.start()
        try:
            with pytest.raises(CallError) as cut:
                await providers.complete(request)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            await providers.aclose()
    error = cut.value
    assert (error.kind, error.wasted_known, error.attempts) == (FailureKind.MALFORMED, False, 1)
    assert "longer than" in error.message
    assert "may have been paid for" in error.message
    assert len(asked) == 1
    assert peak < 4 * MOST_BYTES


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google"])
async def test_a_reply_in_one_piece_has_its_bound_whatever_the_server_calls_it(kind: Kind) -> None:
    async with answering(_EVENTS, COMMENT) as (url, _):
        providers = providers_at(url, kind, HERE, stream=False)
        with pytest.raises(CallError, match=f"longer than {MOST_BYTES // 10**6} MB"):
            await providers.complete(request_for("theirs:model-a"))
        await providers.aclose()


async def test_a_reply_packed_as_nobody_asked_for_is_named() -> None:
    async with answering(_JSON, b"?", "br, gzip") as (url, _):
        providers = providers_at(url, "openai", HERE, stream=False)
        with pytest.raises(CallError, match="not asked for"):
            await providers.complete(request_for("theirs:model-a"))
        await providers.aclose()


async def test_a_list_of_models_is_unpacked_no_further_than_it_is_read() -> None:
    async with answering(_JSON, CHAT) as (url, _):
        endpoint = Endpoint("theirs", "openai", "", url, "sk-theirs-0123456789", reach=HERE)
        tracemalloc.start()
        try:
            listing = await listed_models(endpoint)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert listing.names == ()
    assert listing.why is not None
    assert "long" in listing.why
    assert peak < 4 * MOST_BYTES


@pytest.mark.parametrize(("encoding", "window"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
@pytest.mark.parametrize("length", [0, 1, 65_535, 65_536, 65_537, 65_600, 65_794, 131_072, 131_080])
async def test_the_end_of_a_reply_is_not_lost_where_pieces_meet(encoding: str, window: int, length: int) -> None:
    pack = zlib.compressobj(9, zlib.DEFLATED, window)
    body = pack.compress(b"a" * length) + pack.flush()
    async with answering(_JSON, body, encoding) as (url, _), replies.cap(httpx2.AsyncClient()) as client:
        assert (await client.get(url)).content == b"a" * length

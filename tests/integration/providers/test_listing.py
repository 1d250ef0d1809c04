"""Asking a server of one's own for its models: a list, or what came of asking, and never a fault."""

from __future__ import annotations

import asyncio
import time

import pytest

from steelyard.providers.listing import listed_models
from steelyard.providers.settings import Endpoint
from tests.modelserver import ModelServer


def endpoint(base_url: str | None) -> Endpoint:
    return Endpoint("openai", "openai", "OPENAI_API_KEY", base_url, "k")


async def test_a_server_lists_its_models(server: ModelServer) -> None:
    assert (await listed_models(endpoint(f"{server.openai_url}/"))).names == ("model-a", "model-b", "model-c")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "asked for a list it answers 404"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "it answers 302"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", "no list of models"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<html/>..", "no list of models"),
        (b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"data":[]}', "its list of models is empty"),
        (b"nonsense\r\n\r\n", "it cannot be reached"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "does not answer within 0.3 s"),
    ],
)
async def test_a_server_that_lists_none_says_why(reply: bytes, why: str) -> None:
    over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        if reply.startswith(b"nonsense"):
            writer.close()
        await over.wait()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        began = time.monotonic()
        found = await listed_models(endpoint(f"http://127.0.0.1:{port}"), timeout_s=0.3)
        over.set()
        assert time.monotonic() - began < 5
    assert found.names == ()
    assert why in (found.why or "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://no such host", "http://[::1"])
async def test_a_server_that_is_not_there_is_said_not_to_be(url: str) -> None:
    assert (await listed_models(endpoint(url))).why == "it cannot be reached"

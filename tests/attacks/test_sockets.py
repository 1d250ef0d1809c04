"""Over real sockets: whoever sends slowly, without end or too much is cut off, and others are answered meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from steelyard.web import patience
from steelyard.web.quiet import QuietServer
from steelyard.web.security import body
from steelyard.web.server import config_of
from tests.integration.web.harness import Site

# In place of the real waits, which are as many tens of seconds.
WAIT_S = 0.7
SOON_S = 20.0
JSON = "content-type: application/json\r\n"
FORM = "content-type: application/x-www-form-urlencoded\r\n"


@dataclass
class Line:
    """A connection of a client that keeps no manners."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes | str) -> None:
        self.writer.write(data.encode() if isinstance(data, str) else data)
        await self.writer.drain()

    async def dribble(self, data: bytes, every_s: float = 0.05) -> None:
        """A byte at a time, until the other side has had enough."""
        with suppress(ConnectionError):
            while True:
                await self.send(data)
                await asyncio.sleep(every_s)

    async def rest(self) -> bytes:
        """All that comes until the connection is closed."""
        async with asyncio.timeout(SOON_S):
            with suppress(ConnectionError):
                return await self.reader.read()
        return b""

    async def status(self) -> int:
        """That of the answer."""
        async with asyncio.timeout(SOON_S):
            found = re.match(rb"HTTP/1\.1 (\d+)", await self.reader.readline())
        assert found is not None
        return int(found[1])


@dataclass
class Served:
    """The site on a port."""

    port: int

    @asynccontextmanager
    async def line(self) -> AsyncGenerator[Line]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Line(reader, writer)
        finally:
            writer.transport.abort()

    def head(self, method: str, path: str, more: str = "") -> str:
        return f"{method} {path} HTTP/1.1\r\nhost: localhost:{self.port}\r\n{more}"

    async def answers(self) -> bool:
        """Whether an ordinary request is answered."""
        async with self.line() as line:
            await line.send(self.head("GET", "/healthz", "\r\n"))
            return await line.status() == 200


@pytest.fixture
async def served(site: Site, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    for name in ("HEAD_S", "REST_S", "UNREAD_S"):
        monkeypatch.setattr(patience, name, WAIT_S)
    monkeypatch.setattr(body, "BODY_S", WAIT_S)
    server = QuietServer(config_of(site.app))
    listening = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    socket = listening.sockets[0].dup()
    listening.close()
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    served = Served(socket.getsockname()[1])
    assert await served.answers()
    yield served
    server.should_exit = True
    await serving


async def cut_off(served: Served, begun: str, then: bytes, status: int | None = None) -> None:
    """Whoever begins so and dribbles on is answered with `status`, or nothing, and then cut off."""
    async with served.line() as line:
        await line.send(begun)
        sending = asyncio.create_task(line.dribble(then))
        assert await served.answers()
        assert not sending.done(), "others were answered meanwhile"
        if status is not None:
            assert await line.status() == status
        began = time.perf_counter()
        await line.rest()
        assert time.perf_counter() - began < 8 * WAIT_S
        sending.cancel()


async def test_a_head_that_does_not_end_is_cut_off_while_others_are_answered(served: Served) -> None:
    heads = ["", "GET / HT", "GET / HTTP/1.1\r\nhost: localhost\r\nx-a: "]
    heads.append(served.head("HEAD", "/healthz", "\r\n") + heads[-1])
    large = cut_off(served, heads[2], b"a" * 10_000, 400)
    await asyncio.gather(*(cut_off(served, begun, b"a" if begun else b"") for begun in heads), large)


async def test_a_body_that_comes_too_slowly_is_refused_and_cut_off(served: Served) -> None:
    said = {"content-length: 900000\r\n\r\n": b"a", "transfer-encoding: chunked\r\n\r\n": b"1\r\na\r\n"}
    asked = [
        cut_off(served, served.head("POST", path, kind + how), then, 408)
        for path, kind in (("/theme", FORM), ("/v1/feedback", JSON))
        for how, then in said.items()
    ]
    # What is too large by its own word is not waited for either, nor what nobody asked for.
    asked.append(cut_off(served, served.head("POST", "/theme", f"{FORM}content-length: 90000000\r\n\r\n"), b"a", 413))
    asked += [cut_off(served, served.head("GET", "/healthz", how), then, 200) for how, then in said.items()]
    await asyncio.gather(*asked)


async def test_chunks_without_end_are_refused_at_the_limit_and_cut_off(served: Served) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for path, kind in (("/theme", FORM), ("/v1/feedback", JSON)):
        async with served.line() as line:
            await line.send(served.head("POST", path, f"{kind}transfer-encoding: chunked\r\n\r\n"))
            sending = asyncio.create_task(line.dribble(chunk, 0.0))
            assert await line.status() == 413, path
            await line.rest()
            sending.cancel()


async def test_answers_that_nobody_reads_are_given_up(served: Served) -> None:
    """So many are asked for that the kernel does not keep them all for the reader."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1)
    reader._transport.pause_reading()  # type: ignore[attr-defined]

    async def ask_on() -> None:
        while True:
            writer.write(served.head("GET", "/v1/openapi.json", "\r\n").encode() * 20)
            await writer.drain()
            await asyncio.sleep(0.05)

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(ask_on(), SOON_S)
    writer.transport.abort()


async def test_a_small_body_that_unpacks_to_much_is_refused_soon(served: Served) -> None:
    bomb = gzip.compress(b" " * 60_000_000)
    async with served.line() as line:
        kinds = f"{JSON}content-encoding: gzip\r\ncontent-length: {len(bomb)}\r\n\r\n"
        await line.send(served.head("POST", "/v1/feedback", kinds).encode() + bomb)
        assert await served.answers()
        assert await line.status() == 413


async def test_two_hundred_slow_clients_at_once_keep_nobody_waiting(served: Served) -> None:
    lines = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(200)]
    for _, writer in lines:
        writer.write(served.head("POST", "/theme", f"{FORM}content-length: 9\r\n\r\na").encode())
    assert await served.answers()
    async with asyncio.timeout(SOON_S):
        told = await asyncio.gather(*(reader.read(12) for reader, _ in lines))
    assert set(told) == {b"HTTP/1.1 408"}
    for _, writer in lines:
        writer.transport.abort()


async def test_whoever_goes_away_in_the_middle_is_no_fault(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    for kind in (FORM, JSON):
        async with served.line() as line:
            path = "/theme" if kind is FORM else "/v1/feedback"
            await line.send(served.head("POST", path, f"{kind}content-length: 9\r\n\r\na"))
            assert await served.answers()
    assert await served.answers()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_no_second_request_is_smuggled_in_by_a_head_that_servers_read_differently(served: Served) -> None:
    for heads in (
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: -5\r\n",
        "content-length: +5\r\n",
        "content-length: 0x5\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "host: evil.example\r\n",
        "x-a: \x00\r\n",
    ):
        smuggled = served.head("GET", "/healthz", "\r\n")
        async with served.line() as line:
            await line.send(served.head("POST", "/theme", f"{heads}\r\n0\r\n\r\n{smuggled}"))
            told = await line.rest()
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", told)
        assert statuses
        assert set(statuses) <= {b"400", b"501"}, heads[:40]

"""The HTTP server: one handler without routing (it shares its cores with what is measured), in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from typing import Self

from aiohttp import web

from tests.modelserver.config import Fault, Reply, ServerConfig
from tests.modelserver.defaults import default_reply, usage_of
from tests.modelserver.requests import Call, Vendor, read_call
from tests.modelserver.stats import Stats
from tests.modelserver.wire import error_body, events, whole

_PATHS: dict[str, Vendor] = {
    "/v1/chat/completions": "openai",
    "/chat/completions": "openai",
    "/v1/messages": "anthropic",
}


class Handler:
    """Answers one request at a time per connection; shared by the threaded server and the command line."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.stats = Stats()
        self._random = random.Random(config.seed)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        vendor = _PATHS.get(path)
        if request.method == "POST" and vendor is not None:
            times = self.stats.arrive(path)
            try:
                return await self._answer(request, vendor)
            finally:
                self.stats.leave(times)
        if path == "/_stats":
            return web.json_response(self.stats.to_json())
        if path == "/_calls":
            return web.json_response(self.stats.calls)
        if path == "/_reset":
            self.stats = Stats()
            return web.json_response({})
        if path in ("/v1/models", "/models"):
            models = [{"id": name, "object": "model", "created": 0, "owned_by": "local"} for name in self.config.models]
            return web.json_response({"object": "list", "data": models})
        return web.json_response(
            {"error": {"message": f"No such path: {path}", "type": "invalid_request_error"}}, status=404
        )

    async def _answer(self, request: web.BaseRequest, vendor: Vendor) -> web.StreamResponse:
        config = self.config
        raw = await request.read()
        call = read_call(vendor, json.loads(raw), raw, self.stats.started - 1)
        if config.record_bodies:
            self.stats.keep(call, dict(request.headers), config.record_bodies)
        reply = self._decide(request, call, config)
        if isinstance(reply, Fault):
            return await self._fail(request, call, reply, config)
        usage = usage_of(call, reply)
        if call.stream:
            return await self._stream(request, call, list(events(call, reply, usage, config.chunk_chars)), config)
        await asyncio.sleep(config.latency_s)
        self.stats.serve(call)
        body = json.dumps(whole(call, reply, usage)).encode()
        return web.Response(body=body, content_type="application/json", headers={"x-request-id": call.digest})

    def _decide(self, request: web.BaseRequest, call: Call, config: ServerConfig) -> Reply | Fault:
        if config.api_key is not None:
            key = request.headers.get("x-api-key") or request.headers.get("Authorization", "").removeprefix("Bearer ")
            if key != config.api_key:
                return Fault(status=401, message="Incorrect API key provided.")
        if config.max_in_flight is not None and self.stats.in_flight > config.max_in_flight:
            return Fault(status=429, retry_after=config.faults.retry_after)
        if config.faults.any and (fault := config.faults.pick(self._random.random())) is not None:
            return fault
        script = config.reply if call.schema is None else config.schema_reply
        said = script(call) if script is not None else None
        if said is None:
            return default_reply(call)
        return Reply(said) if isinstance(said, str) else said

    async def _fail(
        self, request: web.BaseRequest, call: Call, fault: Fault, config: ServerConfig
    ) -> web.StreamResponse:
        self.stats.faults[str(fault.status) if fault.kind == "status" else fault.kind] += 1
        if fault.kind == "status":
            named = {"Retry-After": fault.retry_after, "Location": fault.location}
            headers = {name: value for name, value in named.items() if value is not None}
            return web.json_response(error_body(call.vendor, fault), status=fault.status, headers=headers)
        if fault.kind == "hang":
            await asyncio.sleep(fault.hang_s)
        elif fault.kind == "reset":
            await asyncio.sleep(config.latency_s / 2)
        else:
            await asyncio.sleep(config.latency_s)
        if fault.kind == "prose":
            return web.Response(text="<html><body>Bad gateway, but politely.</body></html>", content_type="text/html")
        if fault.kind == "malformed":
            reply = default_reply(call)
            if call.stream:
                piece = b"".join(events(call, reply, usage_of(call, reply), config.chunk_chars))
                return await self._stream(request, call, [piece[: len(piece) // 2] + b"\n\n"], config, complete=False)
            text = json.dumps(whole(call, reply, usage_of(call, reply)))
            return web.Response(text=text[: len(text) // 2], content_type="application/json")
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def _stream(
        self,
        request: web.BaseRequest,
        call: Call,
        pieces: list[bytes],
        config: ServerConfig,
        *,
        complete: bool = True,
    ) -> web.StreamResponse:
        """The first piece at `ttft_s`, the others spread evenly until `latency_s`."""
        first_s = config.latency_s / 2 if config.ttft_s is None else config.ttft_s
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await asyncio.sleep(first_s)
        try:
            await response.prepare(request)
            gap_s = max(0.0, config.latency_s - first_s) / max(1, len(pieces) - 1)
            for position, piece in enumerate(pieces):
                if position and gap_s:
                    await asyncio.sleep(gap_s)
                await response.write(piece)
            await response.write_eof()
        except ConnectionError:
            self.stats.faults["client_left"] += 1
        if complete:
            self.stats.serve(call)
        return response


async def listen(handler: Handler, port: int = 0) -> tuple[web.ServerRunner, int]:
    """Start serving on 127.0.0.1; the runner to clean up and the port really used."""
    runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    return runner, int(runner.addresses[0][1])


class ModelServer:
    """A server in a thread with its own event loop, so the tested code may block, fork or be killed.

    Use as `with ModelServer(config) as server:` or `async with`. `config` may be replaced at any time.
    """

    def __init__(self, config: ServerConfig | None = None, *, port: int = 0) -> None:
        self._handler = Handler(config or ServerConfig())
        self._wanted_port = port
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: OSError | None = None
        self.port = 0

    @property
    def config(self) -> ServerConfig:
        return self._handler.config

    @config.setter
    def config(self, config: ServerConfig) -> None:
        self._handler.config = config

    @property
    def stats(self) -> Stats:
        return self._handler.stats

    @property
    def url(self) -> str:
        """What ANTHROPIC_BASE_URL takes."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        """What OPENAI_BASE_URL takes."""
        return f"{self.url}/v1"

    def reset_stats(self) -> None:
        self._handler.stats = Stats()

    def start(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="modelserver", daemon=True)
        self._thread.start()
        self._ready.wait(30)
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None and self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            runner, self.port = await listen(self._handler, self._wanted_port)
        except OSError as error:
            self._failure = error
            return
        finally:
            self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

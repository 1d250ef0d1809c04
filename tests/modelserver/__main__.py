"""`python -m tests.modelserver --port 0 --latency 0.2 --fault-429 .05`: the server as a process; prints its port."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import signal
from typing import cast

from tests.modelserver.config import FaultRates, Script, ServerConfig
from tests.modelserver.server import Handler, listen


def _script(name: str | None) -> Script | None:
    """The callable `module:function` names."""
    if name is None:
        return None
    module, _, function = name.partition(":")
    return cast(Script, getattr(importlib.import_module(module), function))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.modelserver")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds until a reply is whole")
    parser.add_argument("--ttft", type=float, default=None, help="seconds until the first streamed piece")
    parser.add_argument("--chunk-chars", type=int, default=24)
    for name, what in (
        ("429", "rate limits"),
        ("529", "overloads"),
        ("5xx", "server errors"),
        ("reset", "dropped connections"),
    ):
        parser.add_argument(f"--fault-{name}", type=float, default=0.0, help=f"share of {what}, 0-1")
    parser.add_argument("--fault-malformed", type=float, default=0.0, help="share of broken JSON bodies, 0-1")
    parser.add_argument("--retry-after", default="0.05", help="the Retry-After of a 429, as sent")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-in-flight", type=int, default=None, help="answer 429 above this many calls at once")
    parser.add_argument("--api-key", default=None, help="the only key accepted")
    parser.add_argument("--reply", default=None, help="module:function(call) for ordinary calls")
    parser.add_argument("--schema-reply", default=None, help="module:function(call) for calls with a JSON schema")
    return parser.parse_args()


async def _main() -> None:
    options = _arguments()
    config = ServerConfig(
        latency_s=options.latency,
        ttft_s=options.ttft,
        chunk_chars=options.chunk_chars,
        faults=FaultRates(
            rate_limited=options.fault_429,
            overloaded=options.fault_529,
            server=options.fault_5xx,
            reset=options.fault_reset,
            malformed=options.fault_malformed,
            retry_after=options.retry_after,
        ),
        seed=options.seed,
        reply=_script(options.reply),
        schema_reply=_script(options.schema_reply),
        max_in_flight=options.max_in_flight,
        api_key=options.api_key,
    )
    runner, port = await listen(Handler(config), options.port)
    print(port, flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()


with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(_main())

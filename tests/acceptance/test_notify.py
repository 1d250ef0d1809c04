"""A stale benchmark told of and tested again as a crontab and a worker do it, each in a process of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.acceptance.conftest import Shell
from tests.acceptance.test_stale import JUDGE, MODELS

WAIT_S = 120.0


class Receiver(ThreadingHTTPServer):
    """Answers 503 at first, then 204; keeps the id, the headers and the body of each message."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, str, str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        found = [self.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")]
        server = self.server
        assert isinstance(server, Receiver)
        server.heard.append((found[0], found[1], found[2], body))
        self.send_response(503 if len(server.heard) == 1 else 204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written to the tests' own output."""


@contextmanager
def receiver() -> Generator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_message_that_was_not_taken_is_sent_by_a_worker_and_the_benchmark_is_run_again(
    shell: Shell, skill: Path
) -> None:
    settings = shell.home / "settings.toml"
    settings.write_text("[notices]\nallow_private_addresses = true\n")
    worker = None
    try:
        with receiver() as hook:
            shell.json("run", str(skill), *MODELS, *JUDGE)
            with (skill / "SKILL.md").open("a") as file:
                file.write("\nState it kindly.\n")
            assert shell.run("skills", "add", str(skill)).returncode == 0
            secret = re.findall(r"whsec_\S+", shell.run("notify", "webhook", hook.url).stdout)[0]
            budget = shell.run("notify", "rebenchmark", "--budget", "50", "--cause", "skill")
            assert "Up to $50.00 a month" in budget.stdout
            checked = shell.run("stale", "--notify")
            assert checked.returncode == 0, checked.stderr
            said = " ".join(checked.stdout.split())
            assert "webhook benchmark.stale waiting, 1 attempt: HTTP 503; next attempt" in said
            assert f"{skill.name}: It is tested again by itself, for about $" in said
            assert secret not in shell.run("notify", "show").stdout
            again = " ".join(shell.run("stale", "--notify").stdout.split())
            assert "0 causes new since the last check." in again
            worker = shell.start("worker")
            until = time.monotonic() + WAIT_S
            while len(hook.heard) < 2 or shell.run("stale", skill.name, "--fail").returncode:
                assert time.monotonic() < until, "neither told of nor run again in time"
                time.sleep(1.0)
            (one, *_), (two, timestamp, signature, body) = hook.heard[:2]
            assert one == two, "it has the same id however often it is tried"
            key = base64.b64decode(secret.removeprefix("whsec_"))
            signed = hmac.new(key, f"{two}.{timestamp}.".encode() + body, hashlib.sha256).digest()
            assert signature == f"v1,{base64.b64encode(signed).decode()}"
            names = [found["skill"] for found in json.loads(body)["data"]["skills"]]
            assert skill.name in names
            assert "delivered, 2 attempts: HTTP 204" in " ".join(shell.run("notify", "show").stdout.split())
    finally:
        if worker is not None:
            worker.send_signal(signal.SIGTERM)
            worker.communicate(timeout=60)
        settings.unlink()
        shell.run("notify", "webhook", "--off")
        shell.run("notify", "rebenchmark", "--off")


def test_a_command_that_says_two_things_or_nothing_is_refused(shell: Shell) -> None:
    for arguments in (
        ("notify", "webhook"),
        ("notify", "webhook", "https://hooks.example/", "--off"),
        ("notify", "webhook", "http://hooks.example/"),
        ("notify", "mail"),
        ("notify", "mail", "nobody"),
        ("notify", "rebenchmark", "--budget", "5"),
        ("notify", "test"),
        ("stale", "--notify", "weigh"),
    ):
        done = shell.run(*arguments)
        assert done.returncode == 2, (arguments, done.stdout, done.stderr)

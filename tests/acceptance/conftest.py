"""The command as a user runs it: a process of its own against a model server in another."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from benchmarks.workload import model_server, stats, write_skill
from steelyard.cli.main import app


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@dataclass
class Shell:
    """Runs `steelyard` with one home, and knows where the model server is."""

    home: Path
    address: str
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        base = {key: value for key, value in os.environ.items() if not key.endswith(("_API_KEY", "_BASE_URL"))}
        return base | {
            "STEELYARD_HOME": str(self.home),
            "OPENAI_BASE_URL": f"{self.address}/v1",
            "OPENAI_API_KEY": "test",
            "ANTHROPIC_BASE_URL": self.address,
            "ANTHROPIC_API_KEY": "test",
            "NO_COLOR": "1",
            **self.env,
        }

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "steelyard.cli.main", *arguments]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        return subprocess.Popen(command, env=self.environment(), **options)

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """The command to its end: in this process, where vendors' clients are imported once.

        A process of its own have those that set the log of theirs, and all where a loop runs here.
        """
        env = self.environment()
        if arguments[:1] in (("serve",), ("worker",)) or _in_a_loop():
            return self._process(*arguments, stdin=stdin)
        cleared: dict[str, str | None] = dict.fromkeys(os.environ.keys() - env.keys())
        done = CliRunner().invoke(app, arguments, stdin, env=cleared | env)
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    def _process(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "steelyard.cli.main", *arguments]
        return subprocess.run(
            command,
            env=self.environment(),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        """The JSON a run prints; fails the test on another exit code than 0."""
        done = self.run(*arguments, "--json", "-", "--quiet")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def seen(self) -> dict[str, Any]:
        return stats(self.address)

    def calls(self) -> list[tuple[float, float | None]]:
        """When each call arrived at the server and when it was over there (None: not yet), on the monotonic clock."""
        with urllib.request.urlopen(f"{self.address}/_calls") as reply:
            return [(arrived, over) for arrived, over in json.load(reply)]


@pytest.fixture
def shell(server_home: Path, server: object, request: pytest.FixtureRequest) -> Iterator[Shell]:
    """A shell and a model server; an indirect parameter (latency in seconds, *options) sets the server up."""
    latency_s, *options = getattr(request, "param", (0.0,))
    with model_server(latency_s, *options) as address:
        yield Shell(server_home, address)


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    """A skill of 12 cases, new to every test so that nothing of it is reused."""
    return write_skill(tmp_path / f"weigh-{uuid4().hex[:8]}", 12)

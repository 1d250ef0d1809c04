"""The local server as a process of its own, as crash tests and benchmarks use it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


def post(url: str, body: dict[str, Any]) -> int:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            json.load(reply)
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_as_a_process_it_prints_its_port_and_counts_repeated_calls() -> None:
    command = [sys.executable, "-m", "tests.modelserver", "--port", "0", "--max-in-flight", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        same = {"model": "m", "messages": [{"role": "user", "content": "same"}]}
        assert post(f"{url}/v1/chat/completions", same) == 200
        assert post(f"{url}/v1/chat/completions", same) == 200
        assert post(f"{url}/v1/messages", {**same, "max_tokens": 5, "model": "n"}) == 200
        with urllib.request.urlopen(f"{url}/_stats", timeout=10) as reply:
            stats = json.load(reply)
        server.terminate()
    assert (stats["served"], stats["distinct"], stats["repeated_calls"]) == (3, 2, 1)
    assert stats["by_model"] == {"m": 2, "n": 1}
    assert server.returncode == 0

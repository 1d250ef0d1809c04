"""The Python helper as programs use it: nothing lost on a normal exit, nothing twice, never in the way."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

import steelyard
from steelyard.client import Recorder
from tests.acceptance.conftest import Shell
from tests.acceptance.test_serve import served

MODEL = "openai:gpt-5.4"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def uses(shell: Shell, name: str) -> int:
    """How many uses wait for a skill of that name."""
    line = next((one for one in shell.run("measurements", "unmatched").stdout.splitlines() if f"  {name}:" in one), "")
    return int(line.split(":")[1].split()[0].replace(",", "")) if line else 0


@pytest.fixture
def name() -> str:
    return f"weigh-{uuid4().hex[:8]}"


def run(shell: Shell, url: str, program: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env=shell.environment() | {"STEELYARD_URL": url} | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


PROGRAMS = {
    "the end of a script": """
import steelyard
for number in range(25):
    steelyard.record({name!r}, model={model!r}, input_tokens=100, output_tokens=number)
""",
    "an exception nobody caught": """
import steelyard
for number in range(25):
    steelyard.record({name!r}, model={model!r}, input_tokens=100, output_tokens=number)
raise SystemExit(3)
""",
    "a fork after records of the parent": """
import os, steelyard
for number in range(20):
    steelyard.record({name!r}, model={model!r}, input_tokens=100, output_tokens=number)
child = os.fork()
if child == 0:
    for number in range(5):
        steelyard.record({name!r}, model={model!r}, input_tokens=100, output_tokens=number)
    raise SystemExit(0)
os.waitpid(child, 0)
""",
    "workers of multiprocessing": """
import multiprocessing, steelyard
def work(number):
    steelyard.record({name!r}, model={model!r}, input_tokens=100, output_tokens=number)
if __name__ == "__main__":
    steelyard.record({name!r}, model={model!r}, input_tokens=100, output_tokens=1)
    started = [multiprocessing.get_context("fork").Process(target=work, args=(number,)) for number in range(24)]
    for one in started: one.start()
    for one in started: one.join()
""",
    "threads": """
import steelyard
from threading import Thread
def work():
    for number in range(5):
        steelyard.record({name!r}, model={model!r}, input_tokens=100, output_tokens=number)
started = [Thread(target=work) for _ in range(5)]
for one in started: one.start()
""",
}


def test_nothing_is_lost_when_a_program_ends(shell: Shell) -> None:
    names = {way: f"weigh-{uuid4().hex[:8]}" for way in PROGRAMS}
    with served(shell, "--no-worker") as (client, _):
        for way, program in PROGRAMS.items():
            done = run(shell, str(client.base_url), program.format(name=names[way], model=MODEL))
            assert done.returncode == (3 if "exception" in way else 0), (way, done.stderr)
            assert not done.stderr, way
    assert {way: uses(shell, named) for way, named in names.items()} == dict.fromkeys(PROGRAMS, 25)


def test_a_server_killed_in_mid_flight_and_started_again_has_each_use_once(shell: Shell, name: str) -> None:
    port, total = free_port(), 4_000
    client = Recorder(f"http://127.0.0.1:{port}")
    server = shell.start("serve", "--no-worker", "--port", str(port))
    assert server.stderr is not None
    server.stderr.readline()
    recorder = threading.Thread(target=_record_slowly, args=(client, name, total))
    recorder.start()
    try:
        while not some_arrived(port, name):
            time.sleep(0.02)
    finally:
        server.kill()
        server.communicate()
    recorder.join()
    assert not client.flush(0.3)
    again = shell.start("serve", "--no-worker", "--port", str(port))
    assert again.stderr is not None
    again.stderr.readline()
    assert client.flush(60)
    assert (client.waiting, client.dropped, client.refused) == (0, 0, 0)
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=60)
    assert uses(shell, name) == total


def _record_slowly(client: Recorder, name: str, total: int) -> None:
    for number in range(total):
        client.record(name, model=MODEL, input_tokens=100, output_tokens=number)
        if number % 100 == 0:
            time.sleep(0.02)


def some_arrived(port: int, name: str) -> bool:
    """Whether the settings name the skill among those that are not here."""
    return name in httpx.get(f"http://127.0.0.1:{port}/settings", timeout=60).text


@pytest.fixture
def nowhere() -> Iterator[Recorder]:
    """A client of an address where nobody answers."""
    client = Recorder(f"http://127.0.0.1:{free_port()}", most_waiting=50)
    yield client
    # So that the end of the tests does not wait for it.
    for sender in client._senders:
        sender._forked()


def test_it_neither_waits_nor_raises_and_counts_what_it_drops(
    nowhere: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.perf_counter()
    with caplog.at_level(logging.WARNING, "steelyard"):
        for number in range(500):
            nowhere.record("weigh", model=MODEL, input_tokens=100, output_tokens=number)
        nowhere.record("weigh", response=object())
        nowhere.record("weigh", model=MODEL, input_tokens=1, output_tokens=1, latency_ms=float("nan"))
        nowhere.record(object(), model=MODEL, input_tokens=1, output_tokens=1)  # type: ignore[arg-type]
        assert time.perf_counter() - began < 1
        assert not nowhere.flush(0.2)
    assert (nowhere.waiting, nowhere.dropped, nowhere.refused) == (50, 450, 3)
    assert sum("dropped" in one.getMessage() for one in caplog.records) == 1


def test_answers_feedback_and_the_time_of_a_call_arrive(shell: Shell, name: str, tmp_path: Path) -> None:
    skill = tmp_path / name
    skill.mkdir()
    (skill / "SKILL.md").write_text(f"---\nname: {name}\ndescription: Weighs things.\n---\nWeigh it.\n")
    with served(shell, "--no-worker") as (http, _):
        assert shell.run("skills", "add", str(skill)).returncode == 0
        key = shell.run("keys", "add", "the program", "--scope", "ingest").stdout.strip()
        client = Recorder(str(http.base_url), key)
        with client.measure(name) as use:
            use.response(
                {
                    "type": "message",
                    "model": "claude-sonnet-4-5",
                    "usage": {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 90},
                }
            )
            use.response({"usage": {"prompt_tokens": 10, "completion_tokens": 5}, "model": "m"}, model="workshop:m")
        client.feedback(name, "rating", rating=9, comment="It saved me an hour.", author="Ann")
        client.feedback(name, "suggestion", title="Pounds", body="Say it in pounds too.")
        client.feedback("nobody", "thumb_up")
        assert client.flush(30)
        assert client.refused == 1
        wrong = Recorder(str(http.base_url), key[:-8] + "a" * 8)
        wrong.record(name, model=MODEL, input_tokens=100, output_tokens=10)
        assert wrong.flush(30)
        assert wrong.refused == 1
        # More than are taken in a minute wait, and uses do not wait for them.
        for _ in range(25):
            client.feedback(name, "thumb_up")
        client.record(name, model=MODEL, input_tokens=100, output_tokens=10)
        assert client._senders[0].flush(30)
        assert not client.flush(2)
        assert 0 < client.waiting <= 25
        client._senders[1]._forked()
        page = http.get(f"/skills/{name}", follow_redirects=True).text
        said = http.get(f"/skills/{name}/feedback", follow_redirects=True).text
    assert "claude-sonnet-4-5" in page
    assert "It saved me an hour." in said


def test_importing_it_brings_in_the_standard_library_alone() -> None:
    program = "import sys, steelyard; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    brought = set(done.stdout.split()) - set(sys.stdlib_module_names) - {"steelyard"}
    bare = subprocess.run(
        [sys.executable, "-I", "-c", program.replace(", steelyard", "")], capture_output=True, text=True, check=True
    )
    assert brought <= set(bare.stdout.split())
    assert not {"json", "logging", "asyncio", "http", "urllib"} & set(done.stdout.split())


def test_the_functions_of_the_module_go_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("STEELYARD_URL", address + "/")
    steelyard.configure()
    assert {sender.url for sender in steelyard._recorder._senders} == {address}
    steelyard.configure()

"""`steelyard serve` as a process: its address, its refusals, its end, and two of them on one database."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from benchmarks.site import temporary_home
from steelyard.bootstrap import open_workbench
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.services.run_request import RunRequest
from steelyard.skills.folder import read_skill
from steelyard.storage.server import Server
from tests.acceptance.conftest import Shell
from tests.integration.web.harness import token_in


@contextmanager
def served(
    shell: Shell, *options: str, until: str = "", while_stopping: Callable[[httpx.Client], None] | None = None
) -> Generator[tuple[httpx.Client, list[str]]]:
    """A client of a fresh `steelyard serve`, and what it said: to the first line with `until`; in the end, all."""
    process = shell.start("serve", "--port", "0", *options)
    assert process.stderr is not None
    said = [process.stderr.readline()]
    while until not in said[-1]:
        said.append(process.stderr.readline())
        assert said[-1], said
    found = re.search(r"http://\S+", said[0])
    assert found is not None, said[0] + process.stderr.read()
    with httpx.Client(base_url=found[0]) as client:
        yield client, said
        process.send_signal(signal.SIGINT)
        if while_stopping is not None:
            while_stopping(client)
    _, rest = process.communicate(timeout=60)
    said += rest.splitlines()
    assert process.returncode == 0, said


def test_it_says_one_line_answers_and_ends_on_ctrl_c(shell: Shell) -> None:
    with served(shell) as (client, said):
        assert client.get("/settings").status_code == 200
        assert len(said) == 1
    assert said[-1] == "Stopped; everything received is saved."


def test_a_taken_port_is_named_with_the_way_out(shell: Shell) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = shell.run("serve", "--port", str(other.getsockname()[1]))
    assert done.returncode == 2
    assert "--port" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.com"])
def test_in_local_mode_it_listens_on_this_machine_alone(shell: Shell, host: str) -> None:
    shell.env["STEELYARD_MODE"] = "local"
    done = shell.run("serve", "--port", "0", "--host", host)
    assert done.returncode == 2
    assert "STEELYARD_MODE=team" in done.stderr


def test_where_others_can_come_they_sign_in_and_the_first_admins_link_is_told() -> None:
    with temporary_home() as home, served(Shell(home, ""), "--host", "0.0.0.0", until="/setup/") as (client, said):
        assert client.get("/settings").status_code == 303
        assert "passwords travel unencrypted" in " ".join(said)
        link = said[-1].strip()
        assert client.get(link).status_code == 200
        token = token_in(client.get(link).text)
        form = {"email": "ann@example.org", "name": "Ann", "tenant": "Geese", "password": "seven geese over harbour"}
        assert client.post(link, data={**form, "csrf_token": token}).status_code == 303
        assert client.get("/settings").status_code == 200
        assert client.get(link).status_code == 404


def test_two_processes_on_one_database_serve_alike(shell: Shell) -> None:
    """A form of one, sent to the other: the key of their tokens is the home's."""
    with served(shell, "--no-worker") as (one, _), served(shell, "--no-worker") as (other, _):
        token = token_in(one.get("/skills/new").text)
        other.cookies.update(one.cookies)
        data = {"way": "paste", "name": "shared", "prompt": "Be brief.", "csrf_token": token}
        added = other.post("/skills", data=data)
        assert added.status_code == 303, added.text
        assert "shared" in one.get("/?q=shared").text


def _wait_for_a_call(shell: Shell) -> None:
    while shell.seen()["in_flight"] == 0:
        time.sleep(0.05)


def _told_to_send_no_more(client: httpx.Client) -> None:
    until = time.monotonic() + 30
    while (answer := client.get("/readyz")).status_code == 200:
        assert time.monotonic() < until
    assert answer.status_code == 503
    assert answer.json()["worker"] == "stopping"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("shell", [(3.0,)], indirect=True)
async def test_calls_in_flight_at_ctrl_c_finish_and_are_saved(shell: Shell, server: Server, skill: Path) -> None:
    loaded = read_skill(skill)
    model = ModelRef.parse("openai:model-a")
    async with open_workbench(env=shell.environment()) as bench:
        request = RunRequest(loaded.content, loaded.cases, [model], judge=None, arms=(Arm.WITH_SKILL,), seed=7)
        started = await bench.benchmarks.start(bench.tenant_id, request)
    with served(shell, "--concurrency", "4", while_stopping=_told_to_send_no_more) as (_, said):
        await asyncio.to_thread(_wait_for_a_call, shell)
    with psycopg.connect(server.admin_dsn) as connection:
        found = connection.execute(
            "SELECT count(*) FROM benchmark_results WHERE benchmark_run_id = %s AND output_produced IS NOT NULL",
            (started.run_id,),
        ).fetchone()
    assert found is not None
    assert 0 < found[0] == shell.seen()["served"] < len(loaded.cases)
    assert any("in flight finish and are saved" in line for line in said)

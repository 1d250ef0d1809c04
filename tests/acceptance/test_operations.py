"""Processes as a supervisor sees them: a worker's probes, its end in time, and backups by the command."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from steelyard.bootstrap import open_workbench
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.services.run_request import RunRequest
from steelyard.skills.folder import read_skill
from steelyard.storage.embedded import remove
from tests.acceptance.conftest import Shell


@pytest.fixture
def new_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="steelyard-test-"))
    home.chmod(0o755)
    yield home
    remove(home)
    shutil.rmtree(home, ignore_errors=True)


def watched_and_stopped(shell: Shell) -> tuple[list[str], float]:
    """What a worker logged that was asked for its state and told to stop, and the seconds it took to end."""
    process = shell.start("worker", "--probes", "0", "--grace", "1", "--concurrency", "4")
    try:
        assert process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", json.loads(process.stderr.readline())["message"])
        assert found is not None
        with httpx.Client(base_url=found[0]) as client:
            assert client.get("/healthz").text == "ok\n"
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["worker"]) == (200, "serving")
            while shell.seen()["in_flight"] < 4:
                time.sleep(0.05)
            text = client.get("/metrics").text
            assert "steelyard_model_calls_in_flight 4.0" in text
            assert 'steelyard_queue_jobs{state="in hand",task="run_cells"}' in text
            assert client.get("/settings").status_code == 404
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
        assert process.returncode == 0
        return [json.loads(line)["message"] for line in rest.splitlines()], time.monotonic() - began
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("shell", [(20.0,)], indirect=True)
async def test_a_worker_answers_probes_and_ends_within_its_grace(shell: Shell, skill: Path) -> None:
    shell.env["STEELYARD_LOG"] = "json"
    loaded = read_skill(skill)
    model = ModelRef.parse("openai:model-a")
    async with open_workbench(env=shell.environment()) as bench:
        request = RunRequest(loaded.content, loaded.cases, [model], judge=None, arms=(Arm.WITH_SKILL,), seed=7)
        started = await bench.benchmarks.start(bench.tenant_id, request)
        said, seconds = await asyncio.to_thread(watched_and_stopped, shell)
        assert seconds < 15
        assert said[-1].startswith("4 calls in flight did not end within 1 s")
        # Nothing of it is taken for done, and the run is there for the next worker.
        run = await bench.benchmarks.find(bench.tenant_id, str(started.run_id))
        assert run.status == "running"
        await bench.benchmarks.cancel(bench.tenant_id, str(started.run_id))


def test_a_home_is_carried_to_another_by_two_commands(
    shell: Shell, skill: Path, new_home: Path, tmp_path: Path
) -> None:
    assert shell.run("skills", "add", str(skill)).returncode == 0
    target = tmp_path / "all.backup"
    done = shell.run("backup", str(target))
    assert done.returncode == 0, done.stderr
    assert shell.run("backup", str(target)).returncode == 2
    listed = shell.run("skills", "list")

    shell.env["STEELYARD_HOME"] = str(new_home)
    done = shell.run("restore", str(target))
    assert done.returncode == 0, done.stderr
    assert shell.run("skills", "list").stdout == listed.stdout
    again = shell.run("restore", str(target))
    assert again.returncode == 2
    assert "--force" in again.stderr
    target.write_bytes(target.read_bytes()[:-1])
    cut = shell.run("restore", "--force", str(target))
    assert cut.returncode == 2
    assert "checksum" in cut.stderr


def test_a_port_for_probes_that_cannot_be_had_is_said_at_once(shell: Shell) -> None:
    for given in ("x", "99999", "203.0.113.7:9100"):
        done = shell.run("worker", "--probes", given)
        assert done.returncode == 2
        assert "Probes cannot be served" in done.stderr

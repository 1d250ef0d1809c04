"""A disk that is full in mid-run: why nothing goes on is told, and the run goes on by itself once there is room."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.workload import model_server, write_skill
from steelyard.storage.embedded import remove, status
from tests.acceptance.conftest import Shell

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

CONCURRENCY = 4
CANARIES = 11


@pytest.fixture
def small() -> Iterator[Path]:
    """A folder on a disk of its own of 160 MB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounts a small disk, which takes root on Linux")
    folder = Path(tempfile.mkdtemp(prefix="steelyard-small-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160m,mode=0755", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        folder.rmdir()
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        (folder / "filling").unlink(missing_ok=True)
        remove(folder / "home")
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def wait_for(told: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + 60
    while not told():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def test_a_run_tells_that_the_disk_is_full_and_goes_on_by_itself_when_it_is_not(small: Path, tmp_path: Path) -> None:
    folder, log, report = write_skill(tmp_path / "weigh", 60), tmp_path / "err.txt", tmp_path / "report.json"
    command = ["run", str(folder), "--model", "openai:m", "--judge", "openai:judge", "--concurrency", str(CONCURRENCY)]
    with model_server(0.3) as address, log.open("w") as err:
        shell = Shell(small / "home", address)
        process = shell.start(*command, "--json", str(report), stdout=subprocess.DEVNULL, stderr=err)
        try:
            wait_for(lambda: shell.seen()["served"] > CANARIES + 10, log)
            fill(small / "filling")
            wait_for(lambda: "The database has no room on its disk: " in log.read_text(), log)
            assert str(small / "home") in log.read_text()
            server = status(shell.home).pid
            assert server is not None
            os.kill(server, signal.SIGKILL)
            wait_for(lambda: "cannot run: no room on the disk of" in log.read_text(), log)
            assert process.poll() is None
            (small / "filling").unlink()
            process.wait(timeout=120)
            assert process.returncode == 0, log.read_text()
            assert shell.seen()["served"] <= 240 + CANARIES + CONCURRENCY
        finally:
            process.kill()
            process.wait()
    assert json.loads(report.read_text())["run"]["judged"] == 120

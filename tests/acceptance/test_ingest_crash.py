"""No use that was answered as kept is lost or doubled: the site and PostgreSQL killed while batches come in."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from steelyard.storage.embedded import status
from steelyard.storage.server import Server
from tests.acceptance.conftest import Shell

pytestmark = pytest.mark.alone

CLIENTS = 3
BATCHES = 40
SIZE = 100


@dataclass
class Site:
    """`steelyard serve`, which is started anew after each kill; clients ask where it is now."""

    shell: Shell
    process: subprocess.Popen[str] = field(init=False)
    address: str = field(init=False)
    _reader: threading.Thread = field(init=False)

    def start(self) -> None:
        self.process = self.shell.start("serve", "--no-worker", "--port", "0")
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        assert "Steelyard is at " in said, said + self.process.stderr.read()
        self.address = said.split("Steelyard is at ")[1].split(" ")[0]
        # What it says of a database that is away must not fill the pipes.
        self._reader = threading.Thread(target=self.process.communicate, daemon=True)
        self._reader.start()

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self._reader.join(timeout=60)
        assert self.process.poll() is not None


@contextmanager
def site_of(shell: Shell) -> Generator[Site]:
    site = Site(shell)
    site.start()
    try:
        yield site
    finally:
        site.end(signal.SIGINT)


def batch(skill: str, client: int, number: int) -> bytes:
    now = datetime.now(UTC)
    uses = [
        {
            "key": f"{skill}/{client}/{number}/{item}",
            "skill": skill,
            "model": ("openai:gpt-5.4-mini", "workshop:own")[item % 2],
            "measured_at": (now - timedelta(days=item % 40)).isoformat(),
            "input_tokens": 100 + item,
            "output_tokens": number,
            "latency_ms": 0.1 * item,
        }
        for item in range(SIZE)
    ]
    return json.dumps({"measurements": uses}).encode()


@dataclass
class Clients:
    """Send batches one after another, each again until it was answered as kept; `acknowledged` counts these."""

    site: Site
    skill: str
    acknowledged: int = 0
    resent: int = 0
    kept: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send_all(self, client: int) -> None:
        for number in range(BATCHES):
            body = batch(self.skill, client, number)
            while (kept := self._sent(body)) is None:
                with self._lock:
                    self.resent += 1
                time.sleep(0.05)
            with self._lock:
                self.acknowledged += 1
                self.kept += kept

    def _sent(self, body: bytes) -> int | None:
        """How many were new; None where no answer said that they are kept."""
        connection = http.client.HTTPConnection(urlsplit(self.site.address).netloc, timeout=30)
        try:
            connection.request("POST", "/v1/measurements", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status != 200:
            assert answer.status >= 500, said
            return None
        found = json.loads(said)
        assert found["kept"] + found["duplicates"] == SIZE, found
        return found["kept"]


def pounded(shell: Shell, server: Server, folder: Path, kill: Callable[[Site], None], kills: int) -> Clients:
    """Send everything while so many kills befall it; then nothing may be missing, doubled, or summed wrongly."""
    assert shell.run("skills", "add", str(folder)).returncode == 0
    with site_of(shell) as site:
        clients = Clients(site, folder.name)
        threads = [threading.Thread(target=clients.send_all, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for number in range(kills):
            wanted = (number + 1) * CLIENTS * BATCHES // (kills + 1)
            deadline = time.monotonic() + 120
            while clients.acknowledged < wanted and time.monotonic() < deadline:
                time.sleep(0.005)
            kill(site)
        for thread in threads:
            thread.join(timeout=240)
            assert not thread.is_alive()
    with psycopg.connect(server.admin_dsn) as connection:
        found = connection.execute(
            """SELECT count(*), count(DISTINCT m.id),
                      (SELECT sum(uses) FROM measurement_daily d WHERE d.skill_id = s.id)
                 FROM skills s JOIN token_measurements m ON m.skill_id = s.id WHERE s.name = %s GROUP BY s.id""",
            (folder.name,),
        ).fetchone()
    assert found == (CLIENTS * BATCHES * SIZE,) * 3
    verified = shell.run("rollup", "verify", "--json", "-")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["exact"]
    assert json.loads(verified.stdout)["uses"] >= CLIENTS * BATCHES * SIZE
    return clients


@pytest.mark.timeout(400)
def test_a_site_killed_while_uses_come_in_loses_and_doubles_none(shell: Shell, server: Server, skill: Path) -> None:
    def kill(site: Site) -> None:
        site.end(signal.SIGKILL)
        site.start()

    assert pounded(shell, server, skill, kill, kills=5).resent > 0


@pytest.mark.timeout(400)
def test_a_database_killed_while_uses_come_in_loses_and_doubles_none(shell: Shell, server: Server, skill: Path) -> None:
    killed: set[int] = set()

    def kill(site: Site) -> None:
        deadline = time.monotonic() + 60
        while (pid := status(shell.home).pid) is None or pid in killed:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        killed.add(pid)
        os.kill(pid, signal.SIGKILL)

    assert pounded(shell, server, skill, kill, kills=3).resent > 0

"""What the tests of the embedded server share: homes that are cleaned up, and processes that act on them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded import Endpoint, layout, process, remove

ACTOR = Path(__file__).with_name("actor.py")
AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="changes the user a process runs as, which takes root")
NOBODY = 65534


class Homes:
    """Makes folders for homes under one that every user can pass, and leaves neither server nor folder behind."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="steelyard-pg-"))
        self.base.chmod(0o755)
        self.used: list[Path] = []

    def new(self, name: str = "home", *, mode: int = 0o755, owner: int | None = None) -> Path:
        """A path for a home; its parent exists with `mode` and `owner`, the home itself does not."""
        parent = self.base / str(len(self.used))
        parent.mkdir()
        parent.chmod(mode)
        if owner is not None:
            os.chown(parent, owner, owner)
        home = parent / name
        self.used.append(home)
        return home

    def clean_up(self) -> None:
        for home in self.used:
            with suppress(StorageError):
                found = layout.recorded(home)
                live = process.postmaster(found.data_dir) if found else None
                try:
                    remove(home, timeout_s=10)
                finally:
                    if live is not None and found is not None and process.is_postmaster(live.pid, found.data_dir):
                        os.kill(live.pid, signal.SIGKILL)
        shutil.rmtree(self.base)


def act(action: str, home: Path, *, user: int | None = None, prefix: list[str] | None = None) -> subprocess.Popen[str]:
    """Start an actor; `user` None means the user of the tests."""
    return subprocess.Popen(
        [*(prefix or []), sys.executable, str(ACTOR), "-" if user is None else str(user), action, str(home)],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        start_new_session=True,
        env=os.environ | {"SOME_API_KEY": "secret-of-the-starter"},
    )


def answer_of(actor: subprocess.Popen[str]) -> dict[str, Any]:
    """What an actor that ends by itself said."""
    out, _ = actor.communicate(timeout=120)
    return json.loads(out)


def answers_of(actors: list[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """What racing actors said; all have ended before any answer is looked at."""
    said = [actor.communicate(timeout=120)[0] for actor in actors]
    return [json.loads(out) for out in said]


def first_answer_of(actor: subprocess.Popen[str]) -> dict[str, Any]:
    """What an actor that stays has said."""
    assert actor.stdout is not None
    return json.loads(actor.stdout.readline())


def kill_and_reap(actor: subprocess.Popen[str]) -> None:
    actor.kill()
    actor.communicate()


def server_pid(endpoint: Endpoint) -> int:
    live = process.postmaster(endpoint.data_dir)
    assert live is not None
    return live.pid


def query(endpoint: Endpoint, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(endpoint.superuser_dsn, autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []

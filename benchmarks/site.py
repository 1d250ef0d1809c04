"""A site to look at: homes of its own, `steelyard serve` as a process, a Chromium, and what to ask it by HTTP."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.workload import ROOT
from steelyard.storage.embedded import remove

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing that calls home, and what a container has no room or rights for.
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def chromium() -> str | None:
    """The path of an installed Chromium or Chrome."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextmanager
def temporary_home() -> Generator[Path]:
    """A STEELYARD_HOME whose database starts empty and ends with the block."""
    home = Path(tempfile.mkdtemp(prefix="steelyard-web-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        remove(home)
        shutil.rmtree(home, ignore_errors=True)


def clean_environment(home: Path) -> dict[str, str]:
    """This process's environment without providers, and with that home."""
    base = {key: value for key, value in os.environ.items() if not key.endswith(("_API_KEY", "_BASE_URL"))}
    return base | {"STEELYARD_HOME": str(home), "NO_COLOR": "1"}


def of_model_server(address: str) -> dict[str, str]:
    """The environment in which `openai:…` and `anthropic:…` are models of a server of tests/modelserver."""
    return {
        "OPENAI_BASE_URL": f"{address}/v1",
        "OPENAI_API_KEY": "test",
        "ANTHROPIC_BASE_URL": address,
        "ANTHROPIC_API_KEY": "test",
    }


def fill(home: Path) -> None:
    """Make the small tenant of benchmarks/pages in an empty home (about 20 s). Raises CalledProcessError."""
    command = [sys.executable, "-m", "benchmarks.pages.generate", "--small"]
    subprocess.run(command, cwd=ROOT, env=clean_environment(home), check=True, capture_output=True)


@contextmanager
def serving(home: Path, *options: str, env: dict[str, str] | None = None) -> Generator[str]:
    """`steelyard serve` on a free port, with its worker; gives its address, and ends it as Ctrl-C does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "steelyard.cli.main", "serve", "--port", "0", *options],
        env=clean_environment(home) | (env or {}),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        assert "Steelyard is at " in said, said + process.stderr.read()
        yield said.split("Steelyard is at ")[1].split(" ")[0]
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def send(address: str, form: str, action: str, fields: dict[str, str | list[str]]) -> str:
    """Post a form: its token is that of the page `form`. Returns where the answer leads, as a path.

    Raises ValueError with the page when it was not taken.
    """
    with httpx.Client(base_url=address, timeout=60) as client:
        found = _TOKEN.search(client.get(form).text)
        if found is None:
            raise ValueError(f"{form} has no form.")
        answer = client.post(action, data=fields | {"csrf_token": found[1]})
    if answer.status_code != 303:
        raise ValueError(f"{action}: {answer.status_code}\n{answer.text}")
    return answer.headers["location"]


def start_run(address: str, skill: str, models: Sequence[str], *, judge: str = "none", **fields: str) -> str:
    """Start a run of a skill's golden cases through its form; returns its page's path. Raises ValueError."""
    form = f"/skills/{skill}/benchmark/new"
    given: dict[str, str | list[str]] = {"models": list(models), "cases": "golden", "arm": "with_skill"}
    given |= {"judge": "none"} if judge == "none" else {"judge": "other", "judge_model": judge}
    return send(address, form, form, given | fields)


def add_skill(address: str, folder: Path) -> None:
    """Add the skill of a folder by its path. Raises ValueError."""
    send(address, "/skills/new?way=path", "/skills", {"way": "path", "path": str(folder)})

"""Real pages in a real Chromium, served by the command itself over a database of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from steelyard.storage.embedded import remove

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing that calls home, and what a container has no room or rights for.
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
_SERIOUS = ("serious", "critical")


@pytest.fixture(scope="session")
def base_url() -> None:
    """In place of the plugin's own, which is written in a way pytest has deprecated; addresses here are whole."""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("There is no Chromium or Chrome on this machine.")
    return {"executable_path": path, "args": list(OPTIONS)}


@contextmanager
def serving(home: Path, *options: str, env: dict[str, str] | None = None) -> Generator[str]:
    """`steelyard serve` on a free port, with its worker; gives its address, and ends it as Ctrl-C does."""
    base = {key: value for key, value in os.environ.items() if not key.endswith(("_API_KEY", "_BASE_URL"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "steelyard.cli.main", "serve", "--port", "0", *options],
        env={**base, "STEELYARD_HOME": str(home), "NO_COLOR": "1", **(env or {})},
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


@pytest.fixture(scope="module")
def web_home() -> Iterator[Path]:
    """A home of the module's own, whose database starts empty."""
    home = Path(tempfile.mkdtemp(prefix="steelyard-web-"))
    home.chmod(0o755)
    yield home
    remove(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def address(web_home: Path) -> Iterator[str]:
    with serving(web_home) as address:
        yield address


@pytest.fixture
def quiet_page(page: Page) -> Iterator[Page]:
    """A page whose console must stay empty: no script error, nothing refused by the content policy."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert said == []


def serious_findings(page: Page) -> list[str]:
    """What axe finds serious or critical on the page as it stands: rule and first place."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in _SERIOUS]


def sideways(page: Page) -> int:
    """Pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

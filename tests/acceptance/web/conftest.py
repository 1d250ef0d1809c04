"""Real pages in a real Chromium, served by the command itself over a database of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from benchmarks.screenshots.addresses import addresses
from benchmarks.site import OPTIONS, chromium, fill, of_model_server, serving, temporary_home
from benchmarks.workload import model_server

_SERIOUS = ("serious", "critical")
# Beside other tests the first chart may take seconds to draw; what has to be quick is measured alone.
expect.set_options(timeout=20_000)


@dataclass(frozen=True)
class TenantSite:
    """The small tenant served, by a process that calls the model server at `models`; `pages`: name -> path."""

    home: Path
    env: dict[str, str]
    models: str
    address: str
    pages: dict[str, str]


@pytest.fixture(scope="session")
def base_url() -> None:
    """In place of the plugin's own, which is written in a way pytest has deprecated; addresses here are whole."""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    path = chromium()
    if path is None:
        pytest.skip("There is no Chromium or Chrome on this machine.")
    return {"executable_path": path, "args": list(OPTIONS)}


@pytest.fixture(scope="module")
def web_home() -> Iterator[Path]:
    """A home of the module's own, whose database starts empty."""
    with temporary_home() as home:
        yield home


@pytest.fixture(scope="module")
def address(web_home: Path) -> Iterator[str]:
    with serving(web_home) as address:
        yield address


@pytest.fixture(scope="session")
def tenant_site(browser_type_launch_args: dict[str, Any]) -> Iterator[TenantSite]:
    """One site for all tests that only read it or add to it; without a browser nothing is made."""
    with temporary_home() as home, model_server(0.4) as models:
        fill(home)
        env = of_model_server(models)
        with serving(home, "--concurrency", "4", env=env) as address:
            yield TenantSite(home, env, models, address, addresses(address))


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
    # Of what passes one place is told and not all of them, which is half of the time.
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in _SERIOUS]


def sideways(page: Page) -> int:
    """Pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

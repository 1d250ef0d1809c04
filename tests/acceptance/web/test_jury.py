"""A jury in a real browser: typed into the form, its run read judge by judge, and nothing wrong on a narrow screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.site import add_skill, of_model_server, serving
from benchmarks.workload import model_server, write_skill
from tests.acceptance.web.conftest import serious_findings, sideways

pytestmark = pytest.mark.browser

LONG_MS = 60_000


@pytest.fixture(scope="module")
def site(web_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with model_server(0.02) as models, serving(web_home, env=of_model_server(models)) as address:
        add_skill(address, write_skill(tmp_path_factory.mktemp("skills") / "weights", 8))
        yield address


def test_a_jury_is_typed_in_and_read_judge_by_judge(site: str, quiet_page: Page) -> None:
    page = quiet_page
    page.goto(f"{site}/skills/weights/benchmark/new?model=openai:gpt-4o-mini&judge=openai:judge")
    page.get_by_label("Further judges, one a line").fill("openai:grok-judge\nopenai:qwen-judge")
    assert serious_findings(page) == []
    page.get_by_role("button", name="Start the run").click()
    jury = page.locator("#jury")
    expect(jury).to_be_visible(timeout=LONG_MS)
    expect(jury.get_by_role("row")).to_have_count(4)
    expect(jury).to_contain_text(re.compile(r"The 3 judges are worth [123]\.\d independent ones"))
    expect(page.locator(".certificate")).to_have_count(3)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        # Else colours may be met on their way.
        page.reload()
        assert serious_findings(page) == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert sideways(page) == 0

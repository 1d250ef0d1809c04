"""The first ten minutes of a person: from an empty database to a verdict."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.workload import write_skill
from steelyard.providers.local import installed_models
from tests.acceptance.web.conftest import FilledSite, serious_findings

pytestmark = pytest.mark.browser

RUN = re.compile(r"/runs/[0-9a-f-]{36}$")
MINUTES = 60_000


def test_three_clicks_lead_from_an_empty_database_to_a_verdict_of_local_models(
    web_home: Path, address: str, quiet_page: Page
) -> None:
    if "smollm2-135m" not in installed_models(web_home):
        pytest.skip("The weights of smollm2-135m are not installed.")
    clicks = 0

    def click(role: str, name: str) -> None:
        nonlocal clicks
        clicks += 1
        quiet_page.get_by_role(role, name=name).click()  # type: ignore[arg-type]

    quiet_page.goto(address)
    click("button", "Add the example skill")
    expect(quiet_page.get_by_role("checkbox", name="smollm2-135m").first).to_be_checked()
    expect(quiet_page.locator("#estimate")).to_contain_text("$0")
    click("button", "Start the run")
    expect(quiet_page).to_have_url(RUN)
    expect(quiet_page.locator("#live")).to_contain_text("of 56 cells")
    verdict = quiet_page.get_by_role("region", name="Verdict")
    expect(verdict).to_be_visible(timeout=2 * MINUTES)
    assert clicks <= 3
    expect(verdict).to_contain_text("smollm2-135m")
    expect(verdict).to_contain_text("deterministic checks")
    expect(quiet_page.locator("#models tbody tr")).to_have_count(2)
    expect(quiet_page.locator("#matrix tbody tr")).to_have_count(14)
    assert serious_findings(quiet_page) == []
    quiet_page.goto(address)
    expect(quiet_page.locator("#rows tr")).to_contain_text("smollm2-135m")


def test_without_javascript_a_run_is_started_watched_and_its_verdict_read(
    filled: FilledSite, visitor: Callable[..., Page], tmp_path: Path
) -> None:
    page = visitor(java_script_enabled=False)
    page.goto(f"{filled.address}/skills/new?way=path")
    page.get_by_label("Path").fill(str(write_skill(tmp_path / "weigh-plainly", 8)))
    page.get_by_role("button", name="Add").click()
    page.goto(f"{filled.address}/skills/weigh-plainly/benchmark/new")
    page.get_by_label("Other models").fill("openai:model-a\nopenai:model-b")
    page.get_by_role("radio", name=re.compile("^With the skill")).check()
    page.get_by_role("radio", name="Another model").check()
    page.get_by_label("The judge's model").fill("openai:judge")
    page.get_by_role("button", name="Estimate").click()
    expect(page.locator("#estimate")).to_contain_text("calls")
    page.get_by_role("button", name="Start the run").last.click()
    expect(page).to_have_url(RUN)
    expect(page.locator("#live")).to_contain_text("of 16 cells")
    # Nobody presses anything: the page asks to be loaded again.
    expect(page.get_by_role("region", name="Verdict")).to_be_visible(timeout=MINUTES)
    page.locator("#matrix tbody a.mark").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Case 1")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Case 2")

"""A person's first minutes: from an empty database to a verdict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from steelyard.providers.local import installed_models
from tests.acceptance.web.conftest import serious_findings

pytestmark = pytest.mark.browser

RUN = re.compile(r"/runs/[0-9a-f-]{36}$")
MINUTES = 60_000


@pytest.mark.timeout(600)
def test_three_clicks_lead_from_an_empty_database_to_a_verdict_of_local_models(
    web_home: Path, address: str, quiet_page: Page
) -> None:
    if "smollm2-135m" not in installed_models(web_home):
        pytest.skip("The weights of smollm2-135m are not installed.")
    clicks = 0

    def click(name: str) -> None:
        nonlocal clicks
        clicks += 1
        quiet_page.get_by_role("button", name=name).click()

    quiet_page.goto(address)
    click("Add the example skill")
    expect(quiet_page.get_by_role("checkbox", name="smollm2-135m").first).to_be_checked()
    expect(quiet_page.locator("#estimate")).to_contain_text("$0")
    # One arm, as the model takes as long again for the other; whoever does not mind has no click more.
    quiet_page.locator("input[name=arm][value=with_skill]").check()
    expect(quiet_page.locator("#estimate")).to_contain_text("28")
    click("Start the run")
    expect(quiet_page).to_have_url(RUN)
    expect(quiet_page.locator("#live")).to_contain_text("of 28 cells")
    verdict = quiet_page.get_by_role("region", name="Verdict")
    # How long the model takes beside other work is none of this test's business.
    expect(verdict).to_be_visible(timeout=5 * MINUTES)
    assert clicks <= 3
    expect(verdict).to_contain_text("smollm2-135m")
    expect(verdict).to_contain_text("deterministic checks")
    expect(quiet_page.locator("#models tbody tr")).to_have_count(2)
    expect(quiet_page.locator("#matrix tbody tr")).to_have_count(14)
    assert serious_findings(quiet_page) == []
    quiet_page.goto(address)
    expect(quiet_page.locator("#rows tr")).to_contain_text("smollm2-135m")

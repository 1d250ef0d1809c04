"""A race in a real browser: chosen in the form, watched while models are dropped, and read when it is over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.workload import model_server
from tests.acceptance.racing import write_race
from tests.acceptance.web.conftest import serious_findings, serving, sideways

pytestmark = pytest.mark.browser

CASES = 40
LONG_MS = 60_000


@pytest.fixture
def site(web_home: Path, tmp_path: Path) -> Iterator[str]:
    """A server with the skill `name-parts`, whose models answer after 0.3 s, four at a time."""
    folder = write_race(tmp_path / "name-parts", CASES)
    with model_server(0.3, "--reply", "tests.acceptance.racing:reply") as models:
        env = {"OPENAI_BASE_URL": f"{models}/v1", "OPENAI_API_KEY": "test"}
        with serving(web_home, "--concurrency", "4", env=env) as address:
            (tmp_path / "path").write_text(str(folder))
            yield address


def test_a_race_shows_who_is_left_and_who_was_dropped_and_what_it_saved(
    site: str, quiet_page: Page, tmp_path: Path
) -> None:
    page = quiet_page
    page.goto(f"{site}/skills/new?way=path")
    page.get_by_label("Path").fill((tmp_path / "path").read_text())
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(re.compile("/skills/"))
    page.goto(f"{site}/skills/name-parts/benchmark/new")
    page.get_by_label("Other models, one a line").fill("openai:good-a\nopenai:good-b\nopenai:poor")
    page.get_by_role("radio", name="With the skill half the calls").check()
    page.get_by_role("radio", name="Race for the best on cases like these").check()
    expect(page.locator("#estimate")).to_contain_text("at most 120 calls")
    expect(page.locator("#estimate")).to_contain_text("from the 10th case on")
    assert serious_findings(page) == []
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile("/runs/"))
    race = page.locator("#live .race")
    expect(race).to_contain_text("Round 1 of at most 4: cases 1 to 10 of 40.")
    expect(race).to_contain_text("poor dropped after 10 cases, behind", timeout=LONG_MS)
    expect(race).to_contain_text("good-a in the race")
    expect(page.locator(".live-title")).to_contain_text("of at most 90 cells")
    assert serious_findings(page) == []
    expect(page.locator(".verdict-claim")).to_be_visible(timeout=LONG_MS)
    expect(page.locator("#race")).to_contain_text("It saved 30 of 120 cells")
    row = page.locator("#models tr", has_text="poor")
    expect(row).to_contain_text("dropped after 10 cases")
    expect(row.locator("td[data-label=Cases]")).to_have_text("10")
    spared = page.locator('#matrix .mark[data-look="spared"]:visible')
    expect(spared).to_have_count(30 + 1)
    spared.first.click()
    expect(page.get_by_text("Not called: dropped after 10 cases.", exact=True)).to_be_visible()
    page.go_back()
    assert serious_findings(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert sideways(page) <= 0

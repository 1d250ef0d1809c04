"""Rating outputs in a browser: by keyboard, by mouse, without JavaScript, and on a phone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from steelyard.bootstrap import open_workbench
from tests.acceptance.web.conftest import serious_findings, serving, sideways
from tests.integration.web.made import MadeModel, content, made_run, made_skill
from tests.integration.web.test_rate import better, rate_all

pytestmark = pytest.mark.browser

MODELS = [MadeModel("anthropic:claude-opus-5", 88), MadeModel("openai:gpt-6-mini?temperature=1", 55)]


@dataclass(frozen=True)
class Rated:
    """A run to rate, and one that two people have rated."""

    fresh: str
    rated: str


async def fill(home: Path) -> tuple[str, str]:
    async with open_workbench(env={"STEELYARD_HOME": str(home)}) as bench:
        made: list[str] = []
        for name in ("fresh", "rated"):
            skill_id = await made_skill(bench, bench.tenant_id, content(name), golden=12)
            run_id = await made_run(bench, bench.tenant_id, skill_id, MODELS)
            made.append(f"/runs/{run_id}")
            if name == "rated":
                for rater in ("Ann", "Bob"):
                    await rate_all(bench, run_id, rater, better)
        return made[0], made[1]


@pytest.fixture(scope="module")
def site(web_home: Path) -> Iterator[Rated]:
    # The browser's own event loop runs in this thread.
    with ThreadPoolExecutor(1) as threads:
        fresh, rated = threads.submit(lambda: asyncio.run(fill(web_home))).result()
    with serving(web_home, "--no-worker") as address:
        yield Rated(address + fresh, address + rated)


def begin(page: Page, run: str, name: str) -> None:
    page.goto(f"{run}/rate")
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("status")).to_have_text("0 of 16 rated")


def test_a_whole_rating_by_keyboard_alone(site: Rated, quiet_page: Page) -> None:
    begin(quiet_page, site.fresh, "Keys")
    said = quiet_page.get_by_role("status")
    quiet_page.keyboard.press("s")
    expect(said).to_have_text("0 of 16 rated · 1 skipped")
    quiet_page.keyboard.press("u")
    expect(said).to_have_text("0 of 16 rated")
    # What is typed into a note rates nothing.
    quiet_page.get_by_text("Add a note").click()
    quiet_page.get_by_label("Note").fill("")
    quiet_page.get_by_label("Note").press_sequentially("7 of 9, sure")
    expect(said).to_have_text("0 of 16 rated")
    quiet_page.get_by_role("heading", level=1).click()
    for number in range(16):
        quiet_page.keyboard.press(str(number % 10))
        if number < 15:
            expect(said).to_have_text(f"{number + 1} of 16 rated")
    expect(quiet_page.get_by_role("heading", level=2)).to_have_text("You have been asked about 16 outputs")
    quiet_page.get_by_role("link", name="See what people say").click()
    expect(quiet_page.get_by_role("region", name="Agreement")).to_be_visible()
    with quiet_page.expect_download() as download:
        quiet_page.get_by_role("link", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    # 0 is 10, and the note went with the first.
    assert sorted(int(line.split(",Keys,")[1].split(",")[0]) for line in lines[1:]) == sorted(
        (number % 10 or 10) for number in range(16)
    )
    assert sum("7 of 9, sure" in line for line in lines) == 1


def test_a_click_on_a_number_rates_and_arrow_keys_only_move(site: Rated, quiet_page: Page) -> None:
    begin(quiet_page, site.fresh, "Mouse")
    said = quiet_page.get_by_role("status")
    quiet_page.locator(".rate-scores label", has_text="7").click()
    expect(said).to_have_text("1 of 16 rated")
    quiet_page.locator(".rate-scores input").first.focus()
    quiet_page.keyboard.press("ArrowRight")
    quiet_page.keyboard.press("ArrowRight")
    expect(quiet_page.get_by_role("radio", name="3", exact=True)).to_be_checked()
    expect(said).to_have_text("1 of 16 rated")
    quiet_page.keyboard.press("Enter")
    expect(said).to_have_text("2 of 16 rated")


def test_everything_is_rated_without_javascript(site: Rated, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    begin(page, site.fresh, "Plain")
    said = page.get_by_role("status")
    expect(page.locator(".rate-keys")).to_be_hidden()
    page.locator(".rate-scores label", has_text="10").click()
    page.get_by_role("button", name="Save and next").click()
    expect(said).to_have_text("1 of 16 rated")
    page.get_by_role("button", name="Skip").click()
    expect(said).to_have_text("1 of 16 rated · 1 skipped")
    page.get_by_role("button", name="Undo last").click()
    expect(said).to_have_text("1 of 16 rated")
    page.goto(site.rated)
    page.get_by_role("link", name="See what people say").click()
    expect(page.locator("#people")).to_contain_text("above each other model")
    context.close()


def test_a_runs_page_has_what_people_say(site: Rated, quiet_page: Page) -> None:
    quiet_page.goto(site.rated)
    expect(quiet_page.locator("#people")).to_contain_text("People rate claude-opus-5 above each other model")
    expect(quiet_page.locator("#people")).to_contain_text("People with each other")
    assert serious_findings(quiet_page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_rating_pages_are_accessible_and_fit_a_phone(site: Rated, browser: Browser, scheme: str) -> None:
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": 360, "height": 800}
    )
    page = context.new_page()
    page.goto(f"{site.fresh}/rate")
    assert serious_findings(page) == []
    begin(page, site.fresh, f"Phone {scheme}")
    for path in (f"{site.fresh}/rate", f"{site.rated}/people", f"{site.rated}/cases/1", site.rated):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert serious_findings(page) == [], path
        assert sideways(page) <= 0, path
    context.close()

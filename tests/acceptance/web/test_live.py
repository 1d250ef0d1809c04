"""A run while it is under way: live in several browsers, over lost connections and several servers, and stopped."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.site import add_skill, serving, start_run
from benchmarks.workload import write_skill
from tests.acceptance.web.conftest import FilledSite, serious_findings
from tests.acceptance.web.wire import wire

pytestmark = pytest.mark.browser

MINUTE = 60_000
# Calls in flight when a run is cancelled finish and are kept.
SETTLED = 1_500
MODELS = ("openai:model-a", "openai:model-b")


def slow_run(site: FilledSite, folder: Path, cases: int = 24) -> str:
    """The path of a run of `cases` cases on two models that takes several seconds."""
    skill = write_skill(folder / f"weigh-{uuid4().hex[:8]}", cases)
    add_skill(site.address, skill)
    return start_run(site.address, skill.name, MODELS, judge="openai:judge", fresh="1")


def done(page: Page) -> int:
    """Cells done, as the page says."""
    said = re.search(r"(\d+) of \d+ cells", page.locator("#live").inner_text())
    assert said is not None
    return int(said[1])


def expect_more_than(page: Page, cells: int) -> None:
    bar = page.locator("#live .live-bar")
    page.wait_for_function("([bar, cells]) => bar.value > cells", arg=[bar.element_handle(), cells], timeout=MINUTE)


def words_of(page: Page) -> str:
    """What the page says, without what the clock changes."""
    return page.evaluate(
        """() => {
          const main = document.querySelector("main").cloneNode(true);
          for (const time of main.querySelectorAll("time")) time.remove();
          return main.textContent.replace(/\\s+/g, " ");
        }"""
    )


def verdict_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Verdict")


def test_progress_survives_a_dropped_connection_and_ends_in_the_verdict(
    filled: FilledSite, visitor: Callable[..., Page], tmp_path: Path
) -> None:
    run = slow_run(filled, tmp_path)
    # The browser itself says on the console that it lost the connection.
    page = visitor(loud=True)
    with wire(filled.address) as between:
        page.goto(between.address + run)
        page.evaluate("window.stayed = true")
        expect_more_than(page, 0)
        between.cut()
        expect(page.get_by_text("The connection is lost")).to_be_visible(timeout=MINUTE)
        before = done(page)
        between.mend()
        expect(page.get_by_text("The connection is lost")).to_be_hidden(timeout=MINUTE)
        expect_more_than(page, before)
        expect(verdict_of(page)).to_be_visible(timeout=MINUTE)
        assert page.evaluate("window.stayed") is True


def test_two_browsers_and_two_servers_show_one_run_alike(
    filled: FilledSite, visitor: Callable[..., Page], tmp_path: Path
) -> None:
    """Behind one address two processes take turns; one of them does no work of its own."""
    run = slow_run(filled, tmp_path, 36)
    with (
        serving(filled.home, "--no-worker", env=filled.env) as second,
        wire(filled.address, second) as between,
    ):
        pages = [visitor(viewport={"width": 900, "height": 800}) for _ in range(2)]
        for page, site in zip(pages, (filled.address, second), strict=True):
            page.goto(site + run)
        both = visitor()
        both.goto(between.address + run)
        for page in (*pages, both):
            expect_more_than(page, 0)
        assert abs(done(pages[0]) - done(pages[1])) <= 8
        assert serious_findings(pages[1]) == []
        pages[1].get_by_text("Cancel the run").click()
        pages[1].get_by_role("button", name="Cancel it").click()
        for page in (*pages, both):
            expect(page.get_by_role("button", name="Resume the run")).to_be_visible(timeout=MINUTE)
        pages[0].wait_for_timeout(SETTLED)
        for page in (*pages, both):
            page.reload()
        assert len({words_of(page) for page in (*pages, both)}) == 1


def test_a_cancelled_run_is_resumed_and_pays_only_for_what_is_left(
    filled: FilledSite, visitor: Callable[..., Page], tmp_path: Path
) -> None:
    run = slow_run(filled, tmp_path)
    page = visitor()
    page.goto(filled.address + run)
    expect_more_than(page, 2)
    page.get_by_text("Cancel the run").click()
    page.get_by_role("button", name="Cancel it").click()
    expect(page.locator("main")).to_contain_text("cancelled")
    expect(page.get_by_role("button", name="Resume the run")).to_be_visible(timeout=MINUTE)
    page.wait_for_timeout(SETTLED)
    kept = page.request.get(f"{filled.address}{run}.json").json()["run"]["answered"]
    assert 2 < kept < 48
    page.reload()
    page.get_by_role("button", name="Resume the run").click()
    expect(page.locator("#live")).to_be_visible()
    assert done(page) >= 1
    expect(verdict_of(page)).to_be_visible(timeout=MINUTE)
    after = page.request.get(f"{filled.address}{run}.json").json()["run"]
    assert (after["status"], after["answered"], after["missing"]) == ("completed", 48, 0)
    cells = page.request.get(f"{filled.address}{run}/cells.csv").text()
    assert len(cells.strip().splitlines()) == 49

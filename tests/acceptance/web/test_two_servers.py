"""Two processes serve one run alike, and stopping it costs nothing twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.site import add_skill, serving, start_run
from benchmarks.workload import stats, write_skill
from tests.acceptance.web.conftest import TenantSite

pytestmark = pytest.mark.browser

LONG_MS = 60_000
# Some 16 s of calls, so that on a busy machine too the run is still on its way when it is cancelled.
CASES = 40
CELLS = 2 * CASES
CANARIES = 11
# Calls in flight when a run is cancelled finish and are kept.
SETTLED_MS = 1_500
# What a page says without what the clock changes.
WORDS = """() => {
  const main = document.querySelector("main").cloneNode(true);
  for (const time of main.querySelectorAll("time")) time.remove();
  return main.textContent.replace(/\\s+/g, " ");
}"""


def expect_more_than(page: Page, cells: int) -> None:
    page.wait_for_function(
        "cells => document.querySelector('#live .live-bar')?.value > cells", arg=cells, timeout=LONG_MS
    )


def test_two_servers_show_one_run_alike_and_resuming_calls_only_what_is_left(
    tenant_site: TenantSite, browser: Browser, tmp_path: Path
) -> None:
    skill = write_skill(tmp_path / "weigh-twice", CASES)
    add_skill(tenant_site.address, skill)
    models = ("openai:model-a", "openai:model-b")
    before = stats(tenant_site.models)["served"]
    with serving(tenant_site.home, "--no-worker", env=tenant_site.env) as second:
        contexts = [browser.new_context() for _ in range(2)]
        one, other = (context.new_page() for context in contexts)
        run = start_run(tenant_site.address, skill.name, models, judge="openai:judge", fresh="1")
        one.goto(tenant_site.address + run)
        other.goto(second + run)
        for page in (one, other):
            expect_more_than(page, 4)
        other.get_by_text("Cancel the run").click()
        other.get_by_role("button", name="Cancel it").click()
        for page in (one, other):
            expect(page.get_by_role("button", name="Resume the run")).to_be_visible(timeout=LONG_MS)
        one.wait_for_timeout(SETTLED_MS)
        for page in (one, other):
            # With what people say, which the page fetches by itself.
            page.reload(wait_until="networkidle")
        assert one.evaluate(WORDS) == other.evaluate(WORDS)
        stopped = one.request.get(f"{second}{run}.json").json()["run"]
        assert 4 < stopped["answered"] < CELLS
        other.get_by_role("button", name="Resume the run").click()
        said = other.locator("#live .live-title").inner_text()
        found = re.search(rf"(\d+) of {CELLS}", said)
        assert found is not None, said
        assert int(found[1]) > 4
        expect(other.get_by_role("region", name="Verdict")).to_be_visible(timeout=LONG_MS)
        ended = one.request.get(f"{tenant_site.address}{run}.json").json()["run"]
        for context in contexts:
            context.close()
    assert (ended["status"], ended["answered"], ended["missing"]) == ("completed", CELLS, 0)
    # One call for each answer and one for each judgement, over both halves, and one examination of the judge.
    assert stats(tenant_site.models)["served"] - before == 2 * CELLS + CANARIES

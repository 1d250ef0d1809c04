"""The Benchmark tab and the comparison of runs in a browser: without a reload, without a shift, without JavaScript."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from steelyard.bootstrap import open_workbench
from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.usage import Measurement
from tests.acceptance.web.conftest import serious_findings, serving, sideways
from tests.integration.web.made import NOW, MadeModel, content, made_run, made_skill

pytestmark = pytest.mark.browser

TAB = "/skills/weigh/benchmark"
PAGES = (TAB, "/skills/bare/benchmark", "/skills/weigh/runs", "/skills/weigh/compare", f"{TAB}/again")
MODELS = [
    MadeModel("anthropic:claude-opus-5", 92, 11_800_000, 13_500),
    MadeModel("openai:gpt-6-mini?reasoning_effort=low&temperature=0.3", 80, 1_250_000, 4_100),
    MadeModel("local:smollm2-135m", 40, 0, 900, failures=2),
]
CROWD = [MadeModel(f"openai:gpt-6-of-size-{size}", 50 + 4 * size, 1_000_000, 900) for size in range(11)]
# As long as a name may be, and nowhere to break it.
LONG_NAME = "w" * 64
HEIGHT = "document.documentElement.scrollHeight"


async def fill(home: Path) -> None:
    async with open_workbench(env={"STEELYARD_HOME": str(home)}) as bench:
        tenant = bench.tenant_id
        skill_id = await made_skill(bench, tenant, golden=24)
        for back, seed in ((120, 1), (100, 2)):
            models = [MadeModel(m.text, m.quality - back / 20, m.cost, m.latency_ms, m.failures) for m in MODELS]
            at = NOW - timedelta(days=back)
            await made_run(bench, tenant, skill_id, models, arms=tuple(Arm), at=at, seed=seed)
        await made_skill(bench, tenant, content("bare"), golden=0)
        crowded = await made_skill(bench, tenant, content("crowded"), golden=24)
        await made_run(bench, tenant, crowded, CROWD, arms=tuple(Arm))
        long_named = await made_skill(bench, tenant, content(LONG_NAME), golden=2)
        await made_run(bench, tenant, long_named, MODELS[:2])
        batch = [
            Measurement(
                skill_id=skill_id,
                measured_at=NOW - timedelta(days=day),
                model=ModelRef("openai", "gpt-6-mini"),
                usage=Usage(1000 + day, 200),
                cost_microcents=2_000_000 + 10_000 * day,
                price_version="made",
            )
            for day in range(80)
        ]
        await bench.usage.record(tenant, batch)


@pytest.fixture(scope="module")
def filled(web_home: Path) -> Iterator[str]:
    # The browser's own event loop runs in this thread.
    with ThreadPoolExecutor(1) as threads:
        threads.submit(lambda: asyncio.run(fill(web_home))).result()
    with serving(web_home, "--no-worker") as address:
        yield address


@pytest.mark.parametrize("width", [360, 1440])
def test_charts_arrive_without_moving_anything(filled: str, quiet_page: Page, width: int) -> None:
    quiet_page.set_viewport_size({"width": width, "height": 800})
    held: list[Route] = []
    for late in ("**/charts/*.html*", "**/benchmark/again"):
        quiet_page.route(late, lambda route: held.append(route))
    # The last part of the page, which has nothing below it to move.
    quiet_page.route("**/benchmark/production", lambda route: route.fulfill(status=204))
    quiet_page.goto(filled + TAB)
    quiet_page.wait_for_function("document.querySelectorAll('.chart-place').length === 2")
    before = quiet_page.evaluate(HEIGHT)
    while len(held) < 3:
        quiet_page.wait_for_timeout(50)
    for route in held:
        route.continue_()
    for name in ("cost-trend", "quality-cost"):
        expect(quiet_page.locator(f'[data-chart="{name}"] svg:visible')).to_be_visible()
    assert quiet_page.evaluate(HEIGHT) == before


def test_a_mark_says_its_figures_to_the_keyboard(filled: str, quiet_page: Page) -> None:
    quiet_page.goto(filled + TAB)
    chart = quiet_page.locator('[data-chart="quality-cost"] .chart-svg-wide')
    chart.locator(".chart-hit").first.focus()
    expect(quiet_page.locator(".chart-tip")).to_contain_text("of 100")


def test_sorting_and_spans_change_their_part_alone_and_back_undoes_it(filled: str, quiet_page: Page) -> None:
    quiet_page.goto(filled + TAB)
    quiet_page.evaluate("window.same = true")
    quiet_page.get_by_role("link", name="Average cost").click()
    first = quiet_page.locator("#models tbody tr").first
    expect(first).to_contain_text("smollm2-135m")
    assert quiet_page.url.endswith("?sort=cost&dir=asc")
    quiet_page.get_by_role("link", name="30 days").click()
    expect(quiet_page.get_by_role("navigation", name="Span")).to_contain_text("30 days")
    expect(quiet_page.locator("#cost-trend a[aria-current]")).to_have_text("30 days")
    expect(quiet_page.locator('[data-chart="cost-trend"] svg').first).to_be_visible()
    assert "days=30" in quiet_page.url
    quiet_page.go_back()
    quiet_page.go_back()
    expect(first).to_contain_text("claude-opus-5")
    assert quiet_page.evaluate("window.same") is True


def test_tabs_change_without_a_reload(filled: str, quiet_page: Page) -> None:
    quiet_page.goto(filled + "/skills/weigh/suggestions")
    quiet_page.evaluate("window.same = true")
    quiet_page.locator("#tab-benchmark").click()
    expect(quiet_page.locator(".verdict-claim")).to_contain_text("claude-opus-5 is best")
    expect(quiet_page.locator('[data-chart="cost-trend"] svg').first).to_be_visible()
    expect(quiet_page).to_have_title(re.compile("Benchmark"))
    assert quiet_page.url == filled + TAB
    assert quiet_page.evaluate("window.same") is True


def test_what_leads_to_repeating_pays_nothing_before_and_after_its_price_has_come(filled: str, page: Page) -> None:
    held: list[Route] = []
    page.route("**/benchmark/again", lambda route: held.append(route))
    page.goto(filled + TAB)
    link = page.get_by_role("link", name="Re-benchmark")
    expect(link).to_have_text("Re-benchmark…")
    before = link.bounding_box()
    link.evaluate("place => place.before = true")
    while not held:
        page.wait_for_timeout(20)
    held[0].fulfill(body=" (at least $0.0123)…", content_type="text/html")
    expect(link).to_have_text("Re-benchmark (at least $0.0123)…")
    assert link.bounding_box() == before
    assert link.evaluate("place => place.before && !document.querySelector('form[action$=again]')")
    page.unroute("**/benchmark/again")
    link.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Re-benchmark weigh")
    assert page.url == f"{filled}{TAB}/again"


def test_choosing_another_run_compares_at_once(filled: str, quiet_page: Page) -> None:
    quiet_page.goto(filled + "/skills/weigh/compare")
    headline = quiet_page.locator(".verdict-claim")
    before = headline.inner_text()
    quiet_page.get_by_role("link", name="Swap the two runs").click()
    expect(headline).not_to_have_text(before)


@pytest.mark.parametrize("width", [360, 1440])
def test_what_stands_behind_the_verdict_is_the_same_on_the_tab_the_run_and_in_json(
    filled: str, quiet_page: Page, width: int
) -> None:
    quiet_page.set_viewport_size({"width": width, "height": 800})
    quiet_page.emulate_media(color_scheme="dark")
    quiet_page.goto(filled + TAB)
    expect(quiet_page.get_by_text("The judge is of a candidate's own family.")).to_be_visible()
    behind = quiet_page.locator("#behind tbody tr")
    expect(behind).to_have_count(len(MODELS))
    expect(behind.first).to_contain_text("claude-opus-5")
    expect(quiet_page.locator("#skill-effect")).to_contain_text("This skill helps it")
    assert sideways(quiet_page) == 0
    rows = behind.all_inner_texts()
    quiet_page.locator(".verdict a").click()
    expect(quiet_page.locator("h1")).to_contain_text("Run")
    assert behind.all_inner_texts() == rows
    detail = quiet_page.request.get(f"{quiet_page.url}.json").json()["detail"]
    assert f"{detail['gaps'][0]['lead']:.1f}" in rows[1]
    assert detail["judge_family"]["models"] == ["anthropic:claude-opus-5"]
    assert sideways(quiet_page) == 0
    assert serious_findings(quiet_page) == []


def test_everything_is_there_without_javascript(filled: str, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(filled + TAB)
    for name in ("cost-trend", "quality-cost"):
        image = page.locator(f'img[src*="{name}"]')
        expect(image).to_be_visible()
        box = image.bounding_box()
        assert box is not None
        assert box["height"] > 100
    page.get_by_role("link", name="Average cost").click()
    expect(page.locator("#models tbody tr").first).to_contain_text("smollm2-135m")
    page.locator("summary", has_text="Figures as a table").first.click()
    expect(page.locator(".chart-data table").first).to_be_visible()
    page.goto(filled + TAB)
    page.get_by_role("link", name="Re-benchmark…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Re-benchmark")
    page.goto(filled + "/skills/weigh/compare")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".verdict-claim")).to_be_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_have_no_serious_accessibility_findings(filled: str, browser: Browser, path: str, scheme: str) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.goto(filled + path)
    page.wait_for_load_state("networkidle")
    assert serious_findings(page) == []
    context.close()


@pytest.mark.parametrize("width", [360, 768, 3840])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_its_window(filled: str, page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(filled + path)
    page.wait_for_load_state("networkidle")
    assert sideways(page) <= 0


def crowded_run(site: str, page: Page) -> None:
    """Go to the run of eleven models in two arms."""
    page.goto(f"{site}/skills/crowded/runs")
    page.locator("a[href^='/runs/']").first.click()
    page.wait_for_url(re.compile("/runs/"))


def test_on_paper_a_wide_matrix_shows_every_cell_within_the_sheet(filled: str, quiet_page: Page) -> None:
    crowded_run(filled, quiet_page)
    quiet_page.set_viewport_size({"width": 718, "height": 1000})
    quiet_page.emulate_media(media="print", color_scheme="light")
    assert sideways(quiet_page) <= 0
    heads = quiet_page.locator("#matrix .matrix-model:visible").all_inner_texts()
    assert sorted(heads) == sorted(model.text.partition(":")[2] for model in CROWD)
    cells = quiet_page.locator("#matrix td .mark:visible").evaluate_all(
        "marks => marks.map(mark => [mark.getBoundingClientRect().right, mark.scrollWidth - mark.clientWidth])"
    )
    assert len(cells) == 24 * 22
    assert max(right for right, _ in cells) <= 718
    assert max(over for _, over in cells) <= 0
    expect(quiet_page.locator("#matrix .on-paper")).to_contain_text("cells.csv")


def test_a_wide_matrix_takes_the_width_of_a_wide_screen(filled: str, quiet_page: Page) -> None:
    crowded_run(filled, quiet_page)
    box = quiet_page.locator(".matrix-scroll")
    for width, scrolls in ((1280, True), (3840, False)):
        quiet_page.set_viewport_size({"width": width, "height": 1200})
        assert (box.evaluate("box => box.scrollWidth - box.clientWidth") > 0) is scrolls
        assert sideways(quiet_page) <= 0


def test_a_name_of_64_letters_makes_no_page_wider_than_a_phone(filled: str, quiet_page: Page) -> None:
    skill = f"{filled}/skills/{LONG_NAME}"
    quiet_page.set_viewport_size({"width": 360, "height": 900})
    for path in ("benchmark", "details", "review", "suggestions", "runs", "compare", "feedback", "benchmark/new"):
        quiet_page.goto(f"{skill}/{path}")
        assert sideways(quiet_page) <= 0, path
    quiet_page.goto(f"{skill}/runs")
    quiet_page.goto(filled + str(quiet_page.locator("a[href^='/runs/']").first.get_attribute("href")))
    assert sideways(quiet_page) <= 0

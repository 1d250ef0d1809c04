"""A run in real browsers: started from the form, watched over bad lines and two servers, cancelled, resumed, read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from benchmarks.workload import model_server, write_skill
from tests.acceptance.web.conftest import serious_findings, serving, sideways
from tests.acceptance.web.relay import Relay
from tests.acceptance.web.replies import HOSTILE

pytestmark = pytest.mark.browser

CASES = 16
CANARIES = 11
LONG_MS = 60_000
LOSS = re.compile(r"net::ERR|htmx:sse:error|network error")


@pytest.fixture(scope="module")
def relay(web_home: Path) -> Iterator[Relay]:
    """Two servers of one home behind one address; only the first makes calls, eight at a time of 0.3 s each."""
    with model_server(0.3, "--reply", "tests.acceptance.web.replies:reply") as models:
        env = {"OPENAI_BASE_URL": f"{models}/v1", "OPENAI_API_KEY": "test"}
        with (
            serving(web_home, "--concurrency", "8", env=env) as first,
            serving(web_home, "--no-worker", env=env) as second,
            Relay([first, second]) as relay,
        ):
            yield relay


@pytest.fixture(scope="module")
def site(relay: Relay, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address, with the skill `item-weights` added."""
    folder = write_skill(tmp_path_factory.mktemp("skills") / "item-weights", CASES)
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{relay.address}/skills/new?way=path")
    page.get_by_label("Path").fill(str(folder))
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(re.compile("/skills/"))
    context.close()
    return relay.address


def start(page: Page, site: str, *models: str) -> str:
    """Start a run with fresh answers from the form; gives its address."""
    page.goto(f"{site}/skills/item-weights/benchmark/new")
    choose_none(page)
    page.get_by_label("Other models, one a line").fill("\n".join(f"openai:{model}" for model in models))
    page.get_by_role("radio", name="Another model").check()
    page.get_by_label("The judge's model").fill("openai:judge-one")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Call again even what was paid before").check()
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile("/runs/"))
    return page.url


def choose_none(page: Page) -> None:
    """Untick the models of the last run."""
    ticked = page.locator("input[name=models]:checked")
    while ticked.count():
        ticked.first.uncheck()


def done(page: Page) -> int:
    """Cells done, as the live page says."""
    found = re.search(r"([\d,]+) of", page.locator(".live-title").inner_text())
    assert found is not None
    return int(found[1].replace(",", ""))


def expect_more_than(page: Page, cells: int) -> None:
    page.wait_for_function(
        """cells => {
          const title = document.querySelector(".live-title");
          return !title || Number(title.textContent.match(/([\\d,]+) of/)[1].replace(",", "")) > cells;
        }""",
        arg=cells,
        timeout=LONG_MS,
    )


def expect_verdict(page: Page) -> None:
    expect(page.locator(".verdict-claim")).to_be_visible(timeout=LONG_MS)


@pytest.fixture
def ended(site: str, browser: Browser, request: pytest.FixtureRequest) -> str:
    """The address of a run that has ended, one for the module."""
    kept = getattr(request.module, "_ended", None)
    if kept is None:
        context = browser.new_context()
        page = context.new_page()
        kept = start(page, site, "swift", "hostile")
        expect_verdict(page)
        context.close()
        request.module._ended = kept
    return kept


def test_a_run_is_started_watched_and_its_verdict_comes_by_itself(site: str, quiet_page: Page) -> None:
    page = quiet_page
    start(page, site, "swift", "keen")
    page.evaluate("window.unreloaded = true")
    expect_more_than(page, 0)
    assert serious_findings(page) == []
    first = done(page)
    expect_more_than(page, first)
    expect(page.locator(".lane")).to_have_count(2)
    # The matrix is as it was when the page was loaded, with nothing in it yet, until it is asked for again.
    graded = page.locator("#matrix td .mark[data-band]")
    before = graded.count()
    page.get_by_role("link", name="show it as it is now").click()
    expect(graded).not_to_have_count(before)
    expect_verdict(page)
    expect(page.locator("#live")).to_have_count(0)
    assert page.evaluate("window.unreloaded")
    assert serious_findings(page) == []


def test_the_page_survives_cut_lines_and_says_when_it_hears_nothing(site: str, relay: Relay, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    start(page, site, "swift", "keen")
    expect_more_than(page, 0)
    for _ in range(2):
        before = done(page)
        relay.cut()
        expect_more_than(page, before)
    relay.cut(down=True)
    lost = page.get_by_text("The connection is lost; trying again.")
    expect(lost).to_be_visible(timeout=LONG_MS)
    relay.restore()
    expect(lost).to_be_hidden(timeout=LONG_MS)
    expect_verdict(page)
    assert [text for text in said if not LOSS.search(text)] == []


def test_two_browsers_see_one_run_cancelled_and_one_resumes_it(site: str, page: Page, browser: Browser) -> None:
    run = start(page, site, "swift", "keen", "calm")
    context = browser.new_context()
    other = context.new_page()
    other.goto(run)
    expect_more_than(page, 0)
    expect_more_than(other, 0)
    heading = page.get_by_role("heading", level=1)
    live = page.locator("#live")
    before = heading.bounding_box(), (live.bounding_box() or {}).get("y")
    page.get_by_text("Cancel the run").click()
    cancel = page.get_by_role("button", name="Cancel it")
    expect(cancel).to_be_in_viewport(ratio=1)
    assert (heading.bounding_box(), (live.bounding_box() or {}).get("y")) == before
    cancel.click()
    for one in (page, other):
        expect(one.get_by_text("Partial: cancelled.")).to_be_visible(timeout=LONG_MS)
    other.get_by_role("button", name="Resume the run").click()
    other.wait_for_selector("#live")
    expect_verdict(other)
    expect(other.get_by_text("Partial: cancelled.")).to_have_count(0)
    page.reload()
    assert page.locator(".verdict-claim").inner_text() == other.locator(".verdict-claim").inner_text()
    context.close()


def test_a_closed_page_misses_nothing(site: str, page: Page, browser: Browser) -> None:
    run = start(page, site, "swift")
    page.goto("about:blank")
    page.wait_for_timeout(1_000)
    page.goto(run)
    expect_verdict(page)


def test_without_scripts_the_form_starts_a_run_whose_page_reloads_itself(site: str, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/skills/item-weights/benchmark/new")
    page.get_by_label("Other models, one a line").fill("openai:plain")
    page.get_by_role("radio", name="Another model").check()
    page.locator("input[name=judge_model]").fill("openai:judge-one")
    page.get_by_role("button", name="Estimate").click()
    expect(page.get_by_text("Smallest lead it can show")).to_be_visible()
    expect(page.get_by_label("Other models, one a line")).to_have_value("openai:plain")
    page.get_by_role("button", name="Start the run").click()
    expect(page.locator(".live-title")).to_be_visible()
    expect_verdict(page)
    context.close()


def test_the_estimate_follows_the_choices(site: str, quiet_page: Page) -> None:
    page = quiet_page
    page.goto(f"{site}/skills/item-weights/benchmark/new")
    choose_none(page)
    page.get_by_label("Other models, one a line").fill("openai:new-one")
    page.get_by_role("radio", name="Another model").check()
    # A judge that no other test has had examined.
    page.get_by_label("The judge's model").fill("openai:judge-to-be-examined")
    head = page.locator(".estimate-head")
    expect(head).to_contain_text(f"{4 * CASES + CANARIES} calls", timeout=LONG_MS)
    page.locator("input[name=arm][value=with_skill]").check()
    expect(head).to_contain_text(f"{2 * CASES + CANARIES} calls", timeout=LONG_MS)
    page.get_by_label("Trials").fill("3")
    expect(head).to_contain_text(f"{6 * CASES + CANARIES} calls", timeout=LONG_MS)
    page.get_by_label("Trials").fill("some")
    expect(page.locator("#estimate")).to_contain_text("is no number", timeout=LONG_MS)
    assert serious_findings(page) == []


@pytest.mark.parametrize("show", ["evidence", "differences", "rendered", "raw"])
def test_a_megabyte_of_attack_is_only_text(ended: str, quiet_page: Page, show: str) -> None:
    page = quiet_page
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{ended}/cases/1?show={show}&models=1")
    expect(page.locator(".text-box").last).to_contain_text("window.pwned = 1")
    assert page.evaluate("window.pwned") is None
    assert page.locator("main img, main style, .text-box a[data-keys]").count() == 0
    assert "\u202e" not in page.locator("main").inner_text()
    assert sideways(page) <= 0
    assert serious_findings(page) == []


def test_the_whole_output_is_a_plain_download(ended: str, page: Page) -> None:
    page.goto(f"{ended}/cases/1?models=1")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").last.click()
    assert download.value.suggested_filename.endswith(".txt")
    # PostgreSQL holds no NUL: a replacement character stands in its place.
    assert download.value.path().read_text(encoding="utf-8") == HOSTILE.replace("\x00", "\ufffd")


def test_keys_lead_from_case_to_case_but_not_out_of_a_text_that_scrolls(ended: str, quiet_page: Page) -> None:
    page = quiet_page
    page.goto(f"{ended}/cases/1")
    page.keyboard.press("j")
    page.wait_for_url(f"{ended}/cases/2")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"{ended}/cases/3")
    page.locator(".text-box").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+j")
    page.wait_for_timeout(300)
    assert page.url == f"{ended}/cases/3"
    page.keyboard.press("k")
    page.wait_for_url(f"{ended}/cases/2")


def test_the_matrix_is_filtered_in_place_and_its_cells_are_reached_by_keyboard(ended: str, quiet_page: Page) -> None:
    page = quiet_page
    page.goto(ended)
    which = page.get_by_role("navigation", name="Which cases")
    which.get_by_role("link", name="Failures").click()
    page.wait_for_url(re.compile("only=failures"))
    which.get_by_role("link", name="All cases").click()
    expect(page.locator(".matrix tbody tr")).to_have_count(CASES)
    page.locator(".matrix tbody tr").first.locator("th a").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/cases/1\?models="))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_every_page_of_a_run_is_fit_for_all(ended: str, site: str, browser: Browser, scheme: str, width: int) -> None:
    context: BrowserContext = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    for url in (ended, f"{ended}/cases/4", f"{site}/skills/item-weights/benchmark/new"):
        page.goto(url)
        assert serious_findings(page) == [], url
        assert sideways(page) <= 0, url
    context.close()

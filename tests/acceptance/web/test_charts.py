"""Charts and hostile text in a real browser, under the site's own stylesheet, script and content policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from steelyard.charts import Chart, warm
from steelyard.web.security.headers import POLICY
from steelyard.web.static import DIST, StaticAssets
from steelyard.web.text.differences import differences
from steelyard.web.text.highlight import highlight
from steelyard.web.text.markdown import markdown
from steelyard.web.text.plain import plain
from tests.acceptance.web.conftest import serious_findings, sideways
from tests.unit.charts.made import drawn
from tests.unit.web.text.hostile import PIECES

pytestmark = pytest.mark.browser

SITE = "http://steelyard.test"
NAMES = (
    "trend with runs and unknown costs",
    "log scatter with lanes",
    "intervals",
    "history",
    "feedback",
    "linear scatter",
)
Show = Callable[..., Page]

# Texts of one place, as boxes on the screen; a halo lies under the text of the same words.
TEXT_BOXES = """svg => {
  const seen = new Map();
  for (const text of svg.querySelectorAll("text")) {
    const box = text.getBoundingClientRect();
    seen.set(`${text.textContent} ${Math.round(box.x)} ${Math.round(box.y)}`,
      {words: text.textContent, left: box.left, right: box.right, top: box.top + 3, bottom: box.bottom - 3});
  }
  return [...seen.values()];
}"""


@pytest.fixture(scope="module")
def charts() -> dict[str, Chart]:
    warm()
    return drawn()


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    """Shows markup as the site would, and afterwards holds the console to have stayed empty."""
    assets = StaticAssets()
    contexts = []
    said: list[str] = []

    def answer(body: str) -> Callable[[Route], None]:
        def fulfil(route: Route) -> None:
            name = route.request.url.removeprefix(SITE)
            if name.startswith("/static/"):
                route.fulfill(path=DIST / name.removeprefix("/static/"))
            else:
                route.fulfill(body=body, content_type="text/html", headers={"content-security-policy": POLICY})

        return fulfil

    def open_page(main: str, *, width: int = 1280, scheme: str = "light", script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        head = (
            f'<meta charset="utf-8"><title>Charts</title><link rel="icon" href="{assets.url("icon.svg")}">'
            f'<link rel="stylesheet" href="{assets.url("app.css")}">'
            f'<script src="{assets.url("app.js")}" defer></script>'
        )
        body = (
            f'<!doctype html><html lang="en"><head>{head}</head><body><main><h1>Charts</h1>{main}</main></body></html>'
        )
        page.route("**/*", answer(body))
        page.goto(SITE)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def cards(charts: dict[str, Chart]) -> str:
    return "".join(f'<section class="card">{charts[name].figure()}</section>' for name in NAMES)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_charts_keep_to_the_policy_fit_their_place_and_have_no_serious_findings(
    charts: dict[str, Chart], show: Show, width: int, scheme: str
) -> None:
    page = show(cards(charts), width=width, scheme=scheme)
    assert page.locator("svg:visible").count() == len(NAMES)
    assert page.locator(".chart-svg-narrow:visible" if width == 360 else ".chart-svg-wide:visible").count() == len(
        NAMES
    )
    assert sideways(page) <= 0
    assert serious_findings(page) == []


@pytest.mark.parametrize("width", [360, 1280])
def test_text_is_legible_and_lies_over_no_other_text(charts: dict[str, Chart], show: Show, width: int) -> None:
    page = show(cards(charts), width=width)
    for svg in page.locator("svg:visible").all():
        scale = svg.evaluate("svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width")
        assert 12 * scale >= 10.5
        boxes = svg.evaluate(TEXT_BOXES)
        for index, one in enumerate(boxes):
            for other in boxes[index + 1 :]:
                across = min(one["right"], other["right"]) - max(one["left"], other["left"])
                down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
                assert across <= 1 or down <= 1, (one["words"], other["words"])


def test_a_change_of_theme_recolours_the_same_picture(charts: dict[str, Chart], show: Show) -> None:
    page = show(charts["log scatter"].figure())
    colours = {}
    for scheme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.className = theme }", scheme)
        colours[scheme] = page.locator(".chart-svg-wide").evaluate(
            """svg => Object.fromEntries(["text", "muted", "accent", "surface"].map(
                ink => [ink, getComputedStyle(svg.querySelector(`.chart-fill-${ink}`)).fill]))"""
        )
    for ink, light in colours["light"].items():
        assert light not in {"none", "rgb(0, 0, 0)"}
        assert colours["dark"][ink] != light


def test_pointing_at_a_mark_and_moving_by_keys_show_what_it_says(charts: dict[str, Chart], show: Show) -> None:
    page = show(charts["log scatter"].figure())
    marks = page.locator(".chart-svg-wide .chart-hit")
    tip = page.locator(".chart-tip")
    marks.first.hover()
    expect(tip).to_contain_text("claude-opus-5: quality 91.0 of 100 (88.0 to 94.0), $0.118 a case, 24 cases; best.")
    page.mouse.move(2, 2)
    expect(tip).to_be_hidden()
    page.keyboard.press("Tab")
    expect(marks.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(marks.nth(1)).to_be_focused()
    expect(tip).to_contain_text("gpt-6: quality 90.0")
    page.keyboard.press("End")
    expect(marks.last).to_be_focused()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("Shift+Tab")
    expect(marks.last).to_be_focused()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_tip_stays_within_the_window(charts: dict[str, Chart], show: Show, width: int) -> None:
    page = show(charts["trend with runs and unknown costs"].figure(), width=width)
    marks = page.locator(".chart-hit:visible")
    for index in (0, marks.count() - 1):
        marks.nth(index).focus()
        box = page.locator(".chart-tip").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        page.evaluate("document.activeElement.blur()")


def test_without_script_each_mark_has_a_title_the_browser_shows(charts: dict[str, Chart], show: Show) -> None:
    page = show(charts["feedback"].figure(), script=False)
    assert page.locator(".chart-svg-wide .chart-hit > title").count() == 14


@pytest.mark.parametrize("width", [360, 700, 1280])
@pytest.mark.parametrize("name", ["trend of 30 days", "log scatter", "intervals"])
def test_a_chart_that_arrives_late_moves_nothing(charts: dict[str, Chart], show: Show, name: str, width: int) -> None:
    chart = charts[name]
    sizes = {frame.name: " ".join(map(str, chart.size(frame))) for frame in chart.frames}
    blank = "".join(
        f'<svg class="chart-svg chart-svg-{name}" viewBox="0 0 {size}"></svg>' for name, size in sizes.items()
    )
    page = show(f'<div id="place" class="chart-place">{blank}</div><p id="after">After</p>', width=width)
    before = page.locator("#after").bounding_box()
    page.locator("#place").evaluate("(place, markup) => { place.innerHTML = markup }", charts[name].figure())
    after = page.locator("#after").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 1


def test_hostile_text_does_nothing_but_stand_there(show: Show) -> None:
    text = "".join(f"{piece}\n" for piece in PIECES) + "<script>alert(1)</script>" * 40_000
    blocks = [
        plain(text).html,
        markdown(text[:30_000]).html,
        highlight(text, ["<script>alert(1)</script>", "nowhere"]).html,
        differences(text, text.replace("evil", "good")).html,
    ]
    page = show(
        "".join(f'<section class="card"><div class="prose">{block}</div></section>' for block in blocks), width=360
    )
    assert sideways(page) <= 0
    assert page.locator("main script, main img, main svg, main iframe, main style").count() == 0
    assert page.evaluate("performance.getEntriesByType('resource').every(e => e.name.startsWith(location.origin))")
    assert serious_findings(page) == []

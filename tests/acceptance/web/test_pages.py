"""Every page of a filled site: accessible, dark and light, no wider than a phone, and silent."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.web.conftest import TenantSite, serious_findings, sideways

pytestmark = pytest.mark.browser

# Drawn and read again, since browsers write colours in many ways; the body's is the window's where it has none.
BACKGROUND = """() => {
  const canvas = document.createElement("canvas").getContext("2d");
  for (const place of [document.documentElement, document.body]) {
    canvas.fillStyle = getComputedStyle(place).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
  }
  return [...canvas.getImageData(0, 0, 1, 1).data];
}"""
# Colours change by transitions, which are looked at when they are over.
SETTLED = """() => Promise.all(
  document.getAnimations().filter(one => one instanceof CSSTransition).map(one => one.finished.catch(() => {})))"""


def lightness(page: Page) -> float:
    """Of the page's background as it is drawn, 0-255."""
    *colour, opacity = page.evaluate(BACKGROUND)
    assert opacity == 255
    return sum(colour) / 3


@pytest.mark.parametrize("first", [0, 1])
def test_every_page_is_accessible_and_fits_a_phone(tenant_site: TenantSite, browser: Browser, first: int) -> None:
    context = browser.new_context(color_scheme="light")
    shown = context.new_page()
    wrong: list[str] = []
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    # What the browser says of a status is looked at below.
    shown.on("console", lambda said: wrong.append(said.text) if "status of 404" not in said.text else None)
    # Every other page: all of them take minutes where a machine has much to do.
    for name, path in list(tenant_site.pages.items())[first::2]:
        shown.emulate_media(color_scheme="light")
        shown.set_viewport_size({"width": 1280, "height": 900})
        answer = shown.goto(tenant_site.address + path)
        assert answer is not None
        if (answer.status == 404) != (name == "not-found"):
            wrong.append(f"{name}: status {answer.status}")
        if shown.locator("[hx-trigger*=load]").count():
            shown.wait_for_load_state("networkidle")
        # What axe looks at is made of the same colours and names at any width, so each theme takes one.
        for scheme, width in (("light", 1280), ("dark", 360)):
            shown.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            shown.set_viewport_size({"width": width, "height": 900})
            shown.evaluate(SETTLED)
            wrong += [f"{name}, {scheme}: {found}" for found in serious_findings(shown)]
            if (lightness(shown) < 64) != (scheme == "dark"):
                wrong.append(f"{name} is not {scheme}")
        if sideways(shown) > 0:
            wrong.append(f"{name} is {sideways(shown)} px too wide")
    context.close()
    assert wrong == []


def test_tabs_of_a_skill_change_without_a_reload_and_back_returns(tenant_site: TenantSite, quiet_page: Page) -> None:
    quiet_page.goto(tenant_site.address + tenant_site.pages["benchmark"])
    quiet_page.evaluate("window.stayed = true")
    tabs = quiet_page.get_by_role("navigation", name="Skill")
    tabs.get_by_role("link", name="Suggestions").click()
    expect(quiet_page).to_have_url(tenant_site.address + tenant_site.pages["suggestions"])
    tabs.get_by_role("link", name="AI review").click()
    expect(quiet_page).to_have_url(tenant_site.address + tenant_site.pages["review"])
    quiet_page.go_back()
    quiet_page.go_back()
    expect(quiet_page.get_by_role("region", name="Verdict")).to_be_visible()
    assert quiet_page.evaluate("window.stayed") is True


def test_on_paper_tables_stay_tables_and_controls_are_left_away(tenant_site: TenantSite, quiet_page: Page) -> None:
    quiet_page.set_viewport_size({"width": 718, "height": 1000})
    for name in ("benchmark", "history", "compare", "models"):
        quiet_page.goto(tenant_site.address + tenant_site.pages[name])
        quiet_page.wait_for_load_state("networkidle")
        quiet_page.emulate_media(media="print", color_scheme="light")
        assert sideways(quiet_page) <= 0, name
        heads = quiet_page.locator("table.table:visible thead")
        assert heads.first.evaluate("head => head.clientHeight") > 10, name
        expect(quiet_page.get_by_role("navigation", name="Site")).to_be_hidden()
        quiet_page.emulate_media(media="screen")

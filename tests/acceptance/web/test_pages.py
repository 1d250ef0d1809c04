"""Every page of a filled site: accessible, dark and light, no wider than a phone, and silent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.web.conftest import FilledSite, serious_findings, sideways

pytestmark = pytest.mark.browser

BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def lightness(page: Page) -> float:
    """Of the page's background as it is drawn, 0-255."""
    return page.evaluate(
        f"""() => {{
          const canvas = document.createElement("canvas").getContext("2d");
          canvas.fillStyle = {BACKGROUND};
          canvas.fillRect(0, 0, 1, 1);
          return canvas.getImageData(0, 0, 1, 1).data.slice(0, 3).reduce((sum, part) => sum + part) / 3;
        }}"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits_a_phone(
    filled: FilledSite, visitor: Callable[..., Page], scheme: str
) -> None:
    # A browser says by itself that a page answered 404.
    page, lost = visitor(color_scheme=scheme), visitor(loud=True, color_scheme=scheme)
    wrong: list[str] = []
    for name, path in filled.pages.items():
        shown = lost if name == "not-found" else page
        for width in (1280, 360):
            shown.set_viewport_size({"width": width, "height": 900})
            answer = shown.goto(filled.address + path)
            assert answer is not None
            if (answer.status == 404) != (name == "not-found"):
                wrong.append(f"{name}: status {answer.status}")
            shown.wait_for_load_state("networkidle")
            wrong += [f"{name} at {width} px: {found}" for found in serious_findings(shown)]
            if sideways(shown) > 0:
                wrong.append(f"{name} at {width} px is {sideways(shown)} px too wide")
        if (lightness(shown) < 64) != (scheme == "dark"):
            wrong.append(f"{name} is not {scheme}")
    assert wrong == []


def test_tabs_of_a_skill_change_without_a_reload_and_back_returns(filled: FilledSite, quiet_page: Page) -> None:
    quiet_page.goto(filled.address + filled.pages["benchmark"])
    quiet_page.evaluate("window.stayed = true")
    tabs = quiet_page.get_by_role("navigation", name="Skill")
    tabs.get_by_role("link", name="Suggestions").click()
    expect(quiet_page).to_have_url(filled.address + filled.pages["suggestions"])
    tabs.get_by_role("link", name="AI review").click()
    expect(quiet_page).to_have_url(filled.address + filled.pages["review"])
    quiet_page.go_back()
    quiet_page.go_back()
    expect(quiet_page.get_by_role("region", name="Verdict")).to_be_visible()
    assert quiet_page.evaluate("window.stayed") is True

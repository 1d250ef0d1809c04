"""The frame, the list of skills and the forms to add one, in a browser."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.web.conftest import serious_findings, sideways

pytestmark = pytest.mark.browser

PAGES = ("/", "/skills/new", "/skills/new?way=zip", "/skills/new?way=folder", "/skills/new?way=path", "/settings")
SKILL = "---\nname: {name}\ndescription: Writes a short note of thanks. Use to answer praise.\n---\nSay thanks."


@pytest.fixture(scope="module")
def skills(address: str, web_home: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[str]:
    """Sixty skills, added through the form as a folder of skills."""
    folder = tmp_path_factory.mktemp("skills")
    for number in range(60):
        name = f"thank-{number:02}"
        (folder / name).mkdir()
        (folder / name / "SKILL.md").write_text(SKILL.format(name=name), encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/skills/new?way=path")
    page.get_by_label("Path").fill(str(folder))
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(f"{address}/")
    yield address
    context.close()


def test_an_empty_database_invites(address: str, quiet_page: Page) -> None:
    quiet_page.goto(address)
    expect(quiet_page.get_by_role("heading", level=1)).to_have_text("Which model should run your skill?")
    assert serious_findings(quiet_page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_have_no_serious_accessibility_findings(skills: str, browser: Browser, path: str, scheme: str) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.goto(skills + path)
    assert serious_findings(page) == []
    context.close()


@pytest.mark.parametrize("width", [360, 768, 3840])
@pytest.mark.parametrize("path", [*PAGES, "/no-such-page"])
def test_no_page_is_wider_than_its_window(skills: str, page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(skills + path)
    assert sideways(page) <= 0


def test_everything_comes_from_here_and_the_console_stays_empty(skills: str, quiet_page: Page) -> None:
    asked: list[str] = []
    quiet_page.on("request", lambda request: asked.append(request.url))
    for path in PAGES:
        quiet_page.goto(skills + path)
    assert [url for url in asked if not url.startswith((skills, "data:"))] == []


def test_scripts_and_styles_of_a_first_view_stay_small(skills: str, page: Page) -> None:
    sizes: dict[str, int] = {}
    page.on("response", lambda answer: sizes.update({answer.url: len(gzip.compress(answer.body(), 9))}))
    page.goto(skills)
    page.wait_for_load_state("networkidle")
    assets = {url: size for url, size in sizes.items() if re.search(r"\.(js|css)$", url)}
    assert len(assets) == 2
    assert sum(assets.values()) < 40_000


def test_more_rows_join_the_list_without_a_reload(skills: str, quiet_page: Page) -> None:
    quiet_page.goto(skills)
    rows = quiet_page.locator("#rows tr")
    expect(rows).to_have_count(50)
    quiet_page.get_by_role("link", name="Show more skills").click()
    expect(rows).to_have_count(60)
    expect(quiet_page.get_by_role("link", name="Show more skills")).to_have_count(0)
    assert quiet_page.url == f"{skills}/"


def test_search_as_you_type_keeps_the_sorting_and_back_undoes_it(skills: str, quiet_page: Page) -> None:
    quiet_page.goto(skills)
    first = quiet_page.locator("#rows tr").first
    quiet_page.get_by_role("link", name="Skill", exact=True).click()
    expect(first).to_contain_text("thank-59")
    quiet_page.get_by_label("Search").press_sequentially("thank-1")
    expect(first).to_contain_text("thank-19")
    expect(quiet_page.get_by_role("status")).to_have_text("10 skills match “thank-1”")
    assert "dir=desc" in quiet_page.url
    quiet_page.go_back()
    expect(first).to_contain_text("thank-59")


def test_tabs_change_the_address_without_a_reload_and_back_and_forward_work(skills: str, quiet_page: Page) -> None:
    quiet_page.goto(f"{skills}/skills/new")
    quiet_page.evaluate("window.stayed = true")
    quiet_page.get_by_role("link", name="Upload a folder").click()
    expect(quiet_page.get_by_label("Folder")).to_be_visible()
    assert quiet_page.url.endswith("?way=folder")
    assert quiet_page.evaluate("document.activeElement.id") == "tab-folder"
    quiet_page.go_back()
    expect(quiet_page.get_by_label("Prompt")).to_be_visible()
    quiet_page.go_forward()
    expect(quiet_page.get_by_label("Folder")).to_be_visible()
    assert quiet_page.evaluate("window.stayed") is True


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_theme_is_kept(skills: str, browser: Browser, script: bool) -> None:
    context = browser.new_context(java_script_enabled=script, color_scheme="light")
    page = context.new_page()
    page.goto(f"{skills}/settings")
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_class("dark")
    assert page.url == f"{skills}/settings"
    page.goto(f"{skills}/skills/new")
    expect(page.locator("html")).to_have_class("dark")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    context.close()


def test_everything_works_without_javascript(skills: str, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(skills)
    page.get_by_role("link", name="Show more skills").click()
    expect(page.locator("#rows tr")).to_have_count(10)
    page.goto(skills)
    page.get_by_label("Search").fill("thank-07")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    page.goto(f"{skills}/skills/new?way=folder")
    (tmp_path / "noted").mkdir()
    (tmp_path / "noted" / "SKILL.md").write_text("---\nname: noted\n---\nNote it.", encoding="utf-8")
    page.get_by_label("Folder").set_input_files(tmp_path / "noted")
    page.get_by_role("button", name="Check only").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Checked 1 skill")
    expect(page.locator(".findings li").first).to_be_visible()
    context.close()


def test_the_keyboard_reaches_the_content_first(skills: str, quiet_page: Page) -> None:
    quiet_page.goto(skills)
    quiet_page.keyboard.press("Tab")
    expect(quiet_page.get_by_role("link", name="Skip to content")).to_be_focused()
    quiet_page.keyboard.press("Enter")
    assert quiet_page.evaluate("document.activeElement.id") == "main"

"""A megabyte of scripts, escape sequences and direction overrides from a model, quoted by its judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.site import add_skill, start_run
from benchmarks.workload import write_skill
from tests.acceptance.web.conftest import FilledSite, serious_findings, sideways
from tests.acceptance.web.replies import QUOTE, SIZE

pytestmark = pytest.mark.browser

FOREIGN = "main :is(script, style, iframe, img, form[action*='evil'], svg[onload]), [onerror], [href^='javascript']"
# Escape, bell and the direction marks, as they must never reach the screen.
RAW = "/[\\u001b\\u0007\\u202a-\\u202e\\u2066-\\u2069\\u200b\\ufeff]/.test(document.querySelector('main').textContent)"


def test_a_hostile_output_is_shown_and_nothing_of_it_happens(
    filled: FilledSite, visitor: Callable[..., Page], tmp_path: Path
) -> None:
    skill = write_skill(tmp_path / "weigh-hostile", 1)
    add_skill(filled.address, skill)
    run = start_run(filled.address, skill.name, ["openai:hostile", "openai:model-a"], judge="openai:judge")
    page = visitor(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(filled.address + run)
    expect(page.get_by_role("region", name="Verdict")).to_be_visible(timeout=60_000)
    page.locator("#matrix tbody a.mark").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Case 1")
    for show in ("Rendered", "Differences", "Raw"):
        page.get_by_role("navigation", name="Show outputs as").get_by_role("link", name=show).click()
        expect(page.locator(".answer").first).to_contain_text("[31mred")
        assert page.locator(FOREIGN).count() == 0, show
        assert page.evaluate(RAW) is False, show
        assert page.title().startswith("Case 1 of run"), show
        page.set_viewport_size({"width": 360, "height": 900})
        assert sideways(page) <= 0, show
        page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.locator(".answer mark").first).to_contain_text(QUOTE[:8])
    assert serious_findings(page) == []
    assert [url for url in asked if not url.startswith(filled.address)] == []
    with page.expect_download() as found:
        page.locator(".answer").get_by_role("link", name="download").first.click()
    assert len(Path(found.value.path()).read_text(encoding="utf-8")) == SIZE

"""A judge's certificate in a real browser: refused by name, read without colour, accepted by a ticked box."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.site import add_skill, of_model_server, serving, start_run
from benchmarks.workload import model_server, write_skill
from tests.acceptance.web.conftest import serious_findings, sideways

pytestmark = pytest.mark.browser

LONG_MS = 60_000
INJECTION = "an output that tells the judge to give full marks"


@pytest.fixture(scope="module")
def site(web_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with model_server(0.05) as models, serving(web_home, env=of_model_server(models)) as address:
        add_skill(address, write_skill(tmp_path_factory.mktemp("skills") / "weights", 8))
        yield address


def test_a_refused_judge_is_read_off_its_page_and_accepted_by_a_ticked_box(site: str, quiet_page: Page) -> None:
    page = quiet_page
    page.goto(site + start_run(site, "weights", ["openai:gpt-4o-mini"], judge="openai:gullible"))
    expect(page.get_by_text("Stopped: the judge openai:gullible failed its examination.")).to_be_visible(
        timeout=LONG_MS
    )
    certificate = page.locator("#certificate")
    row = certificate.get_by_role("row").filter(has_text=INJECTION)
    expect(row).to_contain_text("failed")
    expect(row).to_contain_text("100")
    expect(row).to_contain_text("at most 10")
    expect(certificate.get_by_role("row").filter(has_text="an empty output")).to_contain_text("passed")
    assert serious_findings(page) == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert sideways(page) == 0
    # The box is asked for before anything is sent.
    resume = page.get_by_role("button", name="Resume the run")
    resume.click()
    assert page.get_by_label("Accept this judge although it failed").evaluate("box => !box.validity.valid")
    page.get_by_label("Accept this judge although it failed").check()
    resume.click()
    expect(page.get_by_text("Judge accepted although it failed.")).to_be_visible(timeout=LONG_MS)
    expect(page.locator("h1 + *", has_text="completed")).to_be_visible()
    assert serious_findings(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_judge_that_passed_keeps_its_rows_folded(site: str, quiet_page: Page, scheme: str) -> None:
    page = quiet_page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(site + start_run(site, "weights", ["openai:gpt-4o-mini"], judge="openai:judge"))
    certificate = page.locator("#certificate")
    expect(certificate.get_by_text(re.compile("graded outputs whose grade is known as it should"))).to_be_visible(
        timeout=LONG_MS
    )
    rows = certificate.get_by_role("table")
    expect(rows).to_be_hidden()
    certificate.get_by_text("outputs shown").click()
    expect(rows).to_be_visible()
    expect(rows.get_by_text("number changed").first).to_be_visible()
    assert serious_findings(page) == []

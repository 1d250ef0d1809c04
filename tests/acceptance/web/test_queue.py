"""The queue in a browser: by keyboard, in both themes, on a phone, with what a page must withstand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from steelyard.bootstrap import open_workbench
from steelyard.domain.cases import By, CaseSource, CaseStatus, GoldenCase
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.services.case_text import CaseDraft
from steelyard.storage import ratings
from steelyard.storage.cases import put_case
from tests.acceptance.web.conftest import serious_findings, serving, sideways
from tests.acceptance.web.replies import ATTACK
from tests.integration.web.made import MadeModel, content, made_run, made_skill

pytestmark = pytest.mark.browser

LONG = "Say in one short sentence how heavy the brass weight number {} on the left pan of the old scale really is"


async def fill(home: Path) -> None:
    async with open_workbench(env={"STEELYARD_HOME": str(home)}) as bench:
        tenant = bench.tenant_id
        skill_id = await made_skill(bench, tenant, content("weigh"), golden=12)
        await bench.cases.add(tenant, skill_id, CaseDraft(LONG.format("four"), "4 g", key="there"))
        run_id = await made_run(bench, tenant, skill_id, [MadeModel("anthropic:claude-opus-5", 95)])
        await bench.cases.propose(tenant, skill_id, CaseDraft(LONG.format("five"), "5 g", key="near"), author="Bob")
        given = Feedback(FeedbackType.TRAINING_EXAMPLE, example_input="2 lb", expected_output="907 g", author="Ann")
        await bench.feedback.add(tenant, skill_id, given)
        blamed = Feedback(FeedbackType.THUMB_DOWN, comment="No.", example_input="3 lb", example_output="about 3 g")
        await bench.feedback.add(tenant, skill_id, blamed)
        hostile = ATTACK.replace("\x00", "") + "very long line " * 70_000
        async with bench.database.tenant(tenant) as connection:
            cursor = await connection.execute(
                "SELECT id FROM benchmark_results WHERE benchmark_run_id = %s AND quality_score >= 70 LIMIT 1",
                (run_id,),
            )
            row = await cursor.fetchone()
            assert row is not None
            await ratings.put_rating(
                connection, tenant, run_id, row["id"], "Ann", score=2, note="Off.", drawn=False, blind=False
            )
        # One after the other: of one time, they would wait in any order.
        for number, (text, expected) in enumerate(((hostile, hostile), ("1 stone", "6.35 kg"), ("1 dram", ""))):
            case = GoldenCase(f"draft-{number}", text, expected, source=CaseSource.DRAFTED)
            by = By("Ann", "Tests units that are rare.")
            async with bench.database.tenant(tenant) as connection:
                await put_case(
                    connection, tenant, skill_id, case, status=CaseStatus.PENDING, author="openai:gpt-5.4", by=by
                )


@pytest.fixture(scope="module")
def site(web_home: Path) -> Iterator[str]:
    # The browser's own event loop runs in this thread.
    with ThreadPoolExecutor(1) as threads:
        threads.submit(lambda: asyncio.run(fill(web_home))).result()
    with serving(web_home, "--no-worker") as address:
        yield address


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(
    "path", ["/queue", "/skills/weigh/drafts", "/skills/weigh/case-history", "/skills/weigh/details"]
)
def test_its_pages_can_be_used_by_anybody_and_run_nothing(
    site: str, quiet_page: Page, theme: str, width: int, path: str
) -> None:
    quiet_page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    quiet_page.set_viewport_size({"width": width, "height": 900})
    quiet_page.goto(site + path)
    expect(quiet_page.get_by_role("heading", level=1)).to_be_visible()
    assert serious_findings(quiet_page) == []
    assert sideways(quiet_page) == 0
    assert quiet_page.evaluate("window.pwned") is None


def test_decisions_by_keyboard_alone(site: str, quiet_page: Page) -> None:
    quiet_page.goto(f"{site}/queue?skill=weigh")
    items = quiet_page.locator("[data-queue-item]")
    expect(items).to_have_count(7)
    quiet_page.keyboard.press("j")
    expect(items.nth(0)).to_be_focused()
    expect(items.nth(0)).to_contain_text("Nearly the same as 1 case")
    # What is typed into a reason decides nothing; without a reason nothing is rejected.
    quiet_page.keyboard.press("r")
    quiet_page.keyboard.press("Enter")
    expect(items).to_have_count(7)
    quiet_page.keyboard.type("a jar: said twice")
    quiet_page.keyboard.press("Escape")
    expect(items.nth(0)).to_be_focused()
    quiet_page.keyboard.press("r")
    quiet_page.keyboard.press("Enter")
    expect(quiet_page.get_by_role("status")).to_have_text("It was rejected.")
    expect(items).to_have_count(6)
    # What came next is at hand.
    expect(items.nth(0)).to_be_focused()
    quiet_page.keyboard.press("a")
    expect(quiet_page.get_by_role("status")).to_contain_text("is a golden case now")
    expect(items).to_have_count(5)
    quiet_page.keyboard.press("x")
    quiet_page.keyboard.press("j")
    quiet_page.keyboard.press("x")
    quiet_page.get_by_label("Reason for all that are ticked").fill("Not now.")
    quiet_page.get_by_role("button", name="Reject what is ticked").click()
    expect(quiet_page.get_by_role("status")).to_have_text("2 rejected.")
    expect(items).to_have_count(3)
    quiet_page.goto(f"{site}/skills/weigh/case-history")
    expect(quiet_page.get_by_text("a jar: said twice")).to_be_visible()


def test_a_draft_without_an_expected_output_is_completed_and_accepted(site: str, quiet_page: Page) -> None:
    quiet_page.goto(f"{site}/queue?kind=drafted")
    quiet_page.get_by_role("link", name="Write what is expected of draft-2").click()
    quiet_page.get_by_label("Expected output").fill("1.77 g")
    quiet_page.get_by_label("Reason").fill("Looked it up.")
    quiet_page.get_by_role("button", name="Save and accept").click()
    expect(quiet_page.get_by_role("heading", level=1)).to_have_text("Queue")
    quiet_page.goto(f"{site}/skills/weigh/details?cases=accepted")
    expect(quiet_page.locator("#cases li", has_text="draft-2")).to_contain_text("drafted by")

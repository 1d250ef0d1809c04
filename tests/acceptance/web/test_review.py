"""The review tab in a browser while a review comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from steelyard.bootstrap import open_workbench
from steelyard.domain.reviews import Review
from steelyard.storage import reviews
from steelyard.storage.paid_jobs import REVIEWS
from tests.acceptance.web.conftest import serving
from tests.integration.web.made import content, made_skill

pytestmark = pytest.mark.browser


T = TypeVar("T")


def elsewhere(what: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The browser's own event loop runs in this thread."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(what())).result()


def test_the_list_of_reviews_says_completed_once_the_review_is_shown(web_home: Path, quiet_page: Page) -> None:
    async def begin() -> UUID:
        async with open_workbench(env={"STEELYARD_HOME": str(web_home)}) as bench:
            skill_id = await made_skill(bench, bench.tenant_id, content("weigh"), golden=1)
            row = await bench.catalogue.find(bench.tenant_id, "weigh")
            async with bench.database.tenant(bench.tenant_id) as connection:
                review_id = await reviews.insert_review(
                    connection,
                    bench.tenant_id,
                    skill_id=skill_id,
                    skill_version_id=row.version_id,
                    model="openai:m",
                    protocol="p",
                    requested_by=None,
                )
                await REVIEWS.start(connection, review_id)
                return review_id

    review_id = elsewhere(begin)

    async def end() -> None:
        async with (
            open_workbench(env={"STEELYARD_HOME": str(web_home)}) as bench,
            bench.database.tenant(bench.tenant_id) as connection,
        ):
            await reviews.complete_review(connection, review_id, Review("It is fine.", (), (), (), ()))

    with serving(web_home, "--no-worker") as address:
        quiet_page.goto(f"{address}/skills/weigh/review")
        earlier = quiet_page.locator("#earlier-reviews")
        expect(earlier).to_contain_text("running")
        elsewhere(end)
        expect(quiet_page.get_by_text("It is fine.")).to_be_visible(timeout=15_000)
        expect(earlier).to_contain_text("completed")
        expect(earlier).not_to_contain_text("running")

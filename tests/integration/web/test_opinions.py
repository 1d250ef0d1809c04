"""Feedback and suggestions sent to the API: each kept once, and no more in a minute than users would give."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from steelyard.services.opinions import MOST_OF_AUTHOR, OpinionService
from tests.integration.web.harness import Site
from tests.integration.web.made import made_skill

URL = "/v1/feedback"


def said(key: str, kind: str = "thumb_up", **more: Any) -> dict[str, Any]:
    return {"key": key, "skill": "weigh", "kind": kind, **more}


@pytest.fixture
async def made(site: Site) -> Site:
    await made_skill(site.workbench, site.tenant_id)
    return site


async def counts(site: Site) -> tuple[int, int]:
    """(feedback, open suggestions)"""
    row = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    total = (await site.workbench.feedback.stats(site.tenant_id, row.id)).total
    return total, (await site.workbench.suggestions.counts(site.tenant_id, row.id)).open


async def test_every_kind_is_kept_once_for_its_key(made: Site) -> None:
    items = [
        said("a", comment="<b>Good</b>", author="Ann", model="openai:gpt-5.4"),
        said("b", "thumb_down"),
        said("c", "rating", rating=7),
        said("d", "training_example", example_input="7 g", example_output="7", expected_output="7 g"),
        said("e", "suggestion", title="Pounds", body="Say it in pounds."),
    ]
    for item in items:
        answer = await made.client.post(URL, json=item)
        assert (answer.status_code, answer.json()["duplicate"]) == (201, False)
    again = await asyncio.gather(*(made.client.post(URL, json=item) for item in items for _ in range(3)))
    assert {(answer.status_code, answer.json()["duplicate"]) for answer in again} == {(200, True)}
    assert await counts(made) == (4, 1)
    page = (await made.client.get("/skills/weigh/feedback", follow_redirects=True)).text
    assert "&lt;b&gt;Good&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("item", "status", "word"),
    [
        (said("a") | {"skill": "nobody"}, 404, "nobody"),
        (said("", "thumb_up"), 422, "key"),
        (said("a", "praise"), 422, "kind"),
        (said("a", "rating"), 422, "rating"),
        (said("a", "rating", rating=11), 422, "rating"),
        (said("a", "rating", rating=True), 422, "rating"),
        (said("a", comment="x" * 100_001), 422, "100,000"),
        (said("a", author="x" * 201), 422, "author"),
        (said("a", "training_example", example_input="7 g"), 422, "example"),
        (said("a", "suggestion"), 422, "title"),
        (said("a", "suggestion", title="x", body="x" * 20_001), 422, "20,000"),
        (said("a", stars=5), 422, "stars"),
        ([said("a")], 422, "object"),
    ],
)
async def test_what_cannot_be_kept_says_why(made: Site, item: Any, status: int, word: str) -> None:
    answer = await made.client.post(URL, json=item)
    assert answer.status_code == status
    assert word in answer.json()["detail"]
    assert await counts(made) == (0, 0)


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (said("a", "suggestion", title="x", comment="Dropped?"), "comment"),
        (said("a", "suggestion", title="x", rating=3), "rating"),
        (said("a", "thumb_up", title="x"), "title"),
        (said("a", "rating"), "rating"),
        (said("a", comment="x" * 100_001), "comment"),
        (said("a", author="nul \0"), "author"),
        (said("a", "training_example", expected_output="7"), "example_input"),
        (said("a", "training_example", example_input="7 g"), "expected_output"),
        (said("a", "training_example", example_input="x" * 100_001, expected_output="7"), "example_input"),
        (said("a", "suggestion"), "title"),
        (said("a", "suggestion", title="x", body="x" * 20_001), "body"),
    ],
)
async def test_a_refusal_names_the_field_as_it_was_sent(made: Site, item: Any, field: str) -> None:
    answer = await made.client.post(URL, json=item)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{field}: ")
    assert "quality_score" not in answer.text
    assert await counts(made) == (0, 0)


async def test_more_than_users_would_give_is_to_be_sent_later(made: Site) -> None:
    sent: list[httpx.Response] = [
        await made.client.post(URL, json=said(f"k{number}", author="Ann")) for number in range(MOST_OF_AUTHOR + 1)
    ]
    assert [answer.status_code for answer in sent] == [201] * MOST_OF_AUTHOR + [429]
    assert 1 <= int(sent[-1].headers["retry-after"]) <= 60
    assert (await made.client.post(URL, json=said("other", author="Ben"))).status_code == 201
    assert (await made.client.post(URL, json=said("k0", author="Ann"))).status_code == 200
    bench = made.workbench
    bench.__dict__["opinions"] = OpinionService(bench.database, now=lambda: datetime.now(UTC) + timedelta(minutes=2))
    assert (await made.client.post(URL, json=said("late", author="Ann"))).status_code == 201
    assert await counts(made) == (MOST_OF_AUTHOR + 2, 0)


async def test_at_once_the_limit_holds(made: Site) -> None:
    answers = await asyncio.gather(
        *(made.client.post(URL, json=said(f"k{number}", author="Ann")) for number in range(MOST_OF_AUTHOR + 10))
    )
    assert sum(answer.status_code == 201 for answer in answers) == MOST_OF_AUTHOR
    assert await counts(made) == (MOST_OF_AUTHOR, 0)


async def test_a_page_of_another_site_can_send_none(made: Site) -> None:
    headers = {"origin": "https://elsewhere.example"}
    assert (await made.client.post(URL, json=said("a"), headers=headers)).status_code == 403
    assert await counts(made) == (0, 0)

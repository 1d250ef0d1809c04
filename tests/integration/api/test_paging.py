"""Pages of every list: put together they are the whole list, and nothing comes twice while rows are added."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.api.paging import window
from steelyard.domain.errors import InputError
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.services.case_text import CaseDraft
from tests.integration.web.harness import Site
from tests.integration.web.made import MadeModel, content, made_run, made_skill

ROWS = 7
MODELS = [MadeModel("openai:gpt-5", 92), MadeModel("openai:gpt-5-mini", 71)]
Add = Callable[[], Awaitable[object]]


@given(st.lists(st.tuples(st.integers(), st.text()), unique=True), st.integers(1, 5))
def test_windows_put_together_are_the_list_in_order(rows: list[tuple[int, str]], limit: int) -> None:
    found: list[tuple[int, str]] = []
    after: str | None = None
    while True:
        shown, after = window(rows, lambda row: row, after, limit)
        assert len(shown) <= limit
        found += shown
        if after is None:
            break
    assert found == sorted(rows)


@given(st.lists(st.tuples(st.integers(), st.text()), min_size=3, unique=True), st.data())
def test_a_row_that_comes_or_goes_moves_no_other(rows: list[tuple[int, str]], data: st.DataObject) -> None:
    first, after = window(rows, lambda row: row, None, 2)
    gone = data.draw(st.sampled_from(rows))
    came = data.draw(st.tuples(st.integers(), st.text()).filter(lambda row: row not in rows))
    changed = [row for row in rows if row != gone] + [came]
    rest, _ = window(changed, lambda row: row, after, len(rows) + 1)
    assert list(rest) == sorted(row for row in changed if row > first[-1])


@given(st.text())
def test_a_token_of_no_meaning_is_refused(token: str) -> None:
    with pytest.raises(InputError):
        window([(1, "a")], lambda row: row, token, 1)


async def whole(client: httpx.AsyncClient, path: str, limit: int, add: Add | None = None) -> list[Any]:
    """The list, `limit` at a time; `add` makes another row once the first page is read."""
    found: list[Any] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        answer = await client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            return found
        params["after"] = page["next"]
        if add is not None:
            await add()
            add = None


@pytest.fixture
async def lists(site: Site) -> dict[str, Add]:
    """Lists of seven rows or more, each with what makes another row of it."""
    bench, tenant = site.workbench, site.tenant_id
    skill = await made_skill(bench, tenant, golden=ROWS)
    number = iter(range(1_000))

    async def new_skill() -> object:
        return await made_skill(bench, tenant, content(f"weigh-{next(number):03}"), golden=1)

    async def new_case() -> object:
        return await bench.cases.edit(tenant, (await bench.cases.list(tenant, skill))[0].id, draft())

    def draft() -> CaseDraft:
        return CaseDraft(f"Number {next(number)}?", "1 g")

    async def proposed() -> object:
        return await bench.cases.propose(tenant, skill, draft())

    async def new_version() -> object:
        return await bench.draft_versions.keep(tenant, skill, text=f"Weigh it, {next(number)}.\n")

    async def new_feedback() -> object:
        return await bench.feedback.add(tenant, skill, Feedback(FeedbackType.THUMB_UP))

    async def new_suggestion() -> object:
        return await bench.suggestions.add(tenant, skill, title=f"Number {next(number)}")

    async def new_run() -> object:
        return await made_run(bench, tenant, skill, MODELS, seed=next(number))

    async def nothing() -> object:
        return None

    made: dict[str, Add] = {
        "/v1/skills": new_skill,
        "/v1/skills/weigh/versions": new_version,
        "/v1/skills/weigh/feedback": new_feedback,
        "/v1/skills/weigh/suggestions": new_suggestion,
        "/v1/queue": proposed,
        "/v1/runs": new_run,
        "/v1/skills/weigh/runs": new_run,
    }
    for add in dict.fromkeys(made.values()):
        for _ in range(ROWS):
            await add()
    run = (await bench.history.newest(tenant, skill, 1))[0].id
    return made | {
        "/v1/skills/weigh/cases": proposed,
        "/v1/skills/weigh/case-history": new_case,
        "/v1/models": nothing,
        "/v1/models/offers": nothing,
        f"/v1/runs/{run}/cells": nothing,
        f"/v1/runs/{run}/cases": nothing,
    }


async def test_pages_put_together_are_the_whole_list(client: httpx.AsyncClient, lists: dict[str, Add]) -> None:
    for path in lists:
        every = await whole(client, path, 200)
        assert len(every) >= 2, path
        for limit in (1, 3, len(every)):
            assert await whole(client, path, limit) == every, (path, limit)


async def test_nothing_comes_twice_while_rows_are_added(client: httpx.AsyncClient, lists: dict[str, Add]) -> None:
    for path, add in lists.items():
        before = await whole(client, path, 200)
        found = await whole(client, path, 3, add)
        names = [str(row.get("id", row)) for row in found]
        assert len(names) == len(set(names)), path
        assert {str(row.get("id", row)) for row in before} - set(names) == set() or path.endswith("case-history"), path

"""Idempotency keys: one request, one thing made, one answer, wherever it is cut off."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from steelyard.domain.errors import Conflict
from steelyard.domain.once import Reservation, reserved
from steelyard.services.housekeeping import CHORES
from steelyard.services.once import KEPT_FOR, LEASE, OnceService
from tests.integration.web.harness import Site
from tests.integration.web.made import made_skill

WEIGH = {"title": "Name the unit"}
PATH = "/v1/skills/weigh/suggestions"


@pytest.fixture(autouse=True)
async def skill(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)


async def send(client: httpx.AsyncClient, key: str, body: dict[str, Any] = WEIGH, path: str = PATH) -> httpx.Response:
    return await client.post(path, json=body, headers={"idempotency-key": key})


async def made(client: httpx.AsyncClient) -> int:
    return len((await client.get(PATH)).json()["items"])


async def test_the_same_request_gets_the_same_answer_and_says_so(client: httpx.AsyncClient) -> None:
    first, second = await send(client, "a"), await send(client, "a")
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["location"] == f"/v1/suggestions/{first.json()['id']}"
    assert await made(client) == 1


async def test_another_request_under_the_key_is_refused(client: httpx.AsyncClient) -> None:
    await send(client, "a")
    for answer in (
        await send(client, "a", {"title": "Another"}),
        await send(client, "a", {"input": "A litre?", "expected": "1 kg"}, "/v1/skills/weigh/cases"),
    ):
        assert answer.status_code == 422
        assert answer.json()["field"] == "Idempotency-Key"
    assert await made(client) == 1


async def test_a_refused_request_uses_up_no_key(client: httpx.AsyncClient) -> None:
    assert (await send(client, "a", {"title": " "})).status_code == 422
    assert (await send(client, "a")).status_code == 201


async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    for key in ("", "x" * 201, "a\tb"):
        assert (await send(client, key)).status_code == 422, key


async def test_many_at_once_make_one(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(send(client, "a") for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert await made(client) == 1


async def test_what_was_made_before_a_crash_is_found_again(site: Site, client: httpx.AsyncClient) -> None:
    """The first process made it, and died before it answered."""
    bench, tenant = site.workbench, site.tenant_id
    request = client.build_request("POST", PATH, json=WEIGH)
    digest = await digest_of(request)
    mine = await bench.once.begin(tenant, "local", "a", digest)
    assert isinstance(mine, Reservation)
    token = reserved.set(mine)
    row = await bench.catalogue.find(tenant, "weigh")
    there = await bench.suggestions.add(tenant, row.id, title="Name the unit")
    reserved.reset(token)
    answer = await send(client, "a")
    assert (answer.status_code, answer.headers["idempotency-replayed"]) == (201, "true")
    assert answer.json()["id"] == str(there)
    assert await made(client) == 1


async def test_one_that_lies_is_taken_over_and_makes_nothing_any_more(site: Site, client: httpx.AsyncClient) -> None:
    bench, tenant = site.workbench, site.tenant_id
    digest = await digest_of(client.build_request("POST", PATH, json=WEIGH))
    slow = await bench.once.begin(tenant, "local", "a", digest)
    assert isinstance(slow, Reservation)
    busy = await send(client, "a")
    assert busy.status_code == 409
    later = OnceService(bench.database, now=lambda: datetime.now(UTC) + LEASE + timedelta(seconds=1))
    taken = await later.begin(tenant, "local", "a", digest)
    assert isinstance(taken, Reservation)
    row = await bench.catalogue.find(tenant, "weigh")
    token = reserved.set(slow)
    with pytest.raises(Conflict):
        await bench.suggestions.add(tenant, row.id, title="Name the unit")
    reserved.reset(token)
    assert await made(client) == 0


async def test_keys_of_two_senders_never_meet_and_are_kept_a_day(site: Site) -> None:
    bench, tenant = site.workbench, site.tenant_id
    for principal in ("local", f"key:{uuid4()}", f"user:{uuid4()}"):
        assert isinstance(await bench.once.begin(tenant, principal, "a", "d"), Reservation)
    for chore in CHORES:
        await chore(bench.database, tenant, datetime.now(UTC) + KEPT_FOR - timedelta(minutes=1))
    with pytest.raises(Conflict):
        await bench.once.begin(tenant, "local", "a", "d")
    for chore in CHORES:
        await chore(bench.database, tenant, datetime.now(UTC) + KEPT_FOR + timedelta(minutes=1))
    assert isinstance(await bench.once.begin(tenant, "local", "a", "other"), Reservation)


async def digest_of(request: httpx.Request) -> str:
    """What the API makes of such a request."""
    from starlette.requests import Request

    from steelyard.api.once import digest_of as digest

    scope = {
        "type": "http",
        "method": request.method,
        "path": request.url.path,
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": ("localhost", 80),
        "scheme": "http",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.content}

    return await digest(Request(scope, receive))

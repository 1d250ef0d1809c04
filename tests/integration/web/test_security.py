"""What the guards let through and what they refuse, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi.routing import APIRoute

from steelyard.web.app import ROUTERS
from steelyard.web.security.body import MAX_BODY
from steelyard.web.security.headers import HEADERS
from steelyard.web.security.keyfile import FILE, shared_key
from tests.integration.web.harness import Site, site_of, token_in


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "localhost@evil", "[::2]", ""]
)
async def test_a_name_rebound_to_this_machine_gets_nothing(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/", headers={"host": host})
    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "LOCALHOST:8765", "127.0.0.1:8765", "[::1]:8765"])
async def test_loopback_names_are_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/settings", headers={"host": host})).status_code == 200


@pytest.mark.parametrize("url", ["/settings", "/no-such-page", "/static/none"])
async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient, url: str) -> None:
    answer = await client.get(url)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


async def test_a_form_with_its_token_is_taken(site: Site) -> None:
    assert (await site.post("/theme", {"theme": "dark"})).status_code == 303


async def test_htmx_sends_the_token_as_a_header(site: Site) -> None:
    token = await site.token()
    answer = await site.client.post("/theme", data={"theme": "dark"}, headers={"X-CSRF-Token": token})
    assert answer.status_code == 303


async def test_a_token_without_its_cookie_is_refused(site: Site) -> None:
    token = await site.token()
    site.client.cookies.clear()
    assert (await site.client.post("/theme", data={"theme": "dark", "csrf_token": token})).status_code == 403


async def test_a_token_of_another_cookie_is_refused(site: Site) -> None:
    token = await site.token()
    site.client.cookies.clear()
    await site.token()
    assert (await site.client.post("/theme", data={"theme": "dark", "csrf_token": token})).status_code == 403


async def test_no_route_that_changes_anything_is_open_without_a_token(site: Site) -> None:
    unsafe = [
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in (route.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    ]
    assert unsafe
    for method, path in unsafe:
        answer = await site.client.request(method, path.replace("{", "x").replace("}", ""))
        assert answer.status_code == 403, path


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_another_origin_may_not_post_even_with_a_token(site: Site, headers: dict[str, str]) -> None:
    assert (await site.post("/theme", {"theme": "dark"}, headers=headers)).status_code == 403


async def test_our_own_origin_may(site: Site) -> None:
    headers = {"origin": "http://localhost:8765", "sec-fetch-site": "same-origin"}
    assert (await site.post("/theme", {"theme": "dark"}, headers=headers)).status_code == 303


async def test_a_large_body_is_refused_by_its_length(site: Site) -> None:
    answer = await site.client.post("/theme", content=b"a=" + b"x" * MAX_BODY)
    assert answer.status_code == 413


async def test_a_large_body_without_a_length_is_refused_while_it_arrives(site: Site) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 100_000

    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await site.client.post("/theme", content=body(), headers=headers)
    assert answer.status_code == 413
    assert sent <= 12


async def test_two_processes_of_one_home_take_each_others_tokens(
    site: Site, server_home: Path, tenant_id: UUID
) -> None:
    page = await site.client.get("/settings")
    async with site_of(server_home, tenant_id) as other:
        other.client.cookies.update(site.client.cookies)
        answer = await other.client.post("/theme", data={"theme": "dark", "csrf_token": token_in(page.text)})
    assert answer.status_code == 303


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = shared_key(tmp_path)
    assert shared_key(tmp_path) == first
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600

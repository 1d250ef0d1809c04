"""/settings/keys: making a key, which is shown once, and revoking one."""

from __future__ import annotations

import re

from steelyard.domain.access import Role
from steelyard.domain.api_keys import KEY
from tests.integration.web.harness import Site
from tests.integration.web.keyed import bearer, let_in, made_key, member

PAGE = "/settings/keys"


async def test_without_a_key_the_page_says_what_to_do(site: Site) -> None:
    page = (await site.client.get(PAGE)).text
    assert "No API key yet" in page
    assert "Programs on this machine need none" in page
    assert 'href="/settings/keys"' in (await site.client.get("/settings")).text


async def test_a_key_is_shown_once_and_lets_in_until_it_is_revoked(site: Site) -> None:
    form = {"name": "<b>checkout</b>", "scopes": ["ingest", "read"], "expires": "90d", "a_minute": "1,000"}
    made = await site.post(PAGE, form)
    assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
    found = KEY.search(made.text)
    assert found is not None
    key = found[0]
    assert made.text.count(key) == 1
    assert "&lt;b&gt;checkout&lt;/b&gt;" in made.text
    assert "http://localhost:8765/v1/measurements" in made.text
    page = await site.client.get(PAGE)
    assert page.headers["cache-control"] == "no-store"
    assert key not in page.text
    assert key[:11] in page.text
    assert "1,000 requests a minute" in page.text
    assert (await site.client.get("/v1/stale", headers=bearer(key))).status_code == 200
    action = re.search(r'action="(/settings/keys/[^"]+/revoke)"', page.text)
    assert action is not None
    assert (await site.post(action[1])).headers["location"] == PAGE
    assert (await site.client.get("/v1/stale", headers=bearer(key))).status_code == 401
    page = (await site.client.get(PAGE)).text
    assert "revoked" in page
    assert action[1] not in page


async def test_a_key_of_reading_alone_has_an_example_of_reading(site: Site) -> None:
    made = await site.post(PAGE, {"name": "board", "scopes": ["read"], "expires": "never"})
    assert "/v1/stale -H" in made.text
    assert "/v1/measurements" not in made.text


async def test_what_cannot_be_used_is_said_beside_what_was_typed(site: Site) -> None:
    for form, said in (
        ({"name": " ", "scopes": ["read"], "expires": "90d"}, "A key has a name"),
        ({"name": "board", "expires": "90d"}, "A key needs a scope"),
        ({"name": "board", "scopes": ["all"], "expires": "90d"}, "There is no scope"),
        ({"name": "board", "scopes": ["read"], "expires": "soon"}, "When it expires cannot be read."),
        ({"name": "board", "scopes": ["read"], "expires": "90d", "a_minute": "0"}, "The limit cannot be read."),
    ):
        answer = await site.post(PAGE, form)
        assert answer.status_code == 422
        assert said in answer.text
        assert str(form["name"]).strip() in answer.text
    assert await site.workbench.api_keys.listed(site.tenant_id) == []


async def test_keys_are_an_admin_s_and_those_of_another_tenant_are_not_there(site: Site) -> None:
    key = await made_key(site, "read")
    let_in(site, member(site.tenant_id, Role.EDITOR))
    assert (await site.client.get(PAGE)).status_code == 403
    assert (await site.post(f"{PAGE}/{key.id}/revoke")).status_code == 403
    assert 'href="/settings/keys"' not in (await site.client.get("/settings")).text
    let_in(site, member(key.id, Role.ADMIN))
    assert key.text[:11] not in (await site.client.get(PAGE)).text
    assert (await site.post(f"{PAGE}/{key.id}/revoke")).status_code == 404
    assert (await site.client.get("/v1/stale", headers=bearer(key))).status_code == 200

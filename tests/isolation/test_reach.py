"""The requests that tell others nothing do reach what they are for: each tenant's own finds it, and changes it."""

from __future__ import annotations

import pytest

from steelyard.domain.access import Role, Scope
from steelyard.storage.server import Server
from tests.integration.web.harness import token_in
from tests.isolation.rows import digests_of
from tests.isolation.test_doors import all_asks
from tests.isolation.twins import Twins

CALLS_A_VENDOR = "POST /settings/providers/{name}/test"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("api", [False, True], ids=["pages", "API"])
async def test_each_request_finds_what_it_is_for_where_that_is_ones_own(
    twins: Twins, server: Server, api: bool
) -> None:
    # Each on a tenant of its own: at the end of it there is little left.
    own, other = (twins.b, twins.a) if api else (twins.a, twins.b)
    before, others = digests_of(server, own.tenant_id), digests_of(server, other.tenant_id)
    browser = await twins.browser(own, Role.ADMIN)
    client = twins.program(own, Scope.ADMIN) if api else browser.client
    token = "" if api else token_in((await browser.get("/models")).text)
    found: dict[str, list[int]] = {}
    for ask in all_asks(own, own, api=api):
        if ask.route == CALLS_A_VENDOR:
            continue
        answer = await client.request(**ask.sent(token))
        found.setdefault(ask.route, []).append(answer.status_code)
    # Done, led on, or refused for how it stands with what was found.
    reached = {route for route, codes in found.items() if any(code < 400 or code == 409 for code in codes)}
    assert {route: codes for route, codes in found.items() if route not in reached} == {}
    assert digests_of(server, own.tenant_id) != before
    assert digests_of(server, other.tenant_id) == others

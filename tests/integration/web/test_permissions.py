"""Who may do what, over every route there is: the table of roles and scopes is what the site does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import Request

from steelyard.domain.access import ROLES, SCOPES, Action, Role, Scope
from steelyard.domain.errors import Conflict
from steelyard.web.access import ACCESS, OPEN, routed
from steelyard.web.security.csrf import check_csrf
from steelyard.web.security.origin import SAFE_METHODS
from tests.integration.web.harness import Site
from tests.integration.web.keyed import bearer, let_in, made_key, member

# What stands for a part of an address; every other part is an id that nothing has.
PARTS = {
    "skill": "nothing-here",
    "number": "1",
    "form": "svg",
    "part": "input",
    "decision": "accept",
    "kind": "example",
    "short": "00c0ffee",
    "rest": "people",
    "version": "00c0ffee",
}
# They are about the session itself, and a member without one is asked to sign in (test_sign_in.py).
OF_A_SESSION = re.compile(r"/account\b|/sign-out\Z|/tenant\Z")
API = [route for route in ACCESS if " /v1/" in route]
REFUSED = frozenset({401, 403})


def address(path: str) -> str:
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda part: PARTS.get(part[1], str(uuid4())), path)


def routes() -> Iterator[tuple[str, str, Action]]:
    for route, action in ACCESS.items():
        method, path = route.split(" ")
        if not OF_A_SESSION.search(path):
            yield method, path, action


async def sent(site: Site, method: str, path: str, token: str, **headers: str) -> httpx.Response:
    """A request as a page or a program would send it."""
    body: dict[str, Any] = {}
    if method != "GET":
        body = {"json": {"measurements": []}} if path.startswith("/v1/") else {"data": {"name": ""}}
    return await site.client.request(method, address(path), headers={"x-csrf-token": token, **headers}, **body)


@pytest.mark.parametrize("role", Role)
async def test_a_role_is_refused_exactly_what_the_table_does_not_give_it(site: Site, role: Role) -> None:
    let_in(site, member(site.tenant_id, role))
    token = await site.token()
    wrong = [
        (method, path, answer.status_code)
        for method, path, action in routes()
        for answer in [await sent(site, method, path, token)]
        if (answer.status_code in REFUSED) == (action in ROLES[role])
    ]
    assert wrong == []


@pytest.mark.parametrize("scope", Scope)
async def test_a_key_is_refused_exactly_what_its_scope_does_not_give_it(site: Site, scope: Scope) -> None:
    let_in(site)
    key = bearer(await made_key(site, scope))
    found = {
        route: (await sent(site, *route.split(" "), token="", **key)).status_code not in REFUSED  # type: ignore[misc]
        for route in API
    }
    assert found == {route: ACCESS[route] in SCOPES[scope] for route in API}
    assert len(found) >= 5


@pytest.fixture
def reached(site: Site) -> list[str]:
    """The routes that would have changed something: asked after who may, they are stopped and noted here."""
    reached = list[str]()

    def stop(request: Request) -> None:
        if request.method not in SAFE_METHODS:
            reached.append(routed(request))
            raise Conflict("Reached.")

    site.app.dependency_overrides[check_csrf] = stop
    return reached


async def test_no_look_alike_of_a_request_reaches_what_a_role_may_not_do(site: Site, reached: list[str]) -> None:
    changing = [(path, action) for method, path, action in routes() if method == "POST"]
    let_in(site, member(site.tenant_id, Role.ADMIN))
    token = await site.token()
    for path, _ in changing:
        await sent(site, "POST", path, token)
    assert reached == [f"POST {path}" for path, _ in changing], "an admin reaches each, or this would show nothing"
    reached.clear()
    for role in (Role.VIEWER, Role.EDITOR):
        let_in(site, member(site.tenant_id, role))
        token = await site.token()
        lacking = [path for path, action in changing if action not in ROLES[role]]
        assert lacking
        # Which look-alike is taken for what does not go by the role, so one of them tries all.
        others = ("HEAD", "GET", "PATCH", "DELETE", "OPTIONS", "post") if role is Role.VIEWER else ()
        for path in lacking:
            there = address(path)
            for method in ("PUT", "POST", *others):
                for url in (there, there + "/", "/" + there, there + "?_method=POST", there.replace("/", "/./", 1)):
                    headers = {
                        "x-csrf-token": token,
                        "x-http-method-override": "POST",
                        "x-http-method": "POST",
                        "x-original-url": there,
                        "x-rewrite-url": there,
                        "x-role": "admin",
                        "x-tenant-id": str(site.tenant_id),
                    }
                    await site.client.request(method, url, headers=headers, follow_redirects=True)
    # To the client //v1/invitations is /invitations, which is answered to anybody.
    assert [route for route in reached if route not in OPEN] == []

"""SQL and signs no text should have, in every field, parameter and header there is: kept as they are, or refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from fastapi.routing import APIRoute

from steelyard.api.nouns import openapi, operations
from steelyard.web.app import ROUTERS
from tests.attacks.place import NOWHERE, address, asked_for, changing, filled, forms_of, stored
from tests.integration.web.harness import Site, token_in
from tests.integration.web.teams import Browser, TeamSite

MARK = "zqmark"
SQL = f"{MARK}'); DROP TABLE skills;-- \" OR '1'='1' \\' %s %(a)s :x $1 {{{{7*7}}}} ${{x}}"
ODD = f"{MARK}\x00\x01\x1b[31m\x7f\u202e\u2028\ufffe\U0010ffff\r\n.\r\n"
LONE = f"{MARK}\ud800\udfff\udc80"
LONG = MARK + "x" * 300_000
PAYLOADS = (SQL, ODD, LONE, LONG)
# Where a text that was typed by somebody is kept; a test that reaches none of them shows nothing.
KEPT = {"golden_cases", "suggestions", "case_changes", "audit_log"}
GETTING = [
    route
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and "GET" in (route.methods or ())
]


def parameters(route: APIRoute, where: str) -> set[str]:
    """The names that a route, or what it depends on, takes from its address."""
    found, left = set[str](), [route.dependant]
    while left:
        one = left.pop()
        found |= {field.alias for field in (one.query_params if where == "query" else one.path_params)}
        left += one.dependencies
    return found


async def post(browser: Browser, url: str, fields: Mapping[str, str], multipart: bool) -> httpx.Response:
    token = browser.client.headers["x-csrf-token"]
    if multipart:
        return await browser.client.post(
            url,
            data={name: value.encode("utf-8", "surrogatepass") for name, value in fields.items()},
            files={"zip": ("../../x.zip", b"PK\x03\x04nonsense")},
            headers={"x-csrf-token": token},
        )
    body = urlencode(list(fields.items()), errors="surrogatepass")
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return await browser.client.post(url, content=body, headers=kind)


async def admin_of(team: TeamSite) -> Browser:
    browser = await team.member(name="Ann Admin")
    browser.client.headers["x-csrf-token"] = token_in((await browser.get("/account")).text)
    return browser


def as_it_was(texts: Mapping[str, list[str]]) -> set[str]:
    """The tables that hold the SQL; wherever they do, it is the very text, or how it begins."""
    for column, values in texts.items():
        for value in values:
            for after in value.split(MARK)[1:]:
                if after.startswith("'"):
                    rest = SQL.removeprefix(MARK)
                    assert after.startswith(rest) or rest.startswith(after.rstrip("… ")), (column, after[:200])
    return {column.partition(".")[0] for column, values in texts.items() if any(SQL in value for value in values)}


async def test_no_text_in_any_field_of_any_form_is_a_fault_or_more_than_a_text(team: TeamSite) -> None:
    bench, tenant = team.workbench, team.tenant_id
    parts = await filled(bench, tenant)
    browser = await admin_of(team)
    forms = await forms_of(browser.client, parts)
    tried: set[tuple[str, str]] = set()
    for route in changing():
        form = forms.get(route)
        fields = dict(form.fields) if form else {}
        where = form.action if form and form.action else address(route, parts)
        names = {*fields} - {"csrf_token"} or {"nothing"}
        # Also what the route reads and the page does not have.
        while left := {name for name in names if (route, name) not in tried}:
            async with asked_for() as read:
                for name, payload in product(sorted(left), PAYLOADS):
                    tried.add((route, name))
                    answer = await post(browser, where, {**fields, name: payload}, bool(form and form.multipart))
                    assert answer.status_code < 500, (route, name, payload[:40], answer.text[-600:])
                    if "/sign-in" in answer.headers.get("location", "") or answer.status_code == 401:
                        browser = await admin_of(team)
            names |= read - {"csrf_token"}
    assert {route for route, _ in tried} == {*changing()}
    assert len({name for _, name in tried}) > 60
    texts = await stored(bench.database, tenant)
    assert as_it_was(texts) >= KEPT | {"skill_versions", "api_keys"}
    assert (await browser.get("/")).status_code == 200


async def test_no_text_in_any_parameter_of_any_page_is_a_fault(team: TeamSite) -> None:
    parts = await filled(team.workbench, team.tenant_id)
    browser = await admin_of(team)
    asked = 0
    for route in GETTING:
        if route.path.endswith("/events"):
            continue
        there = address(route.path, parts)
        for payload in (SQL, ODD, LONE, LONG[:30_000], "-1", "9" * 400, "NaN", "2026-13-99", NOWHERE, ""):
            value = quote(payload, safe="", errors="surrogatepass")
            for name in parameters(route, "query"):
                answer = await browser.client.get(f"{there}?{name}={value}&{name}={value}")
                assert answer.status_code < 500, (route.path, name, payload[:40], answer.text[-600:])
                asked += 1
            for name in parameters(route, "path"):
                url = address(route.path, {**parts, name: value[:3_000]})
                answer = await browser.client.get(url)
                assert answer.status_code < 500, (route.path, name, payload[:40], answer.text[-600:])
                asked += 1
    assert asked > 500


async def test_no_header_is_a_fault(team: TeamSite) -> None:
    browser = await admin_of(team)
    names = ["user-agent", "referer", "accept", "accept-encoding", "accept-language", "cookie", "range", "x-request-id"]
    names += ["x-forwarded-for", "x-forwarded-host", "forwarded", "x-csrf-token", "if-none-match", "if-modified-since"]
    names += ["hx-request", "hx-current-url", "hx-request-type", "authorization", "x-api-key", "idempotency-key"]
    cookies = [f"steelyard_{name}=" for name in ("session", "csrf", "theme", "rater")]
    for payload in (
        SQL.encode(),
        b"\xff\xfe\x80",
        b"x" * 20_000,
        b'"',
        b"%00%0d%0a",
        "\u202e😀".encode(),
        b"=",
        b",;,",
    ):
        for url in ("/", "/sign-in", "/v1/skills", "/static/none", "/models?q=x"):
            for name in names:
                answer = await browser.client.get(url, headers=[(name.encode(), payload)])
                assert answer.status_code < 500, (name, payload, answer.text[-600:])
            for cookie in cookies:
                answer = await team.browser().client.get(url, headers=[(b"cookie", cookie.encode() + payload)])
                assert answer.status_code < 500, (cookie, payload, answer.text[-600:])
    signed = team.browser()
    signed.client.headers["user-agent"] = SQL
    assert (await signed.sign_in(await team.user())).status_code == 303
    assert "DROP TABLE" in (await signed.get("/account")).text or "browser" in (await signed.get("/account")).text
    assert "sessions" in as_it_was(await stored(team.workbench.database, team.tenant_id))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where texts stand, or may stand, in a document."""
    match value:
        case str() | None:
            yield path
        case dict():
            for name, one in value.items():
                yield from leaves(one, (*path, name))
        case list():
            for place, one in enumerate(value):
                yield from leaves(one, (*path, place))
        case _:
            pass


def put(document: Any, path: tuple[Any, ...], text: str) -> Any:
    document = copy.deepcopy(document)
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = text
    return document


def without_example(schema: dict[str, Any], example: Mapping[str, Any]) -> Iterator[str]:
    """Properties of text that the example leaves out."""
    whole = openapi()["components"]["schemas"]
    if "$ref" in schema:
        schema = whole[schema["$ref"].rpartition("/")[2]]
    for name, one in schema.get("properties", {}).items():
        if name not in example and '"string"' in json.dumps(one):
            yield name


async def test_no_text_in_any_property_of_any_body_is_a_fault_or_more_than_a_text(site: Site) -> None:
    bench, tenant = site.workbench, site.tenant_id
    parts = await filled(bench, tenant)
    parts |= {"case_id": parts["pending"], "suggestion_id": parts["suggestion"], "item_id": parts["item"]}
    parts |= {"output_id": parts["result_id"], "place": "0"}
    kind = {"content-type": "application/json"}
    tried = 0
    for operation in operations():
        if operation.takes is None:
            continue
        taken = openapi()["paths"][operation.path][operation.method.lower()]["requestBody"]["content"]
        for content in (one for name, one in taken.items() if name == "application/json"):
            # About a skill that is there.
            example = content["example"] | ({"skill": "weigh"} if "skill" in content["example"] else {})
            paths = [*leaves(example), *((name,) for name in without_example(content["schema"], example))]
            for path in paths:
                tried += 1
                for payload in (SQL, LONE, "x" * 1_000_000):
                    body = json.dumps(put(example, path, payload))
                    url = operation.path.format_map({**dict.fromkeys(_names(operation.path), NOWHERE), **parts})
                    answer = await site.client.request(operation.method, url, content=body, headers=kind)
                    assert answer.status_code < 500, (operation.name, path, payload[:40], answer.text[-600:])
    assert tried > 50
    assert as_it_was(await stored(bench.database, tenant)) >= KEPT | {"skill_feedback", "output_ratings"}
    # Once more with the names of columns and the like, where an address takes what to sort or filter by.
    for operation in operations():
        if operation.method != "GET":
            continue
        url = operation.path.format_map({**dict.fromkeys(_names(operation.path), NOWHERE), **parts})
        for name in parameters(operation.route, "query"):
            for payload in (SQL, "\ud800", "x" * 30_000, "-1", "name; DROP TABLE skills", "9" * 400):
                value = quote(payload, safe="", errors="surrogatepass")
                answer = await site.client.get(f"{url}?{name}={value}")
                assert answer.status_code < 500, (operation.name, name, payload[:40], answer.text[-600:])


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]

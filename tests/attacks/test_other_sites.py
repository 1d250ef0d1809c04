"""What pages of other sites try: to post in somebody's name, to lead them away, to frame, to forge links."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pytest

from steelyard.api.nouns import openapi, operations
from steelyard.domain.hosting import Hosting
from steelyard.domain.notices import NoticeSettings, SmtpServer
from steelyard.services.people_mail import PeopleMail
from steelyard.web.security.headers import HEADERS
from tests.attacks.place import GETS, NOWHERE, address, changing, filled, stored
from tests.attacks.test_texts import GETTING, admin_of, parameters
from tests.integration.services.receivers import PASSWORD as MAIL_PASSWORD
from tests.integration.services.receivers import mail_server
from tests.integration.web.harness import BASE, Site
from tests.integration.web.teams import TeamSite

EVIL = "https://evil.example"
# What a browser adds for a page of another site, and what one adds for none.
FOREIGN = ({"origin": EVIL}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"})
# They change as requests come, whatever becomes of them.
ALWAYS = {"sessions", "tries"}


async def rows(team: TeamSite | Site) -> dict[str, list[str]]:
    texts = await stored(team.workbench.database, team.tenant_id)
    return {column: sorted(found) for column, found in texts.items() if column.partition(".")[0] not in ALWAYS}


def refused(parts: Mapping[str, str]) -> list[tuple[str, str, Any]]:
    """Method, address and body of every operation of the API that changes something."""
    found: list[tuple[str, str, Any]] = []
    for one in operations():
        if one.method != "GET":
            taken = openapi()["paths"][one.path][one.method.lower()].get("requestBody", {}).get("content", {})
            names = re.findall(r"\{(\w+)\}", one.path)
            url = one.path.format_map({**dict.fromkeys(names, NOWHERE), **parts})
            found.append((one.method, url, taken.get("application/json", {}).get("example", {})))
    return found


async def test_no_form_of_another_site_is_taken_and_nothing_is_changed(team: TeamSite) -> None:
    parts = await filled(team.workbench, team.tenant_id)
    browser = await admin_of(team)
    token = browser.client.headers.pop("x-csrf-token")
    with_token = [{**foreign, "x-csrf-token": token} for foreign in FOREIGN]
    before = await rows(team)
    for route in changing():
        url = address(route, parts)
        for headers in (*with_token, {}, {"origin": BASE, "sec-fetch-site": "same-origin"}, {"x-csrf-token": "0" * 80}):
            answer = await browser.client.post(url, data={"way": "paste", "name": "forged"}, headers=headers)
            # Of a one-time link that is good no more that alone is told.
            assert answer.status_code in ((403, 404) if "{token}" in route else (403,)), (url, headers)
    for method, url, body in refused(parts):
        for headers in (*with_token, {}):
            answer = await browser.client.request(method, url, json=body, headers=headers)
            assert answer.status_code in (401, 403), (url, headers)
    assert await rows(team) == before


async def test_where_nobody_signs_in_no_page_elsewhere_reaches_the_api_either(site: Site) -> None:
    parts = await filled(site.workbench, site.tenant_id)
    before = await rows(site)
    asked = refused(parts)
    assert len(asked) > 20
    for method, url, body in asked:
        for foreign in FOREIGN:
            answer = await site.client.request(method, url, json=body, headers=foreign)
            assert answer.status_code == 403, (url, foreign)
    assert await rows(site) == before
    answer = await site.client.options("/v1/skills", headers={"origin": EVIL, "access-control-request-method": "POST"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_no_address_leads_to_another_site_or_makes_a_header(team: TeamSite) -> None:
    parts = await filled(team.workbench, team.tenant_id)
    browser, stranger = await admin_of(team), team.browser()
    ways = [f"{EVIL}/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "/%09/evil.example"]
    forged = [quote(way, safe="%") for way in (*ways, "javascript:alert(1)", "/a%0d%0ax-forged:%201%0d%0a%0d%0a<a>")]
    forged.append("%E5%98%8A%E5%98%8Dx-forged:1")
    seen = 0
    for route in GETTING:
        if route.path.endswith("/events"):
            continue
        there = address(route.path, parts)
        names = parameters(route, "query") & {"next", "back", "after", "skill", "q", "way", "changed", "done", "kind"}
        for value in forged:
            for url in [f"{there}?{name}={value}" for name in names]:
                for client in (browser.client, stranger.client):
                    answer = await client.get(url, headers={"referer": ways[0], "x-forwarded-host": "evil.example"})
                    assert "x-forged" not in answer.headers, url
                    assert not any(sign in text for text in answer.headers.values() for sign in "\r\n"), url
                    seen += stays(answer.headers.get("location"), url)
        # Signed out, each leads to the sign-in, and that to where one was.
        answer = await stranger.client.get(there, headers={"x-forwarded-host": "evil.example"})
        seen += stays(answer.headers.get("location"), there)
    assert seen > 100
    for page in (f"{EVIL}/a", f"{BASE}//evil.example", f"{BASE}/\\evil.example"):
        headers = {"referer": page}
        answer = await browser.client.post("/theme", data={"theme": "dark"}, headers=headers)
        assert stays(answer.headers["location"], "/theme")


def stays(location: str | None, url: str) -> bool:
    """Whether it led anywhere, which has to be here, as a browser reads it."""
    if location is None:
        return False
    read = re.sub(r"[\t\r\n]", "", location).replace("\\", "/")
    assert urlsplit(urljoin(BASE + url, read)).netloc == urlsplit(BASE).netloc, (url, location)
    return True


async def test_no_page_may_be_framed_or_kept_by_a_cache_between(team: TeamSite) -> None:
    parts = await filled(team.workbench, team.tenant_id)
    browser = await admin_of(team)
    shown = 0
    for path in [*GETS, "/nothing", "/v1/skills", "/v1/nothing", "/v1/openapi.json"]:
        if path.endswith("/events") or path.startswith("/static"):
            continue
        answer = await browser.client.get(address(path, parts))
        shown += answer.status_code == 200
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
        assert answer.headers["cache-control"] in ("private, no-cache", "no-store"), path
    assert shown > 40
    # They hold or lead to what lets somebody in.
    for path in ("/sign-in", "/forgotten", "/account", "/members", "/settings/keys", "/settings/providers", "/join/x"):
        assert (await browser.client.get(path)).headers["cache-control"] in ("no-store", "private, no-cache"), path
    for path in ("/members", "/settings/keys", "/settings/providers", "/account"):
        assert (await browser.client.get(path)).headers["cache-control"] == "no-store", path
    policy = HEADERS["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("base", ["http://10.1.2.3:8765", BASE])
async def test_no_header_puts_another_host_into_a_link_that_is_sent(team: TeamSite, base: str) -> None:
    async with mail_server() as post:
        smtp = SmtpServer("127.0.0.1", post.port, "steelyard@example.org", "none", "user", MAIL_PASSWORD)
        hosting = Hosting(public_url="https://steelyard.example")
        team.workbench.people_mail = PeopleMail(hosting, NoticeSettings(smtp=smtp))
        browser = team.browser(base)
        for name in ("x-forwarded-host", "x-forwarded-server", "x-host", "x-original-host", "x-forwarded-proto"):
            browser.client.headers[name] = "evil.example"
        browser.client.headers["forwarded"] = "host=evil.example"
        answer = await browser.post("/forgotten", {"email": await team.user()}, page="/forgotten")
        assert answer.status_code == 200
        for host in ("evil.example", "steelyard.example.evil.example", "10.1.2.3@evil.example"):
            poisoned = await browser.client.get("/forgotten", headers={"host": host})
            assert poisoned.status_code == 403, host
        await asyncio.gather(*team.workbench.people_mail._under_way)
        ((_, mail),) = post.mails
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert re.findall(r"https?://[^/\s]+", content.decode()) == ["https://steelyard.example"]
    assert "evil" not in mail.as_string()

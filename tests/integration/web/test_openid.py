"""Signing in by OpenID Connect, at a real provider over HTTP: the way there and back, and those who try another."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from steelyard.domain.access import Role
from steelyard.domain.openid import Claims, OpenIdProvider
from steelyard.openid import http as openid_http
from steelyard.storage import identities, memberships, users
from steelyard.storage.server import Server
from steelyard.storage.tenants import ensure_tenant
from tests.integration.web.harness import BASE, site_of, token_in
from tests.integration.web.teams import PASSWORD, Browser, TeamSite, team_site_of
from tests.openid import CLIENT_SECRET, Provider, free_port, running

SESSION = "steelyard_session"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running(free_port(), [BASE]) as provider:
        yield provider


def way(provider: Provider, **more: Any) -> OpenIdProvider:
    return replace(OpenIdProvider("acme", "Acme", provider.issuer, "steelyard", CLIENT_SECRET), **more)


@asynccontextmanager
async def site_with(home: Path, tenant_id: UUID, *ways: OpenIdProvider) -> AsyncGenerator[TeamSite]:
    async with team_site_of(home, tenant_id) as site:
        site.workbench.settings = replace(site.workbench.settings, openid=ways)
        yield site


@pytest.fixture
async def team(server: Server, server_home: Path, tenant_id: UUID, provider: Provider) -> AsyncIterator[TeamSite]:
    provider.behave()
    async with site_with(server_home, tenant_id, way(provider)) as site:
        await site.user(Role.ADMIN)
        yield site


def onward(answer: httpx.Response) -> str:
    """Where the page that was answered sends the browser."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    assert found is not None, answer.text
    return html.unescape(found[1])


async def sent(browser: Browser, url: str = "/sign-in/oidc/acme", data: dict[str, str] | None = None) -> str:
    return onward(await browser.post(url, data))


async def back(browser: Browser, provider: Provider, address: str, login: str) -> httpx.Response:
    """What the callback answers once `login` has signed in at the provider."""
    return await browser.get(await asyncio.to_thread(provider.log_in, address, login))


async def come_in(browser: Browser, provider: Provider, login: str, leads: str = "") -> httpx.Response:
    """What the callback answers; for a newcomer who is invited, what joining by the first invitation does."""
    return await first_of(browser, await back(browser, provider, await sent(browser, data={"next": leads}), login))


async def first_of(browser: Browser, answer: httpx.Response) -> httpx.Response:
    if answer.headers.get("location") != "/invitations":
        return answer
    assert not any(line.startswith(f"{SESSION}=") for line in answer.headers.get_list("set-cookie"))
    joins = re.findall(r'name="join" value="([0-9a-f-]+)"', (await browser.get("/invitations")).text)
    return await browser.post("/invitations", {"join": joins[0]}, page="/invitations")


def new_address(what: str = "ann") -> str:
    return f"{what}-{uuid4().hex[:10]}@acme.example"


async def invited(team: TeamSite, role: Role = Role.EDITOR, what: str = "ann") -> str:
    email = new_address(what)
    await team.workbench.members.invite(team.tenant_id, email, role)
    return email


def is_refused(answer: httpx.Response, status: int, words: str) -> None:
    text = html.unescape(re.sub(r"<[^>]+>", "", answer.text))
    assert (answer.status_code, words in text) == (status, True), text
    assert not any(line.startswith(f"{SESSION}=") for line in answer.headers.get_list("set-cookie"))


async def test_who_is_invited_becomes_a_member_and_comes_in_again_without_an_invitation(
    team: TeamSite, provider: Provider
) -> None:
    email = await invited(team)
    browser = team.browser()
    address = await sent(browser, data={"next": "/models"})
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{BASE}/sign-in/oidc/acme/callback"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    answer = await first_of(browser, await back(browser, provider, address, email))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    session = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{SESSION}="))
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in session.split(";")}
    member = await team.workbench.members.called(team.tenant_id, email)
    assert (member.role, member.name) == (Role.EDITOR, f"{email.split('@')[0]} of Acme")
    assert await team.workbench.members.invitations(team.tenant_id) == []
    assert member.name in (await browser.get("/account")).text
    again = await come_in(team.browser(), provider, email, "/models?q=1")
    assert (again.status_code, again.headers["location"]) == (303, "/models?q=1")


async def test_without_an_invitation_nobody_gets_an_account(team: TeamSite, provider: Provider) -> None:
    email = new_address()
    is_refused(await come_in(team.browser(), provider, email), 403, "no invitation waits for your address")
    assert await users.by_email(team.workbench.database, email) is None


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("none", "does not hold"),
        ("hs256", "does not hold"),
        ("hs256_secret", "does not hold"),
        ("foreign_key", "does not hold"),
        ("unknown_key", "by a key that it does not show"),
        ("own_key_in_header", "does not"),
        ("audience", "does not hold (aud)"),
        ("audiences", "does not hold (azp)"),
        ("issuer", "does not hold (iss)"),
        ("expired", "does not hold"),
        ("no_expiry", "does not hold (exp)"),
        ("future", "does not hold"),
        ("nonce", "does not hold (nonce)"),
        ("no_nonce", "does not hold (nonce)"),
        ("no_subject", "does not hold (sub)"),
        ("access_token", "does not hold (at_hash)"),
        ("garbage", "does not hold"),
        ("no_token", "it gave no ID token"),
        ("other_person", "it does not tell who signed in"),
        ("huge", "longer than 1,000,000 bytes"),
        ("html", "its answer is not JSON"),
    ],
)
async def test_what_the_provider_did_not_sign_for_this_very_request_lets_nobody_in(
    team: TeamSite, provider: Provider, mode: str, words: str
) -> None:
    email = await invited(team)
    browser = team.browser()
    address = await sent(browser)
    provider.behave(mode)
    is_refused(await back(browser, provider, address, email), 502, words)
    assert await users.by_email(team.workbench.database, email) is None
    provider.behave()
    assert (await come_in(browser, provider, email)).status_code == 303, "it works once it is as it should be"


@pytest.mark.parametrize("mode", ["rotated", "late_clock"])
async def test_new_keys_and_clocks_a_little_apart_are_no_hindrance(
    team: TeamSite, provider: Provider, mode: str
) -> None:
    assert (await come_in(team.browser(), provider, await invited(team))).status_code == 303
    provider.behave(mode)
    assert (await come_in(team.browser(), provider, await invited(team))).status_code == 303


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("other_issuer", "calls itself by another name"),
        ("plain_http", "token_endpoint is no address with https"),
        ("moved", "answered HTTP 302"),
    ],
)
async def test_a_provider_that_is_not_what_the_settings_say_is_not_used(
    team: TeamSite, provider: Provider, mode: str, words: str
) -> None:
    provider.behave(mode)
    answer = await team.browser().post("/sign-in/oidc/acme")
    text = html.unescape(re.sub(r"<[^>]+>", "", answer.text))
    assert answer.status_code == 502
    assert words in text or (mode == "moved" and "its answer is not JSON" in text)


async def test_a_provider_that_is_away_or_slow_is_told_and_passwords_go_on(
    team: TeamSite, server_home: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = way(provider, issuer=f"http://127.0.0.1:{free_port()}")
    async with site_with(server_home, team.tenant_id, gone) as site:
        browser = site.browser()
        answer = await browser.post("/sign-in/oidc/acme")
        assert answer.status_code == 502
        assert "there is no connection to it" in answer.text
        assert (await browser.sign_in(await site.user())).status_code == 303
    monkeypatch.setattr(openid_http, "TIMEOUT_S", 0.5)
    browser = team.browser()
    address = await sent(browser)
    provider.behave("slow")
    is_refused(await back(browser, provider, address, await invited(team)), 502, "no answer within 0.5 s")


async def test_an_answer_works_once_and_in_the_browser_that_was_sent(team: TeamSite, provider: Provider) -> None:
    email = await invited(team)
    browser, other = team.browser(), team.browser()
    address = await sent(browser)
    returned = await asyncio.to_thread(provider.log_in, address, email)
    too_late = "begun in another browser, is used up"
    # Whoever is handed the address of somebody's answer is not signed in as them.
    is_refused(await other.get(returned), 403, too_late)
    await sent(other)
    is_refused(await other.get(returned), 403, too_late)
    cookie = browser.client.cookies["steelyard_openid"]
    is_refused(await browser.get(returned.replace("state=", "state=x")), 403, too_late)
    assert (await browser.get(returned)).status_code == 403, "a wrong answer has used the browser's token up"
    browser.client.cookies.set("steelyard_openid", cookie, domain="localhost.local")
    assert (await browser.get(returned)).status_code == 303
    browser.client.cookies.set("steelyard_openid", cookie, domain="localhost.local")
    is_refused(await browser.get(returned), 403, too_late)


async def test_a_code_that_was_used_or_is_anothers_lets_nobody_in(team: TeamSite, provider: Provider) -> None:
    mine, theirs = await invited(team), await invited(team)
    stolen = await asyncio.to_thread(provider.log_in, await sent(team.browser()), theirs)
    code = parse_qs(urlsplit(stolen).query)["code"][0]
    browser = team.browser()
    for _ in range(2):
        own = await asyncio.to_thread(provider.log_in, await sent(browser), mine)
        injected = re.sub(r"code=[^&]+", f"code={code}", own)
        is_refused(await browser.get(injected), 502, "it refused: grant request is invalid")
    own = await asyncio.to_thread(provider.log_in, await sent(browser), mine)
    is_refused(await browser.get(re.sub(r"iss=[^&]+", "iss=https://other.example", own)), 502, "another provider's")
    own = await asyncio.to_thread(provider.log_in, await sent(browser), mine)
    is_refused(await browser.get(re.sub(r"&iss=[^&]+", "", own)), 502, "another provider's")


async def test_a_refusal_is_shown_as_words_and_only_to_whoever_was_sent(team: TeamSite) -> None:
    words = "<script>alert(1)</script>\u202e" + "x" * 500
    browser = team.browser()
    anybody = await browser.get("/sign-in/oidc/acme/callback", params={"error_description": words, "state": "x"})
    assert "alert(1)" not in anybody.text
    state = parse_qs(urlsplit(await sent(browser)).query)["state"][0]
    query = {"state": state, "error": "access_denied", "error_description": words}
    issuer = team.workbench.settings.openid[0].issuer
    answer = await browser.get("/sign-in/oidc/acme/callback", params={**query, "iss": issuer})
    assert answer.status_code == 502
    assert "it refused: &lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert "\u202e" not in answer.text
    assert "x" * 300 not in answer.text


async def test_an_account_with_a_password_opens_to_no_providers_word(team: TeamSite, provider: Provider) -> None:
    email = await team.user(Role.ADMIN)
    browser = team.browser()
    answer = await come_in(browser, provider, email)
    is_refused(answer, 409, "Acme’s word alone does not open it")
    # Its owner connects it, by showing the password once more.
    assert (await browser.sign_in(email)).status_code == 303
    refused = await browser.post("/account/oidc/acme", {"password": "not it at all"}, page="/account/oidc")
    assert (refused.status_code, "do not belong together" in refused.text) == (422, True)
    address = await sent_from_account(browser, {"password": PASSWORD})
    connected = await back(browser, provider, address, email)
    assert connected.headers["location"] == "/account/oidc?connected=1"
    page = (await browser.get("/account/oidc?connected=1")).text
    assert "From now on it lets you in" in page
    assert email in page
    assert (await come_in(team.browser(), provider, email)).status_code == 303
    # Nobody else connects the same account, and disconnected it opens nothing.
    other = await team.member(Role.ADMIN)
    is_refused(
        await back(other, provider, await sent_from_account(other, {"password": PASSWORD}), email),
        403,
        f"At Acme you are {email}, and here ",
    )
    [identity] = await team.workbench.openid_people.list(await _user(team, email))
    assert (await browser.post(f"/account/oidc/{identity.id}/end", page="/account/oidc")).status_code == 303
    is_refused(await come_in(team.browser(), provider, email), 409, "does not open it")


async def sent_from_account(browser: Browser, data: dict[str, str]) -> str:
    return onward(await browser.post("/account/oidc/acme", data, page="/account/oidc"))


async def _user(team: TeamSite, email: str) -> UUID:
    user = await users.by_email(team.workbench.database, email)
    assert user is not None
    return user.id


async def test_what_is_connected_belongs_to_the_session_that_asked(team: TeamSite, provider: Provider) -> None:
    browser = await team.member()
    address = await sent_from_account(browser, {"password": PASSWORD})
    await browser.post("/sign-out", page="/models")
    is_refused(await back(browser, provider, address, new_address()), 403, "begun in another browser, is used up")
    browser = await team.member()
    address = await sent_from_account(browser, {"password": PASSWORD})
    kept = browser.client.cookies["steelyard_openid"]
    second = await team.member()
    second.client.cookies.set("steelyard_openid", kept, domain="localhost.local")
    is_refused(await back(second, provider, address, new_address()), 403, "session in which you began this has ended")


async def test_another_provider_does_not_open_an_account_that_came_by_the_first(
    team: TeamSite, server_home: Path, provider: Provider
) -> None:
    email = await invited(team)
    assert (await come_in(team.browser(), provider, email)).status_code == 303
    with running(port := free_port(), [BASE]) as second:
        other = way(second, id="other", name="Other")
        assert str(port) in other.issuer
        async with site_with(server_home, team.tenant_id, way(provider), other) as site:
            browser = site.browser()
            address = await sent(browser, "/sign-in/oidc/other")
            is_refused(await back(browser, second, address, email), 409, "Other’s word alone does not open it")


async def test_the_only_way_of_signing_in_stays_connected(team: TeamSite, provider: Provider) -> None:
    email = await invited(team)
    browser = team.browser()
    await come_in(browser, provider, email)
    [identity] = await team.workbench.openid_people.list(await _user(team, email))
    answer = await browser.post(f"/account/oidc/{identity.id}/end", page="/account/oidc")
    assert (answer.status_code, "your only way of signing in" in answer.text) == (409, True)
    # Without a password, having signed in a moment ago is proof enough to connect another.
    assert urlsplit(await sent_from_account(browser, {})).path == "/auth"
    ago = "UPDATE sessions SET created_at = now() - interval '20 minutes' WHERE user_id = %s"
    await team.workbench.database.ask(ago, (await _user(team, email),))
    late = await browser.post("/account/oidc/acme", page="/account/oidc")
    assert (late.status_code, "signed in too long ago" in late.text) == (403, True)


@pytest.mark.parametrize(
    ("what", "more", "words"),
    [
        ("unverified", {}, "has not verified"),
        ("words", {}, "has not verified"),
        ("silent", {}, "has not verified"),
        ("ann", {"domains": ("other.example",)}, "only addresses of other.example"),
        ("unverified", {"domains": ("acme.example",), "vouches": True}, "has not verified"),
        ("silent", {"domains": ("acme.example",), "vouches": True}, ""),
        ("ann", {"domains": ("acme.example",)}, ""),
    ],
)
async def test_an_address_counts_where_the_provider_says_it_is_verified_and_may_say_so(
    team: TeamSite, server_home: Path, provider: Provider, what: str, more: dict[str, Any], words: str
) -> None:
    email = await invited(team, what=what)
    async with site_with(server_home, team.tenant_id, way(provider, **more)) as site:
        answer = await come_in(site.browser(), provider, email)
        if words:
            is_refused(answer, 403, words)
            assert await users.by_email(team.workbench.database, email) is None
        else:
            assert answer.status_code == 303


async def test_a_letter_that_only_looks_like_another_in_lower_case_is_not_the_same_address(
    team: TeamSite, provider: Provider
) -> None:
    email = await invited(team, what="kim")
    login = f"as:{uuid4().hex}:{email.replace('k', chr(0x212A), 1)}"
    assert login.split(":")[2].lower() == email
    is_refused(await come_in(team.browser(), provider, login), 403, "cannot be used")


async def test_a_known_identity_keeps_its_account_whatever_address_it_shows_later(
    team: TeamSite, provider: Provider
) -> None:
    """Accounts go by the provider's subject: a new address there opens no other account here."""
    admin = await team.user(Role.ADMIN)
    email, word = await invited(team, Role.VIEWER), uuid4().hex
    assert (await come_in(team.browser(), provider, f"as:{word}:{email}")).status_code == 303
    member = await team.workbench.members.called(team.tenant_id, email)
    with_another = f"as:{word}:{admin}"
    is_refused(await come_in(team.browser(), provider, with_another), 409, "does not open it")
    assert (await team.workbench.members.called(team.tenant_id, email)).user_id == member.user_id


async def test_a_default_tenant_takes_whom_nobody_invited_once_it_has_an_admin(
    server: Server, server_home: Path, tenant_id: UUID, provider: Provider
) -> None:
    provider.behave()
    name = f"Acme {uuid4().hex[:8]}"
    more: dict[str, Any] = {"domains": ("acme.example",), "default_tenant": name}
    async with site_with(server_home, tenant_id, way(provider, **more)) as site:
        other = uuid4()
        async with site.workbench.database.tenant(other) as connection:
            await ensure_tenant(connection, other, name)
        email = new_address()
        is_refused(await come_in(site.browser(), provider, email), 403, "you belong to no tenant here")
        await site.user(Role.ADMIN, tenant_id=other)
        assert (await come_in(site.browser(), provider, email)).status_code == 303
        assert (await site.workbench.members.called(other, email)).role is Role.VIEWER
        # Another tenant that invites whoever comes has them only if they choose it.
        hostile, browser = new_address("hostile"), site.browser()
        await site.workbench.members.invite(tenant_id, hostile, Role.EDITOR)
        answer = await back(browser, provider, await sent(browser, data={"next": "/models"}), hostile)
        assert (answer.status_code, answer.headers["location"]) == (303, "/invitations")
        member = await site.workbench.members.called(other, hostile)
        assert (member.name.isprintable(), len(member.name) <= 80) == (True, True)
        assert await belongs_to(site, hostile) == {other}
        [offer] = re.findall(r'name="decline" value="([0-9a-f-]+)"', (await browser.get("/invitations")).text)
        done = await browser.post("/invitations", {"decline": offer}, page="/invitations")
        assert ("is turned down" in done.text, "None waits for your address" in done.text) == (True, True)
        assert await site.workbench.members.invitations(tenant_id) == []
        assert await belongs_to(site, hostile) == {other}
        # Its own invitation says as what; it is taken up with the default.
        wanted = new_address()
        await site.workbench.members.invite(other, wanted, Role.EDITOR)
        assert (await come_in(site.browser(), provider, wanted)).headers["location"] == "/"
        assert (await site.workbench.members.called(other, wanted)).role is Role.EDITOR
    async with site_with(server_home, tenant_id, way(provider, **(more | {"default_tenant": "nowhere"}))) as site:
        is_refused(await come_in(site.browser(), provider, new_address()), 403, "default_tenant of its settings")


async def belongs_to(site: TeamSite, email: str) -> set[UUID]:
    return {one.tenant_id for one in await site.workbench.sign_in.tenants(await _user(site, email))}


async def other_tenant(site: TeamSite, name: str) -> UUID:
    made = uuid4()
    async with site.workbench.database.tenant(made) as connection:
        await ensure_tenant(connection, made, name)
    return made


async def test_a_newcomer_chooses_among_the_invitations_of_their_address(team: TeamSite, provider: Provider) -> None:
    """A tenant that invites everybody it knows of gets nobody who does not want to be in it."""
    email, members = new_address(), team.workbench.members
    pushy = await other_tenant(team, "Pushy <b>works</b>")
    first = await members.invite(pushy, email, Role.ADMIN)
    wanted = await members.invite(team.tenant_id, email, Role.EDITOR)
    strange = await members.invite(pushy, new_address(), Role.VIEWER)
    browser = team.browser()
    answer = await back(browser, provider, await sent(browser), email)
    assert answer.headers["location"] == "/invitations"
    assert await users.by_email(team.workbench.database, email) is None, "nothing is made before they choose"
    page = html.unescape(re.sub(r"<[^>]+>", "", (await browser.get("/invitations")).text))
    assert "Pushy <b>works</b>" in page
    assert "invites you as admin" in page
    assert "invites you as editor" in page
    for choice in ({"join": str(strange.id)}, {"decline": str(strange.id)}, {"join": "none"}, {}):
        assert (await browser.post("/invitations", choice, page="/invitations")).status_code == 404
    await browser.post("/invitations", {"decline": str(first.id)}, page="/invitations")
    joined = await browser.post("/invitations", {"join": str(wanted.id)}, page="/invitations")
    assert (joined.status_code, joined.headers["location"]) == (303, "/")
    assert await belongs_to(team, email) == {team.tenant_id}
    assert await members.invitations(pushy) == [one for one in await members.invitations(pushy) if one.id == strange.id]
    # Who is a member sees later ones where the provider vouches for the address, and not by a password.
    again = await members.invite(pushy, email, Role.VIEWER)
    known = team.browser()
    answer = await back(known, provider, await sent(known, data={"next": "/models"}), email)
    assert answer.headers["location"] == "/invitations?next=%2Fmodels"
    assert 'href="/models"' in (await known.get(answer.headers["location"])).text
    assert (await known.post("/invitations", {"join": str(again.id)}, page="/invitations")).status_code == 303
    assert await belongs_to(team, email) == {team.tenant_id, pushy}
    assert "Pushy" in (await known.get("/account")).text


async def test_invitations_are_shown_to_nobody_else(team: TeamSite, provider: Provider) -> None:
    email = new_address()
    made = await team.workbench.members.invite(team.tenant_id, email, Role.VIEWER)
    assert (await team.browser().get("/invitations")).headers["location"].startswith("/sign-in")
    assert (await team.browser().post("/invitations", {"join": str(made.id)})).status_code == 303
    by_password = await team.member(Role.VIEWER)
    assert "open the link of the invitation" in (await by_password.get("/invitations")).text
    refused = await by_password.post("/invitations", {"join": str(made.id)}, page="/invitations")
    assert refused.status_code == 403
    browser = team.browser()
    await back(browser, provider, await sent(browser), email)
    await team.workbench.members.revoke(team.tenant_id, made.id)
    assert "Ask an admin of the tenant" in (await browser.get("/invitations")).text
    late = await browser.post("/invitations", {"join": str(made.id)}, page="/invitations")
    assert (late.status_code, "taken back" in late.text) == (404, True)
    assert await users.by_email(team.workbench.database, email) is None


async def test_who_made_an_account_of_anothers_address_has_no_way_in_once_its_owner_comes(
    team: TeamSite, provider: Provider
) -> None:
    """A link that was shown on a screen proves no address: what its user leaves behind ends with a reset by mail."""
    ceo, mallory = new_address("ceo"), new_address("mallory")
    members, database = team.workbench.members, team.workbench.database
    link = f"/join/{(await members.invite(team.tenant_id, ceo, Role.VIEWER)).token}"
    hers = team.browser()
    made = {"way": "new", "name": "The Chief", "new_password": PASSWORD}
    assert (await hers.post(link, made, page=link)).status_code == 303
    # Her own account of the provider is of another address, and one of his address she has not.
    address = await sent_from_account(hers, {"password": PASSWORD})
    is_refused(await back(hers, provider, address, mallory), 403, f"At Acme you are {mallory}, and here {ceo}.")
    # As an earlier version would have left it.
    hers_still = f"as:{uuid4().hex}:{mallory}"
    subject = Claims(provider.issuer, hers_still, mallory)
    async with database.outside() as connection:
        await identities.connect(connection, await _user(team, ceo), subject)
    assert (await come_in(team.browser(), provider, hers_still)).status_code == 303
    found = await team.workbench.accounts.reset_link(ceo)
    assert found is not None
    reset, new = f"/reset/{found[1]}", "nine otters under bridge"
    under_way = await sent_from_account(hers, {"password": PASSWORD})
    browser = team.browser()
    assert (await browser.post(reset, {"password": new}, page=reset)).status_code == 303
    assert (await hers.get("/account")).status_code == 303
    assert (await team.browser().sign_in(ceo)).status_code == 422
    is_refused(await come_in(team.browser(), provider, hers_still), 403, "no invitation waits for your address")
    is_refused(await back(hers, provider, under_way, ceo), 403, "used up")
    assert await identities.list_identities(database, await _user(team, ceo)) == []
    admin = await team.member()
    assert "set the password of the member" in (await admin.get("/audit")).text


async def test_members_of_the_same_name_stay_apart(team: TeamSite, provider: Provider) -> None:
    email = await invited(team)
    await team.user(name=f"{email.split('@')[0]} of Acme")
    assert (await come_in(team.browser(), provider, email)).status_code == 303
    assert (await team.workbench.members.called(team.tenant_id, email)).name.endswith(" of Acme (2)")


async def test_who_left_every_tenant_is_out_until_invited_again(team: TeamSite, provider: Provider) -> None:
    email = await invited(team)
    browser = team.browser()
    await come_in(browser, provider, email)
    member = await team.workbench.members.called(team.tenant_id, email)
    await team.workbench.members.remove(team.tenant_id, member.user_id)
    assert (await browser.get("/models")).status_code == 303
    is_refused(await come_in(browser, provider, email), 403, "you belong to no tenant here")
    await team.workbench.members.invite(team.tenant_id, email, Role.VIEWER)
    assert (await come_in(browser, provider, email)).status_code == 303
    async with team.workbench.database.tenant(team.tenant_id) as connection:
        assert (await memberships.hold_members(connection))[member.user_id] is Role.VIEWER


async def test_the_first_admin_may_come_by_a_provider(
    server: Server, server_home: Path, tenant_id: UUID, provider: Provider
) -> None:
    provider.behave()
    async with site_with(server_home, tenant_id, way(provider)) as site:
        token = await site.workbench.setup.link()
        assert "Go on with Acme" in (await site.browser().get(f"/setup/{token}")).text
        browser, email = site.browser(), new_address()
        setup = f"/setup/{token}/oidc/acme"
        address = onward(await browser.post(setup, {"tenant": "Acme & Co"}, page=f"/setup/{token}"))
        late = site.browser()
        late_address = onward(await late.post(setup, {"tenant": "Late"}, page=f"/setup/{token}"))
        assert (await back(browser, provider, address, email)).headers["location"] == "/"
        assert (await site.workbench.members.called(tenant_id, email)).role is Role.ADMIN
        assert "Acme &amp; Co" in (await browser.get("/account")).text
        is_refused(await back(late, provider, late_address, new_address()), 404, "This link was used")
        assert (await late.post(setup)).status_code == 404


async def test_signing_out_goes_on_to_the_provider_for_who_came_by_it(team: TeamSite, provider: Provider) -> None:
    browser = team.browser()
    await come_in(browser, provider, await invited(team))
    answer = await browser.post("/sign-out", page="/models")
    leaving = urlsplit(onward(answer))
    assert f"{leaving.scheme}://{leaving.netloc}{leaving.path}" == f"{provider.issuer}/session/end"
    query = parse_qs(leaving.query)
    assert query["post_logout_redirect_uri"] == [f"{BASE}/sign-in"]
    assert query["id_token_hint"][0].count(".") == 2
    assert (await browser.get("/models")).status_code == 303
    by_password = await team.member()
    assert (await by_password.post("/sign-out", page="/models")).headers["location"] == "/sign-in"


async def test_signing_in_takes_over_no_session_and_ends_the_one_there_was(team: TeamSite, provider: Provider) -> None:
    browser = await team.member()
    first = browser.client.cookies[SESSION]
    email = await invited(team)
    answer = await first_of(browser, await back(browser, provider, await sent_with_session(browser), email))
    assert answer.status_code == 303
    assert browser.client.cookies[SESSION] != first
    other = team.browser()
    other.client.cookies.set(SESSION, first, domain="localhost.local")
    assert (await other.get("/models")).status_code == 303


async def sent_with_session(browser: Browser) -> str:
    return onward(await browser.post("/sign-in/oidc/acme", page="/account"))


@pytest.mark.parametrize("leads", ["https://evil.example/", "//evil.example/", "/\\evil.example", "/sign-in/oidc/acme"])
async def test_it_leads_to_no_other_site(team: TeamSite, provider: Provider, leads: str) -> None:
    email = await invited(team)
    await come_in(team.browser(), provider, email)
    assert (await come_in(team.browser(), provider, email, leads)).headers["location"] == "/"


async def test_no_page_of_another_site_begins_it_and_too_many_tries_are_stopped(team: TeamSite) -> None:
    browser = team.browser()
    token = token_in((await browser.get("/sign-in")).text)
    data = {"csrf_token": token}
    foreign = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    assert (await browser.client.post("/sign-in/oidc/acme", data=data, headers=foreign)).status_code == 403
    assert (await browser.client.post("/sign-in/oidc/acme")).status_code == 403
    assert (await browser.get("/sign-in/oidc/acme")).status_code == 405
    crowd = team.browser(address="198.51.100.77")
    page = token_in((await crowd.get("/sign-in")).text)
    codes = [(await crowd.client.post("/sign-in/oidc/acme", data={"csrf_token": page})).status_code for _ in range(61)]
    assert codes == [200] * 60 + [429]


async def test_who_is_unknown_and_local_mode_have_no_such_door(
    team: TeamSite, server_home: Path, tenant_id: UUID
) -> None:
    browser = team.browser()
    assert (await browser.post("/sign-in/oidc/nobody")).status_code == 404
    assert (await browser.get("/sign-in/oidc/nobody/callback")).status_code == 404
    async with site_of(server_home, tenant_id) as site:
        assert (await site.post("/sign-in/oidc/acme")).status_code == 404
        assert (await site.client.get("/sign-in/oidc/acme/callback")).status_code == 404
        assert (await site.post("/account/oidc/acme")).status_code == 404


async def test_the_sign_in_page_offers_the_providers_there_are(
    team: TeamSite, server_home: Path, provider: Provider
) -> None:
    hostile = way(provider, id="other", name="<i>Other</i>")
    assert (await team.browser().get("/sign-in")).text.count("Go on with") == 1
    async with site_with(server_home, team.tenant_id) as site:
        assert "Go on with" not in (await site.browser().get("/sign-in")).text
    async with site_with(server_home, team.tenant_id, way(provider), hostile) as site:
        page = (await site.browser().get("/sign-in")).text
        assert "Go on with &lt;i&gt;Other" in page

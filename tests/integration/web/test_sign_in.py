"""Signing in and out of a team's site, over HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from steelyard.domain.access import Role
from steelyard.services.live import LiveRuns
from steelyard.services.try_limits import MOST_OF_ACCOUNT, MOST_OF_ADDRESS
from steelyard.storage import memberships
from steelyard.storage.server import Server
from steelyard.storage.tenants import ensure_tenant
from steelyard.web.pages import run as run_page
from steelyard.web.security.headers import TLS_ONLY
from tests.integration.execution.bench import Bench
from tests.integration.services.made import asks, checked, content
from tests.integration.web.harness import Site, token_in
from tests.integration.web.teams import PASSWORD, Browser, TeamSite, team_site_of


@pytest.fixture
async def team(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[TeamSite]:
    async with team_site_of(server_home, tenant_id) as site:
        yield site


async def test_without_a_session_each_door_says_so_in_its_own_way(team: TeamSite) -> None:
    browser = team.browser()
    page = await browser.get("/models?q=a b")
    assert page.status_code == 303
    assert page.headers["location"] == "/sign-in?next=%2Fmodels%3Fq%3Da%2520b"
    fragment = await browser.get(
        "/settings", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost:8765/settings?x=1"}
    )
    assert (fragment.status_code, fragment.headers["hx-redirect"]) == (401, "/sign-in?next=%2Fsettings%3Fx%3D1")
    for url in ("/v1/stale", f"/runs/{uuid4()}.json"):
        answer = await browser.get(url)
        assert answer.status_code == 401
        assert answer.json()["detail"] == "You are not signed in."


async def test_signing_in_leads_to_where_one_wanted_to_go_and_out_again(team: TeamSite) -> None:
    email = await team.user(Role.VIEWER, name="Ann Lee")
    browser = team.browser()
    answer = await browser.sign_in(f"  {email.upper()} ", leads="/models")
    assert (answer.status_code, answer.headers["location"]) == (303, "/models")
    page = await browser.get("/models")
    assert "Ann Lee" in page.text
    assert "Everything here is kept on this machine" not in page.text
    assert (await browser.get("/sign-in?next=/queue")).headers["location"] == "/queue"
    gone = await browser.post("/sign-out", page="/models")
    assert gone.headers["location"] == "/sign-in"
    assert (await browser.get("/models")).status_code == 303


async def test_a_cookie_kept_after_signing_out_is_good_for_nothing(team: TeamSite) -> None:
    browser = await team.member()
    kept = browser.client.cookies["steelyard_session"]
    await browser.post("/sign-out", page="/models")
    browser.client.cookies.set("steelyard_session", kept)
    assert (await browser.get("/models")).status_code == 303


@pytest.mark.parametrize(
    "leads",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/sign-in?next=/sign-in",
        "http:evil.example",
        " //evil.example",
    ],
)
async def test_signing_in_leads_to_no_other_site(team: TeamSite, leads: str) -> None:
    browser = team.browser()
    assert (await browser.sign_in(await team.user(), leads=leads)).headers["location"] == "/"


async def test_as_much_is_hashed_and_the_same_is_said_for_an_address_without_an_account(team: TeamSite) -> None:
    known = await team.user()
    browser = team.browser()
    answers, work = [], []
    for email in (known, "nobody-" + known):
        before = team.hasher.compared
        answer = await browser.sign_in(email, "not the password")
        answers.append((answer.status_code, re.sub(r"[0-9a-f]{112}", "", answer.text).replace(email, "")))
        work.append(team.hasher.compared - before)
    assert work == [1, 1]
    assert answers[0] == answers[1]
    assert answers[0][0] == 422


async def test_a_session_set_before_signing_in_is_not_taken_over(team: TeamSite) -> None:
    email = await team.user()
    browser = team.browser()
    browser.client.cookies.set("steelyard_session", "chosen-by-somebody-else", domain="localhost.local")
    token = token_in((await browser.get("/sign-in")).text)
    mark = browser.client.cookies["steelyard_csrf"]
    answer = await browser.sign_in(email)
    given = answer.headers.get_list("set-cookie")
    session = next(line for line in given if line.startswith("steelyard_session="))
    assert "chosen-by" not in session
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in session.split(";")}
    assert any(line.startswith("steelyard_csrf=") and mark not in line for line in given)
    # What was given out before is good for nothing now.
    assert (await browser.client.post("/sign-out", data={"csrf_token": token})).status_code == 403


async def test_signing_in_again_ends_the_session_there_was(team: TeamSite) -> None:
    browser = await team.member()
    first = browser.client.cookies["steelyard_session"]
    await browser.post("/sign-in", {"email": await team.user(), "password": PASSWORD}, page="/models")
    other = team.browser()
    other.client.cookies.set("steelyard_session", first)
    assert (await other.get("/models")).status_code == 303


@pytest.mark.parametrize("known", [True, False])
async def test_an_account_is_locked_for_a_while_after_too_many_tries_whoever_it_is(team: TeamSite, known: bool) -> None:
    email = await team.user() if known else f"{uuid4().hex}@example.org"
    for at in range(MOST_OF_ACCOUNT):
        browser = team.browser(address=f"198.51.100.{at}")
        assert (await browser.sign_in(email, "wrong")).status_code == 422
    compared = team.hasher.compared
    answer = await team.browser(address="198.51.100.200").sign_in(email)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert "tried too often with that address of e-mail, or from your network" in answer.text
    assert team.hasher.compared == compared, "nothing is hashed for who is locked out"


async def test_an_address_is_locked_whatever_accounts_it_tries(team: TeamSite) -> None:
    address = f"2001:db8:{uuid4().hex[:4]}:1::"
    for at in range(MOST_OF_ADDRESS):
        await team.workbench.sign_in_limits.take(f"{uuid4().hex}@example.org", f"{address}{at:x}")
    answer = await team.browser(address=f"{address}ffff").sign_in(await team.user())
    assert answer.status_code == 429
    assert (await team.browser(address="198.51.100.7").sign_in(await team.user())).status_code == 303


async def test_signing_in_rightly_clears_the_count(team: TeamSite) -> None:
    email, browser = await team.user(), team.browser()
    for _ in range(2):
        for _ in range(MOST_OF_ACCOUNT - 1):
            assert (await browser.sign_in(email, "wrong")).status_code == 422
        assert (await browser.sign_in(email)).status_code == 303
        await browser.post("/sign-out", page="/models")


async def test_a_user_without_a_tenant_is_told_so_once_the_password_was_right(team: TeamSite) -> None:
    answer = await team.browser().sign_in(await team.user(None))
    assert answer.status_code == 403
    assert "Your account belongs to no tenant." in answer.text


async def test_over_tls_the_cookies_are_for_this_host_alone(server: Server, server_home: Path, tenant_id: UUID) -> None:
    env = {"STEELYARD_PUBLIC_URL": "https://steelyard.example"}
    async with team_site_of(server_home, tenant_id, env=env) as team:
        # As it comes from a proxy, which speaks plain HTTP to the site.
        browser = team.browser("http://steelyard.example", "127.0.0.1")
        page = await browser.get("/sign-in")
        assert page.headers.items() >= TLS_ONLY.items()
        given = page.headers.get_list("set-cookie")
        assert all(line.startswith("__Host-") and "Secure" in line for line in given)
        browser.client.cookies.update({line.split("=")[0]: line.split("=")[1].split(";")[0] for line in given})
        data = {"email": await team.user(), "password": PASSWORD, "csrf_token": token_in(page.text)}
        answer = await browser.client.post("/sign-in", data=data, headers={"origin": "https://steelyard.example"})
        assert answer.status_code == 303
        names = [line.split("=")[0] for line in answer.headers.get_list("set-cookie")]
        assert sorted(names) == ["__Host-steelyard_csrf", "__Host-steelyard_session"]
        assert (await team.browser("http://10.1.2.3").get("/sign-in")).status_code == 403


async def test_without_a_public_address_any_ip_address_is_answered_and_no_strange_name(team: TeamSite) -> None:
    for base, status in (("http://10.1.2.3:8765", 200), ("http://[2001:db8::7]", 200), ("http://evil.example", 403)):
        assert (await team.browser(base).get("/sign-in")).status_code == status, base


async def test_metrics_are_told_to_the_own_machine_alone(team: TeamSite) -> None:
    assert (await team.browser(address="127.0.0.1").get("/metrics")).status_code == 200
    passed_on = {"x-forwarded-for": "203.0.113.9"}
    assert (await team.browser(address="127.0.0.1").get("/metrics", headers=passed_on)).status_code == 404
    assert (await team.browser().get("/metrics")).status_code == 404


async def test_a_session_is_seen_and_ended_from_another(team: TeamSite) -> None:
    email = await team.user(Role.VIEWER)
    first, second = team.browser(), team.browser(address="198.51.100.44")
    await first.sign_in(email)
    await second.sign_in(email)
    page = (await first.get("/account")).text
    assert "198.51.100.44" in page
    ends = re.findall(r'action="(/account/sessions/[0-9a-f-]+/end)"', page)
    assert len(ends) == 1, "the present one is ended by signing out"
    assert (await first.post(ends[0], page="/account")).status_code == 303
    assert (await second.get("/account")).status_code == 303
    assert (await first.get("/account")).status_code == 200
    assert (await first.post(ends[0], page="/account")).status_code == 404
    await second.sign_in(email)
    assert (await first.post("/account/sessions/end", page="/account")).status_code == 303
    assert (await second.get("/account")).status_code == 303


async def test_nobody_ends_the_session_of_another(team: TeamSite) -> None:
    victim, other = await team.member(Role.VIEWER), await team.member()
    session = (await team.workbench.sign_in.find(victim.client.cookies["steelyard_session"])).session_id  # type: ignore[union-attr]
    assert (await other.post(f"/account/sessions/{session}/end", page="/account")).status_code == 404
    assert (await victim.get("/account")).status_code == 200


async def test_a_member_of_two_tenants_sees_each_by_itself(team: TeamSite) -> None:
    email = await team.user(name="Ann Two")
    second = uuid4()
    async with team.workbench.database.tenant(second) as connection:
        await ensure_tenant(connection, second, "Zebra works")
    user_id = (await team.workbench.members.called(team.tenant_id, email)).user_id
    async with team.workbench.database.tenant(second) as connection:
        await memberships.add_membership(connection, second, user_id, Role.VIEWER)
    browser = team.browser()
    await browser.sign_in(email)
    page = (await browser.get("/models")).text
    assert 'action="/tenant"' in page
    assert "Zebra works" in page
    assert (await browser.post("/tenant", {"tenant": str(second)}, page="/models")).headers["location"] == "/"
    assert "viewer in" in (await browser.get("/account")).text
    for wrong in (str(uuid4()), "none"):
        assert (await browser.post("/tenant", {"tenant": wrong}, page="/models")).status_code == 404


async def test_a_stream_ends_soon_after_its_session(team: TeamSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_page, "RECHECK_S", 0.0)
    bench = team.workbench
    bench.live = LiveRuns(bench.run_views, interval_s=0.05, refresh_s=0.05)
    run_id = await Bench(bench.database, team.tenant_id).start(asks(content(), [checked(1)]))
    browser = await team.member(Role.VIEWER)
    watching = asyncio.create_task(browser.get(f"/runs/{run_id}/events"))
    await asyncio.sleep(0.5)
    assert not watching.done()
    await browser.post("/sign-out", page="/models")
    async with asyncio.timeout(5):
        assert (await watching).text.endswith("\n\n")


async def test_the_first_admin_has_what_is_here_and_the_link_works_once(team: TeamSite) -> None:
    token = await team.workbench.setup.link()
    assert token is not None
    browser = team.browser()
    form = {"email": f"{uuid4().hex}@example.org", "name": "Ann", "tenant": "Geese", "password": PASSWORD}
    page = f"/setup/{token}"
    assert (await browser.post(page, form | {"password": "short"}, page=page)).status_code == 422
    assert (await browser.post(page, form | {"email": "none"}, page=page)).status_code == 422
    assert (await browser.post(page, form, page=page)).headers["location"] == "/"
    shown = (await browser.get("/account")).text
    assert "admin in" in shown
    assert "Geese" in shown
    assert (await team.browser().get(page)).status_code == 404
    assert await team.workbench.setup.link() is None
    assert (await Browser(team.browser().client).get("/setup/made-up")).status_code == 404


async def test_in_local_mode_nobody_signs_in(site: Site) -> None:
    for url in ("/sign-in", "/account", "/setup/x"):
        assert (await site.client.get(url)).status_code == 404
    for url in ("/sign-in", "/sign-out", "/tenant"):
        assert (await site.post(url)).status_code == 404

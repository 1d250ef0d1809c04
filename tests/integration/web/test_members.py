"""Members, invitations, one's own account, and a forgotten password, over HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from steelyard.domain.access import Role
from steelyard.domain.errors import InputError
from steelyard.domain.hosting import Hosting
from steelyard.domain.notices import NoticeSettings, SmtpServer
from steelyard.domain.openid import Claims
from steelyard.domain.people import Proof
from steelyard.services.people_mail import PeopleMail
from steelyard.services.sign_in import Client
from steelyard.storage import identities
from steelyard.storage.server import Server
from steelyard.storage.tenants import ensure_tenant
from tests.integration.services.receivers import PASSWORD as MAIL_PASSWORD
from tests.integration.services.receivers import Post, mail_server
from tests.integration.web.harness import token_in
from tests.integration.web.teams import PASSWORD, Browser, TeamSite, team_site_of

PUBLIC = Hosting(public_url="https://steelyard.example")
LINK = re.compile(r"(/(?:join|reset)/[\w-]{43})")


@pytest.fixture
async def team(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[TeamSite]:
    async with team_site_of(server_home, tenant_id) as site:
        yield site


@pytest.fixture
async def mails(team: TeamSite) -> AsyncIterator[Post]:
    """The site sends mail, and knows its public address."""
    async with mail_server() as post:
        smtp = SmtpServer("127.0.0.1", post.port, "steelyard@example.org", "none", "user", MAIL_PASSWORD)
        team.workbench.people_mail = PeopleMail(PUBLIC, NoticeSettings(smtp=smtp))
        yield post


def text_of(post: Post) -> str:
    """The text of the one mail there is."""
    ((_, mail),) = post.mails
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


def address() -> str:
    return f"{uuid4().hex[:12]}@example.org"


async def invite(admin: Browser, email: str, role: Role = Role.VIEWER) -> str:
    """The path of the link that is shown."""
    answer = await admin.post("/members/invite", {"email": email, "role": role.value}, page="/members")
    assert answer.status_code == 200, answer.text
    found = LINK.search(answer.text)
    assert found is not None
    return found[1]


async def join(team: TeamSite, link: str, **more: str) -> Browser:
    browser = team.browser()
    form = {"way": "new", "name": f"New {uuid4().hex[:8]}", "new_password": PASSWORD, **more}
    answer = await browser.post(link, form, page=link)
    assert answer.status_code == 303, answer.text
    return browser


async def member_of(team: TeamSite, email: str) -> UUID:
    return (await team.workbench.members.called(team.tenant_id, email)).user_id


async def test_an_invitation_makes_a_member_once(team: TeamSite) -> None:
    admin, email = await team.member(), address()
    link = await invite(admin, email.upper(), Role.EDITOR)
    assert email in (await admin.get("/members")).text
    assert email in (await team.browser().get(link)).text
    browser = await join(team, link)
    assert "editor in" in (await browser.get("/account")).text
    assert (await team.browser().get(link)).status_code == 404
    again = await admin.post("/members/invite", {"email": email, "role": "viewer"}, page="/members")
    assert (again.status_code, "is a member already" in again.text) == (409, True)


async def test_a_password_or_name_that_cannot_be_used_keeps_the_invitation(team: TeamSite) -> None:
    admin, email = await team.member(name="Taken Name"), address()
    link = await invite(admin, email)
    browser = team.browser()
    for wrong in (
        {"name": "Ben", "new_password": "short"},
        {"name": "Ben", "new_password": "password1234"},
        {"name": "Ben", "new_password": email},
        {"name": "", "new_password": PASSWORD},
        {"name": "taken name", "new_password": PASSWORD},
    ):
        assert (await browser.post(link, {"way": "new", **wrong}, page=link)).status_code == 422, wrong
    assert (await browser.get(link)).status_code == 200


async def test_an_invitation_taken_back_replaced_or_too_old_lets_nobody_in(team: TeamSite) -> None:
    admin, email = await team.member(), address()
    first = await invite(admin, email)
    second = await invite(admin, email)
    assert (await team.browser().get(first)).status_code == 404
    revoke = re.search(r'action="(/members/invitations/[0-9a-f-]+/revoke)"', (await admin.get("/members")).text)
    assert revoke is not None
    assert (await admin.post(revoke[1], page="/members")).status_code == 303
    assert (await team.browser().get(second)).status_code == 404
    assert (await admin.post(revoke[1], page="/members")).status_code == 404
    third = await invite(admin, email)
    team.workbench.members._now = lambda: datetime.now(UTC) + timedelta(days=8)
    assert (await team.browser().get(third)).status_code == 404


async def test_a_user_of_another_tenant_joins_by_their_password_and_belongs_to_both(team: TeamSite) -> None:
    other = uuid4()
    async with team.workbench.database.tenant(other) as connection:
        await ensure_tenant(connection, other, "Zebra works")
    email = await team.user(Role.ADMIN, tenant_id=other)
    admin = await team.member()
    link = await invite(admin, email)
    stranger = team.browser()
    assert (await stranger.post(link, {"password": "not this one"}, page=link)).status_code == 422
    await stranger.post(link, {"password": PASSWORD}, page=link)
    assert "Zebra works" in (await stranger.get("/account")).text
    assert len(await team.workbench.sign_in.tenants(await member_of(team, email))) == 2


async def test_whoever_is_signed_in_accepts_with_a_button_and_nobody_elses_session_does(team: TeamSite) -> None:
    other = uuid4()
    async with team.workbench.database.tenant(other) as connection:
        await ensure_tenant(connection, other, "Zebra works")
    email = await team.user(Role.ADMIN, tenant_id=other)
    admin = await team.member()
    link = await invite(admin, email)
    assert "You are signed in as somebody else" in (await admin.get(link)).text
    assert (await admin.post(link, {}, page=link)).status_code == 422
    invited = team.browser()
    await invited.sign_in(email)
    assert "You keep your account" in (await invited.get(link)).text
    assert (await invited.post(link, {}, page=link)).status_code == 303
    assert "viewer in" in (await invited.get("/account")).text


async def test_a_role_counts_from_the_next_request_on_and_a_removed_member_is_out(team: TeamSite) -> None:
    admin, email = await team.member(), address()
    browser = await join(team, await invite(admin, email))
    user = await member_of(team, email)
    assert (await browser.get("/members")).status_code == 403
    assert (await admin.post(f"/members/{user}/role", {"role": "admin"}, page="/members")).status_code == 303
    assert (await browser.get("/members")).status_code == 200
    assert (await admin.post(f"/members/{user}/role", {"role": "boss"}, page="/members")).status_code == 422
    assert (await admin.post(f"/members/{user}/remove", page="/members")).status_code == 303
    assert (await browser.get("/models")).headers["location"].startswith("/sign-in")
    assert (await admin.post(f"/members/{user}/remove", page="/members")).status_code == 404


async def test_the_last_admin_stays_one_also_when_two_leave_at_once(team: TeamSite) -> None:
    email = await team.user(Role.ADMIN)
    admin = team.browser()
    await admin.sign_in(email)
    user = await member_of(team, email)
    for url, data in ((f"/members/{user}/remove", {}), (f"/members/{user}/role", {"role": "viewer"})):
        answer = await admin.post(url, data, page="/members")
        assert answer.status_code == 409
        assert "That is the last admin" in answer.text
    other = await member_of(team, await team.user(Role.ADMIN))
    members = team.workbench.members
    done = await asyncio.gather(
        *(members.set_role(team.tenant_id, one, Role.VIEWER) for one in (user, other)), return_exceptions=True
    )
    assert sorted(one is None for one in done) == [False, True]
    assert [row.role for row in await members.list(team.tenant_id)].count(Role.ADMIN) == 1


async def test_nobody_manages_members_of_another_tenant(team: TeamSite) -> None:
    other = uuid4()
    async with team.workbench.database.tenant(other) as connection:
        await ensure_tenant(connection, other, "Zebra works")
    email = await team.user(Role.VIEWER, tenant_id=other)
    user = (await team.workbench.members.called(other, email)).user_id
    admin = await team.member()
    assert email not in (await admin.get("/members")).text
    for url in (f"/members/{user}/remove", f"/members/{user}/role"):
        assert (await admin.post(url, {"role": "admin"}, page="/members")).status_code == 404
    assert [row.role for row in await team.workbench.members.list(other)] == [Role.VIEWER]


async def test_a_name_is_changed_but_not_to_another_members(team: TeamSite) -> None:
    await team.user(name="Ann Elder")
    browser = await team.member(Role.VIEWER, name="Bea Old")
    await team.workbench.api_keys.make(team.tenant_id, "checkout", ["ingest"])
    # The second has Cyrillic letters.
    for name in ("ANN  elder", "Аnn Еldеr", "Check-out"):
        refused = await browser.post("/account/name", {"name": name}, page="/account")
        assert (refused.status_code, "Another member is called" in refused.text) == (422, True)
    for name in ("Local", "schedule", "Ann (by key x)"):
        refused = await browser.post("/account/name", {"name": name}, page="/account")
        assert (refused.status_code, "under which Steelyard itself notes" in refused.text) == (422, True)
    with pytest.raises(InputError, match="A member is called"):
        await team.workbench.api_keys.make(team.tenant_id, "bea old", ["ingest"])
    assert (await browser.post("/account/name", {"name": "Bea New"}, page="/account")).status_code == 303
    assert "Bea New" in (await browser.get("/account?changed=name")).text
    assert (await browser.get("/account/name")).headers["location"] == "/account"


async def test_a_changed_password_ends_the_other_sessions(team: TeamSite) -> None:
    email = await team.user(Role.VIEWER)
    first, second = team.browser(), team.browser()
    await first.sign_in(email)
    await second.sign_in(email)
    new = "nine otters under bridge"
    for old, wanted in (("not this one", new), (PASSWORD, "short")):
        answer = await first.post("/account/password", {"old": old, "password": wanted}, page="/account")
        assert answer.status_code == 422
    before = first.client.cookies["steelyard_session"]
    answer = await first.post("/account/password", {"old": PASSWORD, "password": new}, page="/account")
    assert answer.status_code == 303
    assert first.client.cookies["steelyard_session"] != before
    assert (await first.get("/account")).status_code == 200
    assert (await second.get("/account")).status_code == 303
    assert (await team.browser().sign_in(email)).status_code == 422
    assert (await team.browser().sign_in(email, new)).status_code == 303


async def test_an_invitation_goes_by_mail_where_there_is_a_server(team: TeamSite, mails: Post) -> None:
    admin, email = await team.member(name="Ann Inviter"), address()
    answer = await admin.post("/members/invite", {"email": email, "role": "viewer"}, page="/members")
    assert "is on its way" in answer.text
    assert LINK.search(answer.text) is None
    assert [to for to, _ in mails.mails] == [[email]]
    link = LINK.search(text_of(mails))
    assert link is not None
    assert f"https://steelyard.example{link[1]}" in text_of(mails)
    assert "Ann Inviter invites you" in text_of(mails)
    await join(team, link[1])


async def test_a_mail_that_fails_leaves_the_link_on_the_page(team: TeamSite) -> None:
    smtp = SmtpServer("127.0.0.1", 9, "steelyard@example.org", "none")
    team.workbench.people_mail = PeopleMail(PUBLIC, NoticeSettings(smtp=smtp))
    answer = await (await team.member()).post(
        "/members/invite", {"email": address(), "role": "viewer"}, page="/members"
    )
    assert "No mail was sent: no connection" in answer.text
    assert "https://steelyard.example/join/" in answer.text


async def test_a_forgotten_password_is_set_by_a_link_that_works_once(team: TeamSite, mails: Post) -> None:
    email = await team.user(Role.VIEWER)
    signed_in = team.browser()
    await signed_in.sign_in(email)
    browser, new = team.browser(), "nine otters under bridge"
    answers = []
    for asked in (email, "nobody-" + email):
        answer = await browser.post("/forgotten", {"email": asked}, page="/forgotten")
        answers.append((answer.status_code, re.sub(r"[0-9a-f]{112}", "", answer.text).replace(asked, "")))
    assert answers[0] == answers[1]
    await asyncio.gather(*team.workbench.people_mail._under_way)
    link = LINK.search(text_of(mails))
    assert link is not None
    assert (await browser.post(link[1], {"password": "short"}, page=link[1])).status_code == 422
    answer = await browser.post(link[1], {"password": new}, page=link[1])
    assert answer.headers["location"] == "/sign-in?changed=1"
    assert "Your new password is set" in (await browser.get("/sign-in?changed=1")).text
    assert (await browser.get(link[1])).status_code == 404
    assert (await signed_in.get("/account")).status_code == 303
    assert (await browser.sign_in(email, new)).status_code == 303
    assert len(mails.mails) == 1, "nothing goes to an address without an account"


async def test_a_reset_lets_in_who_was_locked_out_and_is_not_asked_for_without_end(team: TeamSite, mails: Post) -> None:
    email = await team.user(Role.VIEWER)
    for at in range(11):
        await team.browser(address=f"198.51.100.{at}").sign_in(email, "wrong")
    found = await team.workbench.accounts.reset_link(email)
    assert found is not None
    link = f"/reset/{found[1]}"
    browser, new = team.browser(), "nine otters under bridge"
    await browser.post(link, {"password": new}, page=link)
    assert (await browser.sign_in(email, new)).status_code == 303
    statuses = [
        (await team.browser().post("/forgotten", {"email": "x" + email}, page="/forgotten")).status_code
        for _ in range(6)
    ]
    assert statuses == [200] * 5 + [429]


async def test_a_reset_link_is_good_for_an_hour(team: TeamSite) -> None:
    found = await team.workbench.accounts.reset_link(await team.user())
    assert found is not None
    assert (await team.browser().get(f"/reset/{found[1]}")).status_code == 200
    team.workbench.accounts._now = lambda: datetime.now(UTC) + timedelta(minutes=61)
    assert (await team.browser().get(f"/reset/{found[1]}")).status_code == 404


async def test_without_a_mail_server_the_page_says_whom_to_ask(team: TeamSite) -> None:
    browser = team.browser()
    assert "steelyard members password" in (await browser.get("/forgotten")).text
    token = token_in((await browser.get("/sign-in")).text)
    sent = await browser.client.post("/forgotten", data={"email": await team.user(), "csrf_token": token})
    assert "This server sends no mail" in sent.text


async def test_a_user_without_a_password_signs_in_by_none(team: TeamSite) -> None:
    email = await team.user(Role.VIEWER)
    user = await member_of(team, email)
    await team.workbench.database.ask("UPDATE users SET password_hash = NULL WHERE id = %s", (user,))
    for password in (PASSWORD, "", "None"):
        assert (await team.browser().sign_in(email, password)).status_code == 422
    signed = team.browser()
    claims = Claims("https://issuer.example", uuid4().hex, email)
    async with team.workbench.database.outside() as connection:
        await identities.connect(connection, user, claims)
    proof = Proof(user, identity=(claims.issuer, claims.subject))
    found = await team.workbench.sign_in.open(proof, team.tenant_id, Client("test", "203.0.113.5"))
    signed.client.cookies.set("steelyard_session", found.token)
    assert "You sign in without one" in (await signed.get("/account")).text

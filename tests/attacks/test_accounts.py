"""Ways into another's account: passwords at the moment they change, links and what they tell; mail without end."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from steelyard.domain.access import Role, Scope
from steelyard.domain.errors import Forbidden, InputError, NotFound, TooMany
from steelyard.domain.hosting import Hosting
from steelyard.domain.notices import NoticeSettings, SmtpServer
from steelyard.domain.openid import Claims
from steelyard.domain.people import Proof, SignedIn
from steelyard.services import mail_limits
from steelyard.services.passwords import Fit
from steelyard.services.people_mail import PeopleMail
from steelyard.services.sign_in import Client
from steelyard.storage import identities, users
from steelyard.storage.tenants import ensure_tenant
from tests.integration.services.receivers import PASSWORD as MAIL_PASSWORD
from tests.integration.services.receivers import Post, mail_server
from tests.integration.web.teams import PASSWORD, Browser, TeamSite

NEW = "nine otters under bridge"
CLIENT = Client("test", "203.0.113.5")
SESSION = "steelyard_session"


@pytest.fixture
async def mails(team: TeamSite) -> AsyncIterator[Post]:
    async with mail_server() as post:
        smtp = SmtpServer("127.0.0.1", post.port, "steelyard@example.org", "none", "user", MAIL_PASSWORD)
        public = Hosting(public_url="https://steelyard.example")
        team.workbench.people_mail = PeopleMail(public, NoticeSettings(smtp=smtp))
        yield post


async def _user(team: TeamSite, email: str) -> UUID:
    user = await users.by_email(team.workbench.database, email)
    assert user is not None
    return user.id


async def _hash(team: TeamSite, email: str) -> str | None:
    user = await users.by_email(team.workbench.database, email)
    assert user is not None
    return user.password_hash


async def _mine(team: TeamSite, browser: Browser) -> SignedIn:
    mine = await team.workbench.sign_in.find(browser.client.cookies[SESSION])
    assert mine is not None
    return mine


async def _change(team: TeamSite, email: str) -> None:
    owner = team.browser()
    assert (await owner.sign_in(email)).status_code == 303
    await team.workbench.accounts.change_password(await _mine(team, owner), PASSWORD, NEW, address="203.0.113.9")


async def _reset(team: TeamSite, email: str) -> None:
    found = await team.workbench.accounts.reset_link(email)
    assert found is not None
    await team.workbench.accounts.reset(found[1], NEW)


def _once_compared(team: TeamSite, happens: Callable[[], Awaitable[None]], *, renewed: str | None = None) -> None:
    """Let it happen once, right after the next password was compared."""
    passwords = team.workbench.passwords
    fits = passwords.fits

    async def compare(password: str, known: str | None) -> Fit:
        fit = await fits(password, known)
        passwords.fits = fits  # type: ignore[method-assign]
        await happens()
        return Fit(fit.right, renewed if fit.right else None)

    passwords.fits = compare  # type: ignore[method-assign]


@pytest.mark.parametrize("new_password", [_change, _reset])
async def test_a_password_that_changes_while_it_is_compared_opens_no_session(
    team: TeamSite, new_password: Callable[[TeamSite, str], Awaitable[None]]
) -> None:
    email = await team.user(Role.VIEWER)
    _once_compared(team, lambda: new_password(team, email), renewed="quick:of the old one, by other parameters")
    browser = team.browser()
    answer = await browser.sign_in(email)
    assert (answer.status_code, "changed or taken away at this moment" in answer.text) == (403, True)
    assert await _hash(team, email) == f"quick:{NEW}", "the old password's renewed hash is not written over it"
    left = await team.workbench.sign_in.sessions(await _user(team, email))
    assert len(left) == (1 if new_password is _change else 0), "the owner's own, where it was changed in one"
    assert (await team.browser().sign_in(email, NEW)).status_code == 303


async def test_in_no_order_does_a_session_of_the_old_password_stay(team: TeamSite) -> None:
    """Against a reset that is under way: begun before it a session is ended, begun after it there is none."""
    email = await team.user(Role.VIEWER)
    user, database, sign_in = await _user(team, email), team.workbench.database, team.workbench.sign_in
    proof = Proof(user, password_hash=f"quick:{PASSWORD}")
    async with database.outside() as connection:
        await users.hold_user(connection, user)
        opening = asyncio.create_task(sign_in.open(proof, team.tenant_id, CLIENT))
        done, _ = await asyncio.wait({opening}, timeout=0.3)
        assert not done, "it waits for what holds the user"
        await users.set_password(connection, user, f"quick:{NEW}")
    with pytest.raises(Forbidden):
        await opening
    for _ in range(3):
        email = await team.user(Role.VIEWER)
        user = await _user(team, email)
        proof = Proof(user, password_hash=f"quick:{PASSWORD}")
        opened = [sign_in.open(proof, team.tenant_id, CLIENT) for _ in range(8)]
        at_once = await asyncio.gather(*opened[:4], _reset(team, email), *opened[4:], return_exceptions=True)
        assert at_once[4] is None
        assert await sign_in.sessions(user) == []


async def test_what_proves_somebody_has_to_be_there_as_the_session_begins(team: TeamSite) -> None:
    email = await team.user(Role.VIEWER)
    user, database, sign_in = await _user(team, email), team.workbench.database, team.workbench.sign_in
    said = Claims("https://issuer.example", uuid4().hex, email)
    async with database.outside() as connection:
        await identities.connect(connection, user, said)
    by_identity = Proof(user, identity=(said.issuer, said.subject))
    first = await sign_in.open(by_identity, team.tenant_id, CLIENT)
    present = await sign_in.find(first.token)
    assert present is not None
    by_session = Proof(user, session_id=present.session_id)
    await sign_in.open(by_session, team.tenant_id, CLIENT)
    other = await _user(team, await team.user(Role.VIEWER))
    await _reset(team, email)
    for proof in (by_identity, by_session, Proof(user), Proof(uuid4()), Proof(other, password_hash="quick:")):
        with pytest.raises(Forbidden):
            await sign_in.open(proof, team.tenant_id, CLIENT)
    assert await sign_in.sessions(user) == []


async def test_a_link_sets_one_password_and_the_old_one_changes_nothing_after_it(team: TeamSite) -> None:
    email = await team.user(Role.VIEWER)
    accounts = team.workbench.accounts
    found = await accounts.reset_link(email)
    assert found is not None
    words = [f"{word} otters under bridge" for word in ("five", "six", "seven", "eight")]
    results = await asyncio.gather(*(accounts.reset(found[1], word) for word in words), return_exceptions=True)
    refused = [isinstance(one, NotFound) for one in results]
    assert refused.count(False) == 1
    assert await _hash(team, email) == f"quick:{words[refused.index(False)]}"
    email = await team.user(Role.VIEWER)
    borrowed = team.browser()
    await borrowed.sign_in(email)
    mine = await _mine(team, borrowed)
    _once_compared(team, lambda: _reset(team, email))
    with pytest.raises(InputError):
        await accounts.change_password(mine, PASSWORD, "six herons over meadow", address="203.0.113.9")
    assert await _hash(team, email) == f"quick:{NEW}"


async def test_an_invitation_tells_nobody_with_its_link_whether_its_address_has_an_account(team: TeamSite) -> None:
    elsewhere = uuid4()
    async with team.workbench.database.tenant(elsewhere) as connection:
        await ensure_tenant(connection, elsewhere, "Zebra works")
    known, unknown = await team.user(Role.VIEWER, tenant_id=elsewhere), f"{uuid4().hex[:12]}@example.org"
    await team.user(Role.VIEWER, name="Taken Name")
    tries = (
        {"password": "not it at all, not at all"},
        {"password": ""},
        {"way": "new", "name": "Ben", "new_password": "short"},
        {"way": "new", "name": "Ben", "new_password": "password1234"},
        {"way": "new", "name": "", "new_password": PASSWORD},
        {"way": "new", "name": "taken name", "new_password": NEW},
    )
    said: list[list[tuple[int, str]]] = []
    work: list[int] = []
    for email in (known, unknown):
        made = await team.workbench.members.invite(team.tenant_id, email, Role.VIEWER)
        link, before = f"/join/{made.token}", team.hasher.compared
        for browser in (team.browser(), await team.member(Role.VIEWER, name=f"Watcher {uuid4().hex[:6]}")):
            answers = [await browser.get(link), *[await browser.post(link, one, page=link) for one in tries]]
            said.append([(one.status_code, _without(one.text, email, made.token)) for one in answers])
        work.append(team.hasher.compared - before)
    assert [status for status, _ in said[0]] == [200] + [422] * len(tries)
    assert said[0] == said[2]
    assert [status for status, _ in said[1]] == [status for status, _ in said[3]]
    assert work[0] == work[1]
    # Whoever has the account and takes the form for a new one is let in by its password, and keeps their name.
    made = await team.workbench.members.invite(team.tenant_id, known, Role.VIEWER)
    link, owner = f"/join/{made.token}", team.browser()
    wrong = await owner.post(link, {"way": "new", "name": "Me Again", "new_password": NEW}, page=link)
    assert (wrong.status_code, "do not belong together" in wrong.text) == (422, True)
    right = await owner.post(link, {"way": "new", "name": "Me Again", "new_password": PASSWORD}, page=link)
    assert right.status_code == 303
    assert (await _mine(team, owner)).name.startswith("Person ")


def _without(text: str, *words: str) -> str:
    """A page without what differs between any two: the addresses, the link, forms' tokens."""
    for word in words:
        text = text.replace(word, "")
    return re.sub(r"[0-9a-f]{112}", "", html.unescape(text))


async def test_a_tenant_mails_no_address_without_end(
    team: TeamSite, mails: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await team.member()
    victim = f"{uuid4().hex[:12]}@example.org"
    page = {"email": f" {victim.upper()}", "role": "viewer"}
    answers = [await admin.post("/members/invite", page, page="/members") for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 3_600
    assert "At most 5 invitations an hour are mailed to one address. Nothing was kept. Try again in 60" in " ".join(
        re.sub(r"<[^>]+>", " ", answers[-1].text).split()
    )
    assert len(mails.mails) == 5
    waiting = await team.workbench.members.invitations(team.tenant_id)
    assert [one.email for one in waiting] == [victim], "the one before stays good"
    made = await team.workbench.api_keys.make(team.tenant_id, uuid4().hex[:8], [Scope.ADMIN])
    body = {"email": victim, "role": "viewer"}
    bearer = {"authorization": f"Bearer {made.text}"}
    sent = await team.browser().client.post("/v1/invitations", json=body, headers=bearer)
    assert (sent.status_code, sent.json()["type"].rpartition(":")[2]) == (429, "too-many")
    assert 0 < int(sent.headers["retry-after"]) <= 3_600
    monkeypatch.setattr(mail_limits, "INVITATIONS_OF_TENANT", 8)
    others = [f"{uuid4().hex[:12]}@example.org" for _ in range(3)]
    codes = [
        (await admin.post("/members/invite", {"email": one, "role": "viewer"}, page="/members")).status_code
        for one in others
    ]
    assert codes == [200, 429, 429], "six tries and that of the key count too"


async def test_an_address_is_mailed_by_all_tenants_together_no_more_than_it_may(team: TeamSite) -> None:
    limits, victim = mail_limits.MailLimits(team.workbench.database), f"{uuid4().hex}@example.org"
    several, rest = divmod(mail_limits.INVITATIONS_TO_ADDRESS_OF_ALL, mail_limits.INVITATIONS_TO_ADDRESS)
    assert rest == 0
    for tenant in [uuid4() for _ in range(several)]:
        for _ in range(mail_limits.INVITATIONS_TO_ADDRESS):
            await limits.take_invitation(tenant, victim)
    with pytest.raises(TooMany, match="by all tenants"):
        await limits.take_invitation(uuid4(), victim)


async def test_tests_of_notices_have_an_end(team: TeamSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_limits, "TESTS_OF_TENANT", 2)
    admin = await team.member()
    made = await team.workbench.api_keys.make(team.tenant_id, uuid4().hex[:8], [Scope.ADMIN])
    codes = [(await admin.post("/settings/notices/test", page="/settings")).status_code for _ in range(3)]
    assert codes == [422, 422, 429], "nobody is told yet, and tries count"
    bearer = {"authorization": f"Bearer {made.text}"}
    sent = await team.browser().client.post("/v1/settings/notices/test", headers=bearer)
    assert (sent.status_code, "tests of notices an hour" in sent.json()["detail"]) == (429, True)
    assert int(sent.headers["retry-after"]) > 0

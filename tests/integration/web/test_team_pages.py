"""What a team's pages tell of its server and of who did what, long lists, and links that are used up, over HTTP."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from steelyard.domain.access import Role, Scope
from steelyard.domain.actors import Actor, ActorKind, acting_as
from steelyard.domain.notices import SmtpServer
from steelyard.storage.server import Server
from steelyard.web.narrowing import PAGE
from tests.integration.web.harness import token_in
from tests.integration.web.teams import PASSWORD, TeamSite, team_site_of

PROGRAM = Actor(ActorKind.KEY, "deploy <bot>", uuid4())
OPERATOR = Actor(ActorKind.LOCAL, "local (root)")


@pytest.fixture
async def team(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[TeamSite]:
    async with team_site_of(server_home, tenant_id) as site:
        yield site


def told(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))


async def test_what_is_the_servers_is_told_to_no_tenant(team: TeamSite) -> None:
    bench = team.workbench
    # As the installation has it, with a mail server and a settings file that was changed.
    bench.notices._settings = replace(
        bench.notices._settings, smtp=SmtpServer("mail.inside.example", 2525, "s@x.example")
    )  # pyright: ignore[reportPrivateUsage]
    file = bench.home / "settings.toml"
    bench.settings_watch._clock = lambda: 1e9  # pyright: ignore[reportPrivateUsage]
    file.write_text("[providers.acme")
    try:
        page = (await (await team.member()).get("/settings")).text
        assert bench.settings_watch.problem() is not None
    finally:
        file.unlink()
    for secret in (str(bench.home), "settings.toml", "mail.inside.example", "2525", "_API_KEY", "DATABASE_URL"):
        assert secret not in page, secret
    assert "Sent by this server’s mail server." in told(page)


async def test_what_a_program_or_the_operator_did_is_told_as_that(team: TeamSite) -> None:
    bench, tenant, anybody = team.workbench, team.tenant_id, team.browser()
    with acting_as(OPERATOR):
        invited = await bench.members.invite(tenant, "new@example.org", Role.ADMIN)
        key = await bench.api_keys.make(tenant, "deploy <bot>", [Scope.ADMIN], expires="never", a_minute="")
    join = told((await anybody.get(f"/join/{invited.token}")).text)
    assert "new@example.org is invited by whoever runs this server as admin" in join
    assert "root" not in join
    with acting_as(replace(PROGRAM, id=key.id)):
        await bench.members.invite(tenant, "other@example.org", Role.EDITOR)
        await bench.api_keys.make(tenant, "made by it", [Scope.READ], expires="never", a_minute="")
        await bench.tenant_providers.put(tenant, "acme", "openai", "", "sk-0123456789abcdef")
    admin = await team.member()
    assert "editor deploy <bot> (API key) just now" in told((await admin.get("/members")).text)
    assert "by deploy <bot> (API key)" in told((await admin.get("/settings/keys")).text)
    assert "by deploy <bot> (API key)" in told((await admin.get("/settings/providers")).text)


async def test_long_lists_are_searched_and_shown_by_the_page(team: TeamSite) -> None:
    bench, tenant, admin = team.workbench, team.tenant_id, await team.member(name="Zoe Last")
    assert 'role="search"' not in (await admin.get("/members")).text
    for at in range(PAGE + 3):
        await bench.api_keys.make(tenant, f"program {at:02}", [Scope.READ], expires="never", a_minute="")
        await team.user(Role.VIEWER, name=f"Member {at:02}")
        await bench.members.invite(tenant, f"guest{at:02}@example.org", Role.VIEWER)
    keys = (await admin.get("/settings/keys")).text
    assert keys.count('data-label="May"') == PAGE
    assert f'href="/settings/keys?offset={PAGE}"' in keys
    assert (await admin.get(f"/settings/keys?offset={PAGE}")).text.count('data-label="May"') == 3
    found = (await admin.get("/settings/keys?q=PROGRAM+07")).text
    assert (found.count('data-label="May"'), "1 key with “PROGRAM 07”" in told(found)) == (1, True)
    nothing = (await admin.get("/settings/keys?q=none+of+them&offset=9999")).text
    assert "0 keys with" in told(nothing)
    assert 'value="none of them"' in nothing
    members = (await admin.get("/members")).text
    assert members.count('data-label="Joined"') == PAGE
    assert members.count('data-label="Good until"') == PAGE
    assert 'href="/members?invited=20#invitations"' in members
    assert (await admin.get("/members?invited=20")).text.count('data-label="Good until"') == 3
    last = (await admin.get(f"/members?offset={PAGE}")).text
    assert "Zoe Last" in last
    # Nothing is offered of the only admin that would be refused.
    assert "the only one, and so stays it" in told(last)
    assert "Set the role of Zoe Last" not in last
    await team.user(Role.ADMIN, name="Ann First")
    assert "Set the role of Zoe Last" in (await admin.get("/members?q=zoe")).text


async def test_a_link_that_is_used_up_says_so_in_every_tab_and_leads_to_the_sign_in(team: TeamSite) -> None:
    anybody = team.browser()
    invited = await team.workbench.members.invite(team.tenant_id, f"{uuid4().hex}@example.org", Role.VIEWER)
    path = f"/join/{invited.token}"
    before = token_in((await anybody.get(path)).text)
    form = {"way": "new", "name": f"New {uuid4().hex[:6]}", "new_password": PASSWORD, "csrf_token": before}
    # Without its cookie the form is refused as any is, while the link is good.
    stranger = team.browser()
    refused = await stranger.client.post(path, data=form)
    assert (refused.status_code, "not one that Steelyard gave out" in refused.text) == (403, True)
    assert (await anybody.client.post(path, data=form)).status_code == 303
    for answer in (await anybody.client.post(path, data=form), await stranger.get(path)):
        assert answer.status_code == 404
        assert "This invitation was used" in answer.text
    assert 'href="/sign-in"' in (await stranger.get(path)).text
    assert 'href="/sign-in"' not in (await anybody.get(path)).text
    setup = await team.browser().client.post("/setup/made-up", data={"csrf_token": before})
    assert (setup.status_code, "This link was used" in setup.text) == (404, True)

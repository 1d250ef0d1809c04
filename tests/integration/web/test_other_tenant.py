"""A page of one tenant that stays open while its reader switches to another, over HTTP."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from steelyard.domain.access import Role
from steelyard.storage import memberships
from steelyard.storage.server import Server
from steelyard.storage.tenants import ensure_tenant
from tests.integration.web.harness import BASE, token_in
from tests.integration.web.teams import Browser, TeamSite, team_site_of


@dataclass
class Two:
    """An admin of Acme, the site's own tenant, and of Beta, signed in at Acme. `token`: of a page of Acme."""

    site: TeamSite
    beta: UUID
    browser: Browser
    token: str = ""

    async def switch(self, tenant_id: UUID) -> httpx.Response:
        return await self.browser.post("/tenant", {"tenant": str(tenant_id)}, page="/models")

    async def send(self, url: str, **data: str) -> httpx.Response:
        """A form of the page of Acme, sent as it stands."""
        headers = {"referer": f"{BASE}/members?x=1"}
        return await self.browser.client.post(url, data={**data, "csrf_token": self.token}, headers=headers)


@pytest.fixture
async def two(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[Two]:
    async with team_site_of(server_home, tenant_id) as site:
        beta, email = uuid4(), await site.user()
        user_id = (await site.workbench.members.called(tenant_id, email)).user_id
        for one, name in ((tenant_id, "Acme <Ops>"), (beta, "Beta Lab")):
            async with site.workbench.database.tenant(one) as connection:
                await ensure_tenant(connection, one, name)
                await connection.execute("UPDATE tenants SET name = %s WHERE id = %s", (name, one))
                if one == beta:
                    await memberships.add_membership(connection, one, user_id, Role.ADMIN)
        two = Two(site, beta, site.browser())
        await two.browser.sign_in(email)
        await two.switch(tenant_id)
        two.token = token_in((await two.browser.get("/members")).text)
        yield two


async def test_a_form_of_the_tenant_before_saves_nothing_and_leads_back_to_it(two: Two) -> None:
    await two.switch(two.beta)
    email = f"{uuid4().hex}@example.org"
    answer = await two.send("/members/invite", email=email, role="admin")
    assert answer.status_code == 409
    said = html.unescape(re.sub(r"<[^>]*>", "", answer.text))
    assert "The form that you sent was of Acme <Ops>." in said
    assert "you have switched to Beta Lab" in said
    assert "Nothing was saved, in either." in said
    for tenant in (two.site.tenant_id, two.beta):
        assert await two.site.workbench.members.invitations(tenant) == []
    # The way back, and the same form once more, as "Back" and sending it again would.
    fields = dict(re.findall(r'name="(tenant|next)" value="([^"]*)"', answer.text.split('<div class="actions')[1]))
    assert fields == {"tenant": str(two.site.tenant_id), "next": "/members?x=1"}
    back = await two.browser.client.post("/tenant", data={**fields, "csrf_token": token_in(answer.text)})
    assert back.headers["location"] == "/members?x=1"
    assert (await two.send("/members/invite", email=email, role="admin")).status_code == 200
    assert [one.email for one in await two.site.workbench.members.invitations(two.site.tenant_id)] == [email]


async def test_a_part_that_htmx_asks_for_is_not_put_into_a_page_of_another_tenant(two: Two) -> None:
    asks = {"HX-Request": "true", "HX-Current-URL": f"{BASE}/skills/weigh?q=1", "X-CSRF-Token": two.token}
    assert (await two.browser.get("/models", headers=asks)).status_code == 200
    await two.switch(two.beta)
    for answer in (
        await two.browser.get("/models", headers=asks),
        await two.browser.client.post("/settings/limit", data={"days": "3"}, headers=asks),
    ):
        assert answer.status_code == 409
        leads = answer.headers["hx-redirect"]
        told = parse_qs(urlsplit(leads).query)
        assert told == {"was": [str(two.site.tenant_id)], "next": ["/skills/weigh?q=1"]}
        page = await two.browser.get(leads)
        assert "The page that you came from was of" in page.text
        assert "Acme &lt;Ops&gt;" in page.text
    await two.switch(two.site.tenant_id)
    assert (await two.browser.get(leads)).headers["location"] == "/skills/weigh?q=1"
    for wrong in (str(uuid4()), "none", ""):
        assert (await two.browser.get(f"/tenant?was={wrong}&next=//evil.example")).headers["location"] == "/"


async def test_a_script_of_the_page_reads_nothing_of_another_tenant_from_the_api(two: Two) -> None:
    await two.switch(two.beta)
    told = await two.browser.get("/v1/skills", headers={"X-CSRF-Token": two.token})
    assert told.status_code == 409
    assert told.json()["detail"] == "This page is of Acme <Ops>, and you have switched to Beta Lab since."
    assert (await two.browser.get("/v1/skills")).status_code == 200


async def test_what_is_about_the_person_alone_goes_through_from_any_page_of_theirs(two: Two) -> None:
    await two.switch(two.beta)
    assert (await two.send("/tenant", tenant=str(two.beta), next="//evil.example")).headers["location"] == "/"
    assert (await two.send("/account/name", name=f"Ann {uuid4().hex[:6]}")).status_code == 303
    assert (await two.send("/sign-out")).headers["location"] == "/sign-in"


async def test_of_a_tenant_that_one_was_removed_from_no_way_back_is_offered(two: Two) -> None:
    await two.switch(two.beta)
    user_id = (await two.site.workbench.sign_in.find(two.browser.client.cookies["steelyard_session"])).user_id  # type: ignore[union-attr]
    await two.site.user()
    await two.site.workbench.members.remove(two.site.tenant_id, user_id)
    answer = await two.send("/settings/limit", days="3")
    assert answer.status_code == 409
    assert "a tenant that you do not belong to any more" in answer.text
    assert "Switch back" not in answer.text


async def test_no_browser_keeps_what_is_somebodys_and_every_browser_the_assets(two: Two) -> None:
    pages = ("/", "/spend", "/audit", "/spend.csv", "/v1/skills", "/no-such-page", "/sign-in", "/skills/none")
    for url in pages:
        assert (await two.browser.get(url)).headers["cache-control"] == "no-store", url
    asset = re.search(r'href="(/static/[^"]+\.css)"', (await two.browser.get("/")).text)
    assert asset is not None
    assert "immutable" in (await two.browser.get(asset[1])).headers["cache-control"]

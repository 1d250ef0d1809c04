"""The whole way of signing in at an OpenID provider, in a browser: there, back, and out again."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.site import clean_environment, serving
from steelyard.bootstrap import open_workbench
from steelyard.domain.access import Role
from steelyard.domain.actors import Actor, ActorKind, acting_as
from tests.acceptance.web.conftest import serious_findings, sideways
from tests.openid import CLIENT_SECRET, free_port, running

pytestmark = pytest.mark.browser

ADMIN, INVITED = "ann@acme.example", "ben@acme.example"


async def _set_up(env: dict[str, str]) -> None:
    async with open_workbench(env=env) as bench:
        token = await bench.setup.link()
        assert token is not None
        given = {"email": ADMIN, "name": "Ann", "password": "seven geese over harbour", "tenant": "Acme"}
        await bench.setup.first_admin(token, **given)
        with acting_as(Actor(ActorKind.MEMBER, "Ann")):
            await bench.members.invite(bench.tenant_id, INVITED, Role.VIEWER)


def test_who_is_invited_signs_in_at_the_provider_sees_their_role_and_signs_out_there_too(
    page: Page, web_home: Path
) -> None:
    port, said = free_port(), list[str]()
    env = {
        "STEELYARD_MODE": "team",
        "STEELYARD_OPENID_ISSUER": f"http://127.0.0.1:{port}",
        "STEELYARD_OPENID_CLIENT_ID": "steelyard",
        "STEELYARD_OPENID_CLIENT_SECRET": CLIENT_SECRET,
        "STEELYARD_OPENID_NAME": "Acme",
        "STEELYARD_OPENID_DOMAINS": "acme.example",
    }
    with serving(web_home, "--no-worker", env=env) as address, running(port, [address]):
        with ThreadPoolExecutor(1) as aside:
            aside.submit(asyncio.run, _set_up(clean_environment(web_home) | env)).result()
        # What the provider's own pages say is its business.
        page.on("console", lambda message: said.append(message.text) if page.url.startswith(address) else None)
        page.goto(f"{address}/models")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert serious_findings(page) == []
        page.set_viewport_size({"width": 390, "height": 844})
        assert sideways(page) == 0
        page.get_by_role("button", name="Go on with Acme").click()
        page.locator("input[name=login]").fill(INVITED)
        page.locator("input[name=password]").fill("any")
        page.locator("[type=submit]").click()
        page.wait_for_url(f"{address}/invitations")
        expect(page.get_by_text("Ann invites you as viewer")).to_be_visible()
        assert serious_findings(page) == []
        assert sideways(page) == 0
        page.get_by_role("button", name="Join Acme").click()
        page.wait_for_url(f"{address}/")
        page.goto(f"{address}/account")
        expect(page.get_by_text(f"ben of Acme, {INVITED}; viewer in Acme.")).to_be_visible()
        page.goto(f"{address}/account/oidc")
        expect(page.get_by_role("rowheader", name="Acme")).to_be_visible()
        assert serious_findings(page) == []
        assert sideways(page) == 0
        page.goto(f"{address}/account")
        page.get_by_role("main").get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"http://127.0.0.1:{port}/session/end*")
        page.locator("button[type=submit]").first.click()
        page.wait_for_url(f"{address}/sign-in*")
        page.goto(f"{address}/models")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert said == []

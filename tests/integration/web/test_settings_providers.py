"""/settings/providers: keys go in and do not come out; nobody but an admin sees the page, or another tenant's row."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from uuid import UUID

import pytest

from steelyard.domain.access import Role
from steelyard.domain.reach import VARIABLE
from steelyard.storage.server import Server
from steelyard.storage.tenants import ensure_tenant
from steelyard.vault.ring import new_key
from tests.integration.web.harness import Site
from tests.integration.web.teams import TeamSite, team_site_of
from tests.modelserver import ModelServer

PAGE = "/settings/providers"
KEY = "sk-marker-0123456789abcdef"


def form(**fields: str) -> dict[str, str]:
    return {"name": "workshop", "kind": "openai-compatible", "base_url": "", "key": KEY, **fields}


async def test_a_provider_is_added_tried_changed_and_removed_and_its_key_is_never_sent_back(site: Site) -> None:
    empty = await site.client.get(PAGE)
    assert "None yet. Add one below, or use those of the server." in empty.text
    with ModelServer() as models:
        saved = await site.post(PAGE, form(base_url=models.openai_url))
        assert (saved.status_code, saved.headers["location"]) == (303, PAGE)
        page = await site.client.get(f"{PAGE}?name=workshop")
        assert page.headers["cache-control"] == "no-store"
        assert f"…{KEY[-4:]}" in page.text
        assert f'value="{models.openai_url}"' in page.text
        tried = await site.post(f"{PAGE}/workshop/test")
        assert "workshop works" in tried.text
        assert "cost nothing" in tried.text
        kept = await site.post(PAGE, form(base_url=models.openai_url, key=""))
        assert kept.status_code == 303
    tried = await site.post(f"{PAGE}/workshop/test")
    assert "workshop does not work" in tried.text
    moved = await site.post(PAGE, form(base_url="https://elsewhere.example/v1", key=""))
    assert (moved.status_code, "given for the old one" in moved.text) == (422, True)
    settings = await site.client.get("/settings")
    models_page = await site.client.get("/models")
    for answer in (empty, saved, page, tried, kept, moved, settings, models_page):
        assert KEY not in answer.text
    assert "workshop" in settings.text
    removed = await site.post(f"{PAGE}/workshop/remove")
    assert removed.status_code == 303
    assert "workshop" not in (await site.client.get(PAGE)).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "Not Good"}, "cannot be a provider&#39;s name"),
        ({"kind": "telepathy"}, "is not said"),
        ({"base_url": ""}, "no address of its own"),
        ({"base_url": "https://user:pw@models.example/"}, "carries a user or a password"),
        ({"kind": "openai", "key": ""}, "There is no key yet"),
        ({"base_url": "https://models.example/", "key": f"{KEY} {KEY}"}, "That cannot be a key"),
    ],
)
async def test_what_cannot_be_used_is_said_at_its_field_and_the_key_is_gone(
    site: Site, typed: dict[str, str], said: str
) -> None:
    answer = await site.post(PAGE, form(**typed))
    assert answer.status_code == 422
    assert said in answer.text
    assert KEY not in answer.text


async def test_a_hostile_name_in_the_address_finds_nothing(site: Site) -> None:
    for name in ("none", "%3Cscript%3E", "a" * 300):
        for action in ("test", "remove"):
            answer = await site.post(f"{PAGE}/{name}/{action}")
            assert answer.status_code == 404
            assert "<script>" not in answer.text.partition("<main")[2]


@pytest.fixture
async def team(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[TeamSite]:
    env = {"STEELYARD_SECRET_KEY": new_key()}
    async with team_site_of(server_home, tenant_id, env=env) as team:
        yield team


async def test_in_a_team_only_admins_set_providers_and_of_their_own_tenant_alone(team: TeamSite) -> None:
    admin = await team.member(Role.ADMIN, name="Ann")
    saved = await admin.post(PAGE, form(base_url="https://ours.example/v1"))
    assert saved.status_code == 303, saved.text
    page = (await admin.client.get(PAGE)).text
    assert "by Ann" in page
    assert "not shared with you" in page
    for role in (Role.VIEWER, Role.EDITOR):
        other = await team.member(role)
        assert (await other.client.get(PAGE)).status_code == 403
        assert (await other.post(PAGE, form())).status_code == 403
        assert f'href="{PAGE}"' not in (await other.client.get("/settings")).text
    stranger = UUID(int=team.tenant_id.int ^ 1)
    async with team.workbench.database.tenant(stranger) as connection:
        await ensure_tenant(connection, stranger, "strangers")
    eve = team.browser()
    await eve.sign_in(await team.user(Role.ADMIN, tenant_id=stranger))
    assert "ours.example" not in (await eve.client.get(PAGE)).text
    assert (await eve.post(f"{PAGE}/workshop/remove")).status_code == 404
    assert "ours.example" in (await admin.client.get(PAGE)).text


async def test_in_a_team_an_address_of_the_servers_own_network_is_refused_with_who_may_allow_it(
    team: TeamSite,
) -> None:
    admin = await team.member()
    for url in ("https://127.0.0.1:11434/v1", "http://models.example/v1", "https://169.254.169.254/latest"):
        answer = await admin.post(PAGE, form(base_url=url))
        assert answer.status_code == 422
    assert VARIABLE in answer.text
    with ModelServer() as models:
        port = models.url.rpartition(":")[2]
        assert (await admin.post(PAGE, form(base_url=f"https://localhost:{port}/v1"))).status_code == 303
        tried = await admin.post(f"{PAGE}/workshop/test")
        assert "is not called. The host is at an address of this machine" in tried.text


PRICES = "/settings/prices"
PRICE = {"model": "workshop:brass-7b", "input": "0.2", "output": "0.60000001", "since": "2026-01-31"}


async def test_a_price_is_given_changed_and_taken_away_in_dollars_per_million_tokens(site: Site) -> None:
    assert "Give a price" not in (await site.client.get(PAGE)).text, "there is no provider that it could be of"
    assert (await site.post(PAGE, form(base_url="https://models.example/v1"))).status_code == 303
    saved = await site.post(PRICES, PRICE)
    assert (saved.status_code, saved.headers["location"]) == (303, f"{PAGE}#prices")
    page = await site.client.get(f"{PAGE}?model=workshop:brass-7b")
    for shown in ("31 January 2026", "$0.2<", "$0.60000001", "as input", 'value="0.60000001"', "$ per million tokens"):
        assert shown in page.text, shown
    assert (await site.post(PRICES, PRICE | {"cache_read": "0.02", "since": ""})).status_code == 303
    page = await site.client.get(PAGE)
    assert page.text.count(">workshop:brass-7b<") == 2
    assert (page.text.count(">past<"), page.text.count(">holds<")) == (1, 1)
    audit = await site.client.get("/audit")
    assert "workshop:brass-7b from 2026-01-31" in audit.text
    assert "price of a million tokens of output" in audit.text
    removed = await site.post(f"{PRICES}/remove", {"model": "workshop:brass-7b", "since": "2026-01-31"})
    assert removed.status_code == 303
    assert (await site.client.get(PAGE)).text.count(">workshop:brass-7b<") == 1
    assert (
        await site.post(f"{PRICES}/remove", {"model": "workshop:brass-7b", "since": "2026-01-31"})
    ).status_code == 404


async def changed(site: Site, row: int) -> dict[str, str]:
    """The form of prices, filled in by the link `Change` of that row of those that have one."""
    links = re.findall(r'href="(/settings/providers\?model=[^"]+)"', (await site.client.get(PAGE)).text)
    page = (await site.client.get(unescape(links[row]))).text
    inputs = re.findall(r"<input[^>]*>", page.partition(f'action="{PRICES}"')[2].partition("</form>")[0])
    found = [(re.search(r' name="([^"]*)"', one), re.search(r' value="([^"]*)"', one)) for one in inputs]
    return {name[1]: unescape(value[1]) if value else "" for name, value in found if name and name[1] != "csrf_token"}


async def test_change_is_of_the_price_in_its_row_and_of_no_other(site: Site) -> None:
    await site.post(PAGE, form(base_url="https://models.example/v1"))
    begun, later = date(2026, 1, 31), datetime.now(UTC).date() + timedelta(days=30)
    model = "workshop:brass-7b?temperature=0.5"
    now = {"model": model, "input": "1", "output": "1", "cache_read": "0.1", "cache_write": "", "since": f"{begun}"}
    to_come = {"model": model, "input": "9", "output": "8", "cache_read": "", "cache_write": "2", "since": f"{later}"}
    for price in (now, to_come):
        assert (await site.post(PRICES, price)).status_code == 303

    async def kept() -> list[tuple[date, float, float, str]]:
        listed = await site.workbench.provider_prices.listed(site.tenant_id)
        return [(one.since, one.input_microcents / 1e8, one.output_microcents / 1e8, one.holds) for one in listed]

    assert await changed(site, 1) == to_come
    assert (await site.post(PRICES, await changed(site, 1) | {"input": "7"})).status_code == 303
    assert await kept() == [(begun, 1, 1, "now"), (later, 7, 8, "later")]
    assert await changed(site, 0) == now
    assert (await site.post(PRICES, await changed(site, 0) | {"input": "2"})).status_code == 303
    assert await kept() == [(begun, 2, 1, "now"), (later, 7, 8, "later")]


async def test_change_of_a_price_that_is_gone_fills_in_no_other_s_figures(site: Site) -> None:
    await site.post(PAGE, form(base_url="https://models.example/v1"))
    await site.post(PRICES, PRICE)
    for since in ("2026-02-01", "soon", "<b>"):
        page = await site.client.get(PAGE, params={"model": PRICE["model"], "since": since})
        assert page.status_code == 200
        assert 'value="workshop:brass-7b"' in page.text
        assert 'value="0.60000001"' not in page.text
        assert "<b>" not in page.text


async def test_the_audit_log_shows_a_price_to_its_last_digit(site: Site) -> None:
    await site.post(PAGE, form(base_url="https://models.example/v1"))
    given = {"cache_read": "0.60000001", "cache_write": "12.344", "input": "1234.5", "output": "12.344"}
    for more in ({}, {"cache_read": "0.6", "cache_write": "12.341", "input": "1234.50000001", "output": "12.341"}):
        assert (await site.post(PRICES, PRICE | given | more)).status_code == 303
    page = (await site.client.get("/audit")).text
    for shown in ("$0.60000001", "$0.6<", "$12.344", "$12.341", "$1,234.5<", "$1,234.50000001"):
        assert shown in page, shown


async def test_what_is_no_price_is_said_at_its_field_and_what_was_typed_stays(site: Site) -> None:
    await site.post(PAGE, form(base_url="https://models.example/v1"))
    wrong = {"model": "openai:gpt", "input": "0,2", "output": "0.123456789", "cache_write": "-1", "since": "soon"}
    answer = await site.post(PRICES, PRICE | wrong)
    assert answer.status_code == 422
    for said in ("is no price", "more than 8 decimals", "is no day", 'value="0.123456789"', 'id="cache_write-error"'):
        assert said in answer.text, said
    answer = await site.post(PRICES, PRICE | {"model": "openai:<b>gpt"})
    assert answer.status_code == 422
    assert "There is no provider &#39;openai&#39; of your own." in answer.text
    assert "<b>gpt" not in answer.text
    assert ">holds<" not in answer.text


async def test_in_a_team_only_admins_give_prices_and_of_their_own_tenant_alone(team: TeamSite) -> None:
    admin = await team.member(Role.ADMIN, name="Ann")
    assert (await admin.post(PAGE, form(base_url="https://ours.example/v1"))).status_code == 303
    assert (await admin.post(PRICES, PRICE, page=PAGE)).status_code == 303
    assert "by Ann" in (await admin.client.get(PAGE)).text
    for role in (Role.VIEWER, Role.EDITOR):
        other = await team.member(role)
        assert (await other.post(PRICES, PRICE, page="/models")).status_code == 403
        assert (await other.post(f"{PRICES}/remove", PRICE, page="/models")).status_code == 403
    stranger = UUID(int=team.tenant_id.int ^ 2)
    async with team.workbench.database.tenant(stranger) as connection:
        await ensure_tenant(connection, stranger, "strangers")
    eve = team.browser()
    await eve.sign_in(await team.user(Role.ADMIN, tenant_id=stranger))
    assert "brass-7b" not in (await eve.client.get(PAGE)).text
    assert (await eve.post(PRICES, PRICE, page=PAGE)).status_code == 422
    assert (await eve.post(f"{PRICES}/remove", PRICE, page=PAGE)).status_code == 404
    assert "$0.60000001" in (await admin.client.get(PAGE)).text


async def test_without_a_master_key_a_team_is_told_that_no_key_can_be_kept(
    server: Server, server_home: Path, tenant_id: UUID
) -> None:
    async with team_site_of(server_home, tenant_id, env={"STEELYARD_SECRET_KEY": "bad"}) as team:
        admin = await team.member()
        page = await admin.client.get(PAGE)
        assert "No key can be kept yet" in page.text
        assert "steelyard secrets new-key" in page.text
        answer = await admin.post(PAGE, form(base_url="https://models.example/v1"))
        assert answer.status_code == 422
        assert "not 32 bytes in base64" in answer.text

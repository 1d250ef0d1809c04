"""The Suggestions tab: said by users, decided by the owner, shown as text whatever it is."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

from tests.integration.web.harness import Site
from tests.integration.web.made import content, made_skill

HERE = "/skills/weigh/suggestions"


async def skill(site: Site, name: str = "weigh") -> UUID:
    return await made_skill(site.workbench, site.tenant_id, content(name))


async def suggest(site: Site, title: str, body: str = "") -> None:
    answer = await site.post(HERE, {"title": title, "body": body, "author": "Ann"})
    assert answer.status_code == 303


def ids(html: str) -> list[str]:
    return re.findall(rf'action="{HERE}/([0-9a-f-]+)"', html)


async def test_what_was_suggested_is_listed_and_counted_in_the_tab(site: Site) -> None:
    await skill(site)
    assert "No suggestions yet" in (await site.client.get(HERE)).text
    await suggest(site, "Say the unit")
    page = (await site.client.get(HERE)).text
    assert "Say the unit" in page
    assert re.search(r"Suggestions\s*<span class=\"badge\"[^>]*>1</span>", page)


async def test_a_decided_one_leaves_the_open_ones_and_can_be_opened_again(site: Site) -> None:
    await skill(site)
    await suggest(site, "Say the unit")
    suggestion = ids((await site.client.get(HERE)).text)[0]
    await site.post(f"{HERE}/{suggestion}", {"status": "accepted"})
    assert "Say the unit" not in (await site.client.get(f"{HERE}?status=open")).text
    assert "Say the unit" in (await site.client.get(f"{HERE}?status=accepted")).text
    await site.post(f"{HERE}/{suggestion}", {"status": "open"})
    assert "Say the unit" in (await site.client.get(f"{HERE}?status=open")).text


async def test_markup_in_a_suggestion_stays_text(site: Site) -> None:
    await skill(site)
    await suggest(site, "<script>alert(1)</script>", "<img src=x onerror=alert(1)>")
    page = (await site.client.get(HERE)).text
    assert "<script>alert" not in page
    assert "<img" not in page


async def test_a_suggestion_without_a_title_is_refused_and_what_was_typed_stays(site: Site) -> None:
    await skill(site)
    answer = await site.post(HERE, {"title": " ", "body": "because of ounces"})
    assert answer.status_code == 422
    assert "because of ounces" in answer.text


async def test_another_skills_suggestion_cannot_be_decided_here(site: Site) -> None:
    await skill(site)
    other = await skill(site, "other")
    theirs = await site.workbench.suggestions.add(site.tenant_id, other, title="Not yours")
    assert (await site.post(f"{HERE}/{theirs}", {"status": "declined"})).status_code == 404
    assert (await site.post(f"{HERE}/{uuid4()}", {"status": "declined"})).status_code == 404
    assert (await site.workbench.suggestions.counts(site.tenant_id, other)).open == 1

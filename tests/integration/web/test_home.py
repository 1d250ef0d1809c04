"""The list of skills and the invitation of an empty database, over HTTP."""

from __future__ import annotations

import re

import pytest

from steelyard.skills.bundle import read_bundle
from tests.integration.web.harness import Site

EVALS = b'{"evals": [{"id": 1, "prompt": "Hi", "expected_output": "hello"}]}'


async def add(site: Site, name: str, description: str = "Does a thing.") -> None:
    text = f"---\nname: {name}\ndescription: {description}\n---\nDo it.".encode()
    skill = read_bundle({"SKILL.md": text, "evals/evals.json": EVALS}, name)
    await site.workbench.skills.add(site.tenant_id, skill.content, skill.cases)


def names(html: str) -> list[str]:
    return re.findall(r'class="row-link hostile" href="[^"]*">([^<]*)<', html)


async def test_an_empty_database_invites_to_a_first_verdict(site: Site) -> None:
    page = await site.client.get("/")
    assert "Which model should run your skill?" in page.text
    assert 'action="/demo"' in page.text


async def test_the_invitation_adds_the_example_and_leads_to_its_run_with_local_models(site: Site) -> None:
    answer = await site.post("/demo")
    assert answer.status_code == 303
    place = answer.headers["location"]
    assert place.startswith("/skills/review-mood/benchmark/new?model=local%3Asmollm2-135m%3Ftemperature%3D0&model=")
    assert place.endswith("&judge=none&max_tokens=64")
    assert names((await site.client.get("/")).text) == ["review-mood"]


async def test_skills_are_listed_with_what_is_known_of_them(site: Site) -> None:
    await add(site, "greet", "Greets people.")
    page = (await site.client.get("/")).text
    assert names(page) == ["greet"]
    assert "not benchmarked" in page
    assert "1 golden case" in page
    assert 'href="/skills/greet/benchmark"' in page


async def test_search_finds_names_and_descriptions(site: Site) -> None:
    await add(site, "greet", "Greets people.")
    await add(site, "sort", "Sorts mail.")
    assert names((await site.client.get("/?q=MAIL")).text) == ["sort"]
    nothing = (await site.client.get("/?q=zzz")).text
    assert names(nothing) == []
    assert "No skill matches" in nothing


async def test_more_skills_than_a_page_follow_by_plain_links(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steelyard.web.pages.home.PAGE", 2)
    for name in ("a", "b", "c", "d", "e"):
        await add(site, name)
    found: list[str] = []
    url = "/?sort=name"
    for _ in range(5):
        page = (await site.client.get(url)).text
        found += names(page)
        more = re.search(r'id="more-link"[^>]* href="([^"]*)"', page)
        if more is None:
            break
        url = more[1].replace("&amp;", "&")
    assert found == ["a", "b", "c", "d", "e"]


async def test_a_press_on_a_column_sorts_the_other_way(site: Site) -> None:
    await add(site, "a")
    await add(site, "b")
    page = (await site.client.get("/")).text
    assert 'aria-sort="ascending"' in page
    down = (await site.client.get("/?sort=name&dir=desc")).text
    assert names(down) == ["b", "a"]
    assert 'aria-sort="descending"' in down


@pytest.mark.parametrize(
    "query", ["sort=evil", "after=zzz", "dir=sideways", "stale=yes", "sort=quality&after=WyJuYW1lIl0"]
)
async def test_an_address_that_does_not_fit_starts_the_list_anew(site: Site, query: str) -> None:
    await add(site, "a")
    page = await site.client.get(f"/?{query}")
    assert (page.status_code, names(page.text)) == (200, ["a"])
    assert "continued" not in page.text


async def test_what_a_skill_says_of_itself_is_only_text(site: Site) -> None:
    await add(site, '"<script>alert(1)</script>"', "'<img src=x onerror=alert(1)> \u202eabc'")
    page = (await site.client.get("/")).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\u202e" not in page

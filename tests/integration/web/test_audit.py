"""The audit log as page, download and JSON: readable, a page at a time, and harmless whatever names are in it."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from uuid import UUID

from fastapi import Request

from steelyard.domain.access import ROLES, Principal, Role
from steelyard.domain.actors import Actor, ActorKind, acting_as
from steelyard.domain.cases import CaseSource, CaseStatus
from steelyard.services.case_text import CaseDraft
from tests.integration.web.harness import Site
from tests.integration.web.made import MadeModel, content, made_run, made_skill

HOSTILE = "<img src=x onerror=alert(1)>\u202e=HYPERLINK(1)"


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


async def lines(site: Site, query: str = "") -> list[str]:
    """What the page says, act by act."""
    page = (await site.client.get(f"/audit{query}")).text
    return [
        words_of(found).strip() for found in re.findall(r'<li><p><span class="hostile"[^>]*>(.*?)</span>', page, re.S)
    ]


async def test_an_empty_log_says_what_will_be_in_it(site: Site) -> None:
    answer = await site.client.get("/audit")
    assert answer.status_code == 200
    assert "No change yet" in answer.text
    assert "audit-filter" not in answer.text


async def test_a_row_is_a_sentence_and_what_one_act_made_of_many_is_one(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=12)
    with acting_as(Actor(ActorKind.KEY, "ci", UUID(int=1))):
        proposed = await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("one", "1"))
        await site.workbench.cases.accept(site.tenant_id, proposed.id)
    run_id = await made_run(site.workbench, site.tenant_id, skill_id, [MadeModel("openai:gpt-5.4", 90.0)])
    assert proposed.status is CaseStatus.PENDING
    assert proposed.case.source is CaseSource.WRITTEN
    assert await lines(site) == [
        f"local started the benchmark run {str(run_id)[:8]} of weigh",
        f"ci accepted the golden case '{proposed.case.case_id}' of weigh",
        f"ci added the golden case '{proposed.case.case_id}' of weigh",
        "local added 12 golden cases of weigh",
        f"local added the version {content().digest[:12]} of weigh",
        "local added the skill 'weigh'",
    ]
    page = (await site.client.get("/audit")).text
    assert f'href="/runs/{run_id}"' in page
    assert 'href="/skills/weigh/details"' in page
    assert "by API key" in words_of(page)
    assert "pending → became accepted" in words_of(page).replace("  ", " ")


async def test_settings_and_a_version_that_is_put_into_use_are_named(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id, content(body="One.\n"), golden=0)
    await made_skill(site.workbench, site.tenant_id, content(body="Two.\n"), golden=0)
    assert (await site.post("/settings/limit", {"days": "30"})).status_code == 303
    assert (await site.post("/skills/weigh/delete", {"sure": "1", "name": "weigh"})).status_code in (200, 303)
    found = await lines(site)
    assert found[0] == "local deleted the skill 'weigh'"
    assert found[1] == "local changed days until a benchmark is stale"
    assert re.fullmatch(r"local put version [0-9a-f]{8,12} of weigh into use", found[2])
    page = words_of((await site.client.get("/audit?kind=skill")).text)
    assert "versions 2" in page
    assert "before, none now" not in page or "description" in page


async def test_the_log_goes_on_page_by_page_and_is_filtered(site: Site) -> None:
    with acting_as(Actor(ActorKind.MEMBER, "Ann", UUID(int=2))):
        for place in range(60):
            await made_skill(site.workbench, site.tenant_id, content(f"s{place}"), golden=0)
    first = (await site.client.get("/audit")).text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None
    second = await site.client.get(unescape(older[1]))
    assert "s59" in words_of(first)
    assert "'s0'" in words_of(second.text)
    assert "'s59'" not in words_of(second.text)
    last = await site.client.get(f"/audit?before={UUID(int=0)}")
    assert "Nothing older" in last.text
    assert len(await lines(site, "?kind=version&skill=s7")) == 1
    assert len(await lines(site, "?actor=Ann&skill=s7")) == 2
    assert await lines(site, "?actor=nobody") == []
    assert "No such change" in (await site.client.get("/audit?actor=nobody")).text
    assert await lines(site, "?since=2001-01-01&until=2001-12-31") == []
    for wrong in ("?since=yesterday", "?until=9999-99-99", "?before=x", "?until=9999-12-31"):
        answer = await site.client.get(f"/audit{wrong}")
        assert answer.status_code == 200
        assert "s59" in words_of(answer.text)
    assert "is no day" in (await site.client.get("/audit?since=yesterday")).text


async def test_an_act_is_one_line_with_its_number_however_long_the_pages_are(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id, golden=1_000)
    with acting_as(Actor(ActorKind.MEMBER, "Ann", UUID(int=2))):
        await made_skill(site.workbench, site.tenant_id, content("other"), golden=26)
    found: list[tuple[str, int]] = []
    before: UUID | None = None
    while True:
        page = await site.workbench.audit.acts(site.tenant_id, before=before, limit=2)
        assert len(page.acts) <= 2
        assert all(len(act.entries) == min(act.size, 10) for act in page.acts)
        found += [(act.sentence, act.size) for act in page.acts]
        before = page.next
        if before is None:
            break
    version, other = (content(name).digest[:12] for name in ("weigh", "other"))
    whole = [
        ("added 26 golden cases of other", 26),
        (f"added the version {other} of other", 1),
        ("added the skill 'other'", 1),
        ("added 1,000 golden cases of weigh", 1_000),
        (f"added the version {version} of weigh", 1),
        ("added the skill 'weigh'", 1),
    ]
    assert found == whole
    assert await lines(site) == [f"{'Ann' if 'other' in said else 'local'} {said}" for said, _ in whole]
    assert await lines(site, "?kind=case&skill=weigh") == ["local added 1,000 golden cases of weigh"]
    page = words_of((await site.client.get("/audit")).text)
    assert "The newest 10 of 1,000; the CSV has all." in page
    # As JSON each change stands for itself, a page at a time.
    rows = (await site.client.get("/v1/audit?limit=64")).json()["changes"]
    assert len(rows) == 64


async def test_names_in_it_are_shown_and_written_as_text_alone(site: Site) -> None:
    with acting_as(Actor(ActorKind.MEMBER, HOSTILE, UUID(int=3))):
        await made_skill(site.workbench, site.tenant_id, content("=1+1"), golden=0)
    page = (await site.client.get("/audit")).text
    assert "<img src=x" not in page
    assert "\u202e" not in words_of(page)
    answer = await site.client.get("/audit.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["subject_kind"] for row in rows] == ["version", "skill"]
    assert rows[1]["subject"] == "'=1+1"
    assert not any(cell.startswith(("=", "+", "@", "-")) for row in rows for cell in row.values())
    assert (await site.client.get("/audit.csv?since=never")).status_code == 422


async def test_the_same_as_json_a_page_at_a_time(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id, golden=2)
    answer = (await site.client.get("/v1/audit?limit=3")).json()
    assert answer["schema"] == "steelyard.audit/1"
    assert len(answer["changes"]) == 3
    rest = (await site.client.get(f"/v1/audit?limit=3&after={answer['next']}")).json()
    assert (len(rest["changes"]), rest["next"]) == (1, None)
    one = rest["changes"][0]
    assert one["sentence"] == "local added the skill 'weigh'"
    assert one["actor"] == {"kind": "local", "id": None, "name": "local"}
    assert one["change"]["description"]["new"]["characters"] == len("Weighs things.")
    for wrong in ("limit=0", "limit=201", "limit=x", "after=x", "since=x"):
        assert (await site.client.get(f"/v1/audit?{wrong}")).status_code == 422, wrong


async def test_only_who_may_read_the_log_is_shown_it_or_led_there(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id, golden=0)
    assert 'href="/audit"' in (await site.client.get("/settings")).text
    assert 'href="/audit?skill=weigh"' in (await site.client.get("/skills/weigh/details")).text
    viewer = Principal(site.tenant_id, "Vic", ROLES[Role.VIEWER], Role.VIEWER, UUID(int=4))

    async def identify(_: Request) -> Principal:
        return viewer

    site.app.state.identify = identify
    for path in ("/audit", "/audit.csv", "/v1/audit"):
        assert (await site.client.get(path)).status_code == 403, path
    assert 'href="/audit' not in (await site.client.get("/settings")).text
    assert 'href="/audit' not in (await site.client.get("/skills/weigh/details")).text

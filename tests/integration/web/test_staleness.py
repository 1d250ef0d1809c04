"""Causes of staleness on the pages and in the API, the limits of age, and a run's costs then and now."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef
from steelyard.domain.usage import Measurement
from steelyard.storage.server import Server
from tests.integration.web.harness import Site, site_of
from tests.integration.web.made import NOW, MadeModel, cases, content, made_run, made_skill

OWN = "workshop:brass-1"
OTHER = "workshop:brass-2"
PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}
CAUSES = "/skills/weigh/benchmark/causes"


def settings(price_1: float = 1.0, price_2: float = 2.0, more: str = "") -> str:
    return f"""[providers.workshop]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
{more}
[providers.workshop.prices."brass-1"]
input = {price_1}
output = {price_1}
[providers.workshop.prices."brass-2"]
input = {price_2}
output = {price_2}
"""


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID, tmp_path: Path) -> AsyncIterator[Site]:
    """The site of a fresh tenant that has a server of its own with two priced models."""
    file = server_home / "settings.toml"
    file.write_text(settings())
    try:
        async with site_of(server_home, tenant_id) as site:
            yield site
    finally:
        file.unlink()


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


async def benchmarked(site: Site, at: datetime = NOW) -> tuple[UUID, UUID]:
    """A skill and its run, whose cells cost what the settings file says."""
    bench, tenant = site.workbench, site.tenant_id
    skill_id = await made_skill(bench, tenant)
    models = [MadeModel(OWN, 90), MadeModel(OTHER, 60)]
    run_id = await made_run(bench, tenant, skill_id, models, judge=None, judge_digest=None, at=at)
    await reconcile(site, run_id)
    return skill_id, run_id


async def reconcile(site: Site, run_id: UUID) -> None:
    """Give the made-up cells identities and costs as the site itself would have."""
    identities = [site.workbench.providers.identity(ModelRef.parse(text)) for text in (OWN, OTHER)]
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await connection.execute(
            "UPDATE benchmark_runs SET plan = plan || jsonb_build_object('identities', %s::text[]) WHERE id = %s",
            (identities, run_id),
        )
        await connection.execute(
            """UPDATE benchmark_results SET estimated_cost_microcents = (input_tokens + output_tokens) * 100
                      * CASE model_name WHEN %s THEN 1 ELSE 2 END, price_version = 'settings'
                WHERE benchmark_run_id = %s AND output_produced IS NOT NULL""",
            (OWN, run_id),
        )
    report = await site.workbench.benchmarks.report(site.tenant_id, run_id)
    assert report.stored


async def checked(site: Site) -> dict[str, Any]:
    answer = await site.client.get("/v1/skills/weigh/staleness")
    assert answer.status_code == 200
    return answer.json()


async def test_where_nothing_speaks_against_it_the_box_is_empty_and_the_page_says_so(site: Site) -> None:
    await benchmarked(site)
    assert (await checked(site))["causes"] == []
    assert (await site.client.get(CAUSES, headers=PARTIAL)).text.strip() == ""
    assert "Nothing speaks against it" in words_of((await site.client.get(CAUSES)).text)
    page = (await site.client.get("/skills/weigh/benchmark")).text
    assert f'hx-get="{CAUSES}?line=1"' in page
    line = (await site.client.get(f"{CAUSES}?line=1", headers=PARTIAL)).text
    assert words_of(line).strip() == "Nothing speaks against it today"
    assert "These figures are stale" not in page


async def test_before_a_benchmark_there_is_nothing_to_be_stale(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)
    assert (await checked(site))["state"] == "never"
    assert "cannot be stale" in words_of((await site.client.get(CAUSES)).text)
    assert CAUSES not in (await site.client.get("/skills/weigh/benchmark")).text
    assert (await site.client.get("/skills/nobody/benchmark/causes")).status_code == 404
    assert (await site.client.get("/v1/skills/nobody/staleness")).status_code == 404


async def test_a_cause_has_its_evidence_its_cost_and_a_re_benchmark_of_its_own(site: Site) -> None:
    await benchmarked(site)
    await site.workbench.skills.add(site.tenant_id, content(body="Weigh it twice.\n"), cases(12))
    box = (await site.client.get(CAUSES, headers=PARTIAL)).text
    assert "The skill changed. Version" in words_of(box)
    assert "SKILL.md edited" in words_of(box)
    assert "24 calls of models, about $" in words_of(box)
    assert 'href="/skills/weigh/benchmark/again?cause=skill"' in box
    again = (await site.client.get("/skills/weigh/benchmark/again?cause=skill")).text
    assert '<input type="hidden" name="cause" value="skill">' in again
    started = await site.post("/skills/weigh/benchmark/again", {"cause": "skill"})
    run_id = UUID(started.headers["location"].removeprefix("/runs/"))
    assert not (await site.workbench.benchmarks.report(site.tenant_id, run_id)).run.fresh


async def test_age_and_drift_ask_for_fresh_answers_and_the_form_is_filled_in_so(site: Site) -> None:
    await benchmarked(site, NOW - timedelta(days=120))
    again = (await site.client.get("/skills/weigh/benchmark/again?cause=age")).text
    assert "every answer is called for anew" in again
    link = re.search(r'href="(/skills/weigh/benchmark/new\?[^"]*fresh=1[^"]*)"', again)
    assert link is not None
    form = (await site.client.get(unescape(link[1]))).text
    assert re.search(r'name="fresh"[^>]* checked', form)
    assert "120 days old" in words_of((await site.client.get("/skills/weigh/benchmark/again")).text)
    stale = words_of((await site.client.get("/skills/weigh/benchmark/again?cause=nonsense")).text)
    assert "120 days old" in stale


async def test_every_cause_at_once_stands_in_the_box_and_in_the_api(
    site: Site, server_home: Path, tenant_id: UUID
) -> None:
    skill_id, run_id = await benchmarked(site, NOW - timedelta(days=120))
    hostile = "</script><img src=x onerror=alert(1)>.md"
    changed = content(body="Weigh it twice.\n")
    files = {**changed.files, hostile: b"1"}
    await site.workbench.skills.add(site.tenant_id, replace(changed, files=files, digest="d" * 32), cases(13))
    uses = [
        Measurement(skill_id, NOW - timedelta(days=3), ModelRef.parse(OWN), Usage(9000, 250), id=uuid4())
        for _ in range(60)
    ]
    await site.workbench.usage.record(site.tenant_id, uses)
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await connection.execute(
            """UPDATE benchmark_runs SET judge_digest = 'old', judge = 'workshop:judge',
                      plan = plan || '{"judge": "workshop:judge", "judge_digest": "old",
                                       "identities": ["other", "other"]}' WHERE id = %s""",
            (run_id,),
        )
    (server_home / "settings.toml").write_text(settings(5.0, 2.0, 'deprecated = ["brass-2"]'))
    async with site_of(server_home, tenant_id) as later:
        box = (await later.client.get(CAUSES, headers=PARTIAL)).text
        words = words_of(box)
        for said in (
            "The skill changed.",
            "Golden cases changed. Since the benchmark was planned: 1 added.",
            "A model changed.",
            "A model goes or is gone. workshop:brass-2 is marked as deprecated in the settings file.",
            "The judge changed.",
            "Too old.",
            "A price changed. At today's prices: workshop:brass-1 from",
            "The cheapest is workshop:brass-2, not workshop:brass-1",
            "Use has drifted. In use, workshop:brass-1 differs from its benchmark (60 uses since",
            "Then and now",
        ):
            assert said in words, said
        assert "<img" not in box
        line = words_of((await later.client.get(f"{CAUSES}?line=1", headers=PARTIAL)).text).strip()
        assert line.startswith("8 causes to test again : the skill changed, golden cases changed, a model changed")
        body = (await later.client.get("/v1/stale")).json()
        assert [one["skill"] for one in body["skills"]] == ["weigh"]
        assert body["next"] is None
        kinds = [cause["kind"] for cause in body["skills"][0]["causes"]]
        assert kinds == ["skill", "cases", "model_changed", "model_gone", "judge", "age", "price", "drift"]
        assert all(cause["retest"] for cause in body["skills"][0]["causes"])
        assert "These figures are stale" in (await later.client.get(CAUSES)).text


async def test_stale_skills_are_listed_a_page_at_a_time(site: Site) -> None:
    for number in range(3):
        name = f"weigh-{number}"
        skill_id = await made_skill(site.workbench, site.tenant_id, content(name))
        run_id = await made_run(
            site.workbench,
            site.tenant_id,
            skill_id,
            [MadeModel(OWN, 90), MadeModel(OTHER, 60)],
            judge=None,
            judge_digest=None,
            at=NOW - timedelta(days=100),
        )
        await reconcile(site, run_id)
    names: list[str] = []
    after = ""
    while True:
        body = (await site.client.get(f"/v1/stale?limit=2&after={after}")).json()
        names += [one["skill"] for one in body["skills"]]
        if body["next"] is None:
            break
        after = body["next"]
    assert names == ["weigh-0", "weigh-1", "weigh-2"]
    assert (await site.client.get("/v1/stale?limit=0")).status_code == 422
    assert (await site.client.get("/v1/stale?after=zzz")).status_code == 422


async def test_days_are_set_on_the_details_tab_and_in_the_settings(site: Site) -> None:
    await benchmarked(site, NOW - timedelta(days=40))
    saved = await site.post("/settings/limit", {"days": "30"})
    assert saved.headers["location"] == "/settings#limit"
    assert "30 days old or older" in words_of((await site.client.get("/settings")).text)
    assert [cause["kind"] for cause in (await checked(site))["causes"]] == ["age"]
    assert "Blank for the 30 days of all skills" in words_of((await site.client.get("/skills/weigh/details")).text)
    assert (await site.post("/skills/weigh/details/limit", {"days": "60"})).status_code == 303
    assert (await checked(site))["limit_days"] == 60
    assert 'name="days" type="text" value="60"' in (await site.client.get("/skills/weigh/details")).text
    for url in ("/skills/weigh/details/limit", "/settings/limit"):
        refused = await site.post(url, {"days": "soon"})
        assert refused.status_code == 422
        assert "is no limit of age" in words_of(refused.text)
        assert 'value="soon"' in refused.text
        assert (await site.client.post(url, data={"days": "1"})).status_code == 403
    await site.post("/skills/weigh/details/limit", {"days": ""})
    await site.post("/settings/limit", {"days": ""})
    assert (await checked(site))["limit_days"] == 90


async def test_a_runs_costs_then_and_now_with_what_changed_place(
    site: Site, server_home: Path, tenant_id: UUID
) -> None:
    _, run_id = await benchmarked(site)
    same = words_of((await site.client.get(f"/runs/{run_id}?prices=today")).text)
    assert "Costs at the prices of another day" in same
    assert "was 2." not in same
    (server_home / "settings.toml").write_text(settings(5.0, 2.0))
    async with site_of(server_home, tenant_id) as later:
        plain = (await later.client.get(f"/runs/{run_id}")).text
        assert "Costs at the prices of another day" in plain
        assert "was 2." not in plain
        page = words_of((await later.client.get(f"/runs/{run_id}?prices=today")).text)
        assert "+400%" in page
        assert "was 1." in page
        assert "was 2." in page
        body = (await later.client.get(f"/runs/{run_id}.json?prices=today")).json()
        assert body["prices"]["flips"] == [{"cheaper_now": OTHER, "cheaper_then": OWN}]
        then, now = (body["prices"]["models"][0][f"avg_cost_{when}_microcents"] for when in ("then", "now"))
        assert now == pytest.approx(5 * then, abs=5)
        assert "prices" not in (await later.client.get(f"/runs/{run_id}.json")).json()
        for wrong in ("yesterday", "2999-01-01", "1999-01-01"):
            assert (await later.client.get(f"/runs/{run_id}.json?prices={wrong}")).status_code == 422
            refused = words_of((await later.client.get(f"/runs/{run_id}?prices={wrong}")).text)
            assert "Give" in refused


async def test_a_price_that_is_not_known_is_said_so_beside_the_run(
    site: Site, server_home: Path, tenant_id: UUID
) -> None:
    _, run_id = await benchmarked(site)
    (server_home / "settings.toml").write_text(settings().split('[providers.workshop.prices."brass-2"]')[0])
    async with site_of(server_home, tenant_id) as later:
        page = words_of((await later.client.get(f"/runs/{run_id}?prices=today")).text)
        assert "price not known for that day" in page
        assert "unknown" in page

"""Two runs of a skill side by side."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.integration.web.harness import Site
from tests.integration.web.made import NOW, MadeModel, content, made_run, made_skill
from tests.integration.web.test_skill_benchmark import text_of, words_of

MODELS = [MadeModel("openai:gpt-6", 60, 400_000), MadeModel("openai:mini", 55, 200_000)]
BETTER = [MadeModel("openai:gpt-6", 90, 400_000), MadeModel("openai:mini", 85, 200_000)]


@pytest.fixture
async def skill_id(site: Site) -> UUID:
    return await made_skill(site.workbench, site.tenant_id, golden=16)


async def two_runs(site: Site, skill_id: UUID, **second: object) -> tuple[UUID, UUID]:
    bench, tenant = site.workbench, site.tenant_id
    first = await made_run(bench, tenant, skill_id, MODELS, at=NOW - timedelta(days=9))
    return first, await made_run(bench, tenant, skill_id, BETTER, at=NOW - timedelta(days=1), seed=2, **second)  # type: ignore[arg-type]


async def test_one_run_cannot_be_compared_and_the_page_says_what_to_do(site: Site, skill_id: UUID) -> None:
    await made_run(site.workbench, site.tenant_id, skill_id, MODELS)
    page = words_of(await text_of(site, "/skills/weigh/compare"))
    assert "Two runs are needed" in page
    assert "has one run that has ended" in page


async def test_the_two_newest_runs_are_compared_unasked(site: Site, skill_id: UUID) -> None:
    first, second = await two_runs(site, skill_id)
    page = await text_of(site, "/skills/weigh/compare")
    assert re.search(rf'<option value="{first}" selected>', page)
    assert re.search(rf'<option value="{second}" selected>', page)
    words = words_of(page)
    assert re.search(r"Quality rose by \d+\.\d points on 16 cases in both runs \(95% interval \+", words)
    assert "All models" in words
    assert "better" in words


async def test_a_comparison_the_other_way_round_says_the_opposite(site: Site, skill_id: UUID) -> None:
    first, second = await two_runs(site, skill_id)
    words = words_of(await text_of(site, f"/skills/weigh/compare?a={second}&b={first}"))
    assert "Quality fell by " in words
    assert "worse" in words


async def test_flipped_cases_lead_to_the_case_in_each_run(site: Site, skill_id: UUID) -> None:
    first, second = await two_runs(site, skill_id)
    page = await text_of(site, "/skills/weigh/compare")
    assert re.search(rf'href="/runs/{first}/cases/\d+"', page)
    assert re.search(rf'href="/runs/{second}/cases/\d+"', page)
    assert "✓ passes" in page


async def test_scores_of_two_judges_are_not_compared_and_the_page_says_why(site: Site, skill_id: UUID) -> None:
    await two_runs(site, skill_id, judge_digest="k" * 64)
    words = words_of(await text_of(site, "/skills/weigh/compare"))
    assert "The qualities are not compared: the runs have different judges" in words
    assert "with another version of its prompt" in words
    assert "Cost of a call" in words, "costs can be compared whoever judged"
    assert "Quality rose" not in words


async def test_a_changed_skill_leads_to_its_difference(site: Site, skill_id: UUID) -> None:
    bench, tenant = site.workbench, site.tenant_id
    await made_run(bench, tenant, skill_id, MODELS, at=NOW - timedelta(days=9))
    await made_skill(bench, tenant, content(body="Weigh it twice.\n"), golden=16)
    await made_run(bench, tenant, skill_id, BETTER, seed=2)
    page = await text_of(site, "/skills/weigh/compare")
    assert re.search(r'href="/skills/weigh/versions\?from=[0-9a-f]{64}&amp;to=[0-9a-f]{64}"', page)


async def test_a_run_is_not_compared_with_itself(site: Site, skill_id: UUID) -> None:
    first, _ = await two_runs(site, skill_id)
    page = words_of(await text_of(site, f"/skills/weigh/compare?a={first}&b={first}", 422))
    assert "one and the same run" in page


async def test_runs_of_another_skill_are_not_compared_under_this_one(site: Site, skill_id: UUID) -> None:
    bench, tenant = site.workbench, site.tenant_id
    first, second = await two_runs(site, skill_id)
    other = await made_skill(bench, tenant, content("other"), golden=16)
    foreign = await made_run(bench, tenant, other, MODELS)
    await made_run(bench, tenant, other, BETTER, seed=3)
    await text_of(site, f"/skills/other/compare?a={first}&b={second}", 404)
    await text_of(site, f"/skills/weigh/compare?a={first}&b={foreign}", 404)


async def test_a_run_that_is_not_there_is_named_and_the_runs_there_are_can_be_chosen(
    site: Site, skill_id: UUID
) -> None:
    first, second = await two_runs(site, skill_id)
    gone = uuid4()
    page = await text_of(site, f"/skills/weigh/compare?a={first}&b={gone}", 404)
    assert f"This skill has no run {gone}" in page
    assert 'href="/skills/weigh/runs"' in page
    assert f'<option value="{first}" selected' in page
    assert f'<option value="{second}"' in page
    assert f'<option value="{gone}"' not in page
    assert page.count('<option value="">Choose a run') == 1
    assert "What changed" not in page
    await made_skill(site.workbench, site.tenant_id, content("bare"), golden=2)
    alone = await text_of(site, f"/skills/bare/compare?a={gone}&b={second}", 404)
    assert f"no run {gone} and no run {second}" in alone
    assert "Two runs are needed" in alone


async def test_an_id_that_is_none_is_as_good_as_no_choice_and_said(site: Site, skill_id: UUID) -> None:
    await two_runs(site, skill_id)
    page = await text_of(site, "/skills/weigh/compare?a=<b>nonsense\u202e&b=")
    assert "Quality rose" in page
    assert "No run is named &lt;b&gt;nonsense" in page
    assert "\u202e" not in page
    assert "Another is shown in its place" in page
    assert "No run is named" not in await text_of(site, "/skills/weigh/compare?a=&b=%20")


async def test_the_start_of_an_id_says_the_run(site: Site, skill_id: UUID) -> None:
    first, second = await two_runs(site, skill_id)
    page = await text_of(site, f"/skills/weigh/compare?a={str(second)[:8]}&b={str(first)[:8]}")
    assert "Quality fell by " in words_of(page)
    assert "No run is named" not in page


async def test_one_case_has_no_interval(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id, golden=1)
    row = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    await two_runs(site, row.id)
    words = words_of(await text_of(site, "/skills/weigh/compare"))
    assert "on 1 case in both runs: +" in words
    assert "(95% interval" not in words
    assert not re.search(r"[+−]\d+\.\d to [+−]\d", words)

"""The Benchmark tab: what it says of a skill in every state it can be in."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from steelyard.domain.calls import Usage
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.usage import Measurement
from tests.integration.web.harness import Site
from tests.integration.web.made import NOW, MadeModel, content, made_run, made_skill

GOOD = MadeModel("anthropic:claude-opus-5", 92, 11_800_000)
FAIR = MadeModel("openai:gpt-6-mini?temperature=0.3", 80, 1_250_000)
WEAK = MadeModel("local:smollm2-135m", 40, 0)
BOTH = (Arm.WITH_SKILL, Arm.WITHOUT_SKILL)


async def text_of(site: Site, path: str, status: int = 200) -> str:
    answer = await site.client.get(path)
    assert answer.status_code == status
    return answer.text


def words_of(html: str) -> str:
    """What is read, without the markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def models_of(html: str) -> list[str]:
    return re.findall(r'class="model-cell"><span class="hostile font-medium">([^<]*)<', html)


@pytest.fixture
async def skill_id(site: Site) -> UUID:
    return await made_skill(site.workbench, site.tenant_id, golden=24)


async def test_a_skill_alone_leads_to_its_benchmark(site: Site, skill_id: UUID) -> None:
    for ref in ("weigh", str(skill_id)):
        answer = await site.client.get(f"/skills/{ref}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/skills/weigh/benchmark")


async def test_the_frame_names_the_version_the_tabs_and_how_many_suggestions_are_open(
    site: Site, skill_id: UUID
) -> None:
    await site.workbench.suggestions.add(site.tenant_id, skill_id, title="Weigh slower")
    page = await text_of(site, "/skills/weigh/benchmark")
    row = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    assert f"version {row.version_digest[:8]}" in page
    assert re.search(r'id="tab-benchmark"[^>]*aria-current="page"', page)
    assert re.search(r'id="tab-suggestions"[^>]*>Suggestions <span[^>]*>1<', page)
    assert 'href="/skills/weigh/benchmark/new"' in page


async def test_runs_are_compared_where_there_are_two(site: Site, skill_id: UUID) -> None:
    for made in range(3):
        for page in ("/skills/weigh/benchmark", "/skills/weigh/runs"):
            assert ('href="/skills/weigh/compare"' in await text_of(site, page)) is (made >= 2), (made, page)
        await made_run(site.workbench, site.tenant_id, skill_id, [GOOD, FAIR], arms=BOTH)


async def test_without_a_benchmark_the_page_says_what_to_do(site: Site, skill_id: UUID) -> None:
    page = words_of(await text_of(site, "/skills/weigh/benchmark"))
    assert "No benchmark yet" in page
    assert "24 golden cases" in page
    assert "stale" not in page


async def test_without_golden_cases_the_page_says_so_first(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id, content("bare"), golden=0)
    page = words_of(await text_of(site, "/skills/bare/benchmark"))
    assert "No golden cases yet" in page


async def test_the_verdict_stands_before_every_figure(site: Site, skill_id: UUID) -> None:
    await made_run(site.workbench, site.tenant_id, skill_id, [GOOD, FAIR, WEAK], arms=BOTH)
    html = await text_of(site, "/skills/weigh/benchmark")
    page = words_of(html)
    assert "claude-opus-5 is best" in page
    assert "95% interval" in page
    assert page.index("claude-opus-5 is best") < page.index("Cost per use") < page.index("Pass rate")
    assert "3 models, 24 cases" in page
    assert "judged by anthropic:claude-sonnet-5" in page
    assert "How this was decided" in page


async def test_models_are_marked_in_words_and_variants_show_their_settings(site: Site, skill_id: UUID) -> None:
    await made_run(site.workbench, site.tenant_id, skill_id, [GOOD, FAIR, WEAK], arms=BOTH)
    html = await text_of(site, "/skills/weigh/benchmark")
    assert models_of(html) == ["claude-opus-5", "gpt-6-mini", "smollm2-135m"]
    assert "openai · temperature 0.3" in html
    marks = re.findall(r'<span class="badge standing"[^>]*><svg.*?</svg>([^<]*)</span>', html)
    assert marks[0] == "best"
    assert marks[-1] == "cheapest"
    assert ">Lift<" in html


async def test_models_are_sorted_by_links(site: Site, skill_id: UUID) -> None:
    await made_run(site.workbench, site.tenant_id, skill_id, [FAIR, WEAK, GOOD])
    cheapest_first = await text_of(site, "/skills/weigh/benchmark?sort=cost&dir=asc")
    assert models_of(cheapest_first) == ["smollm2-135m", "gpt-6-mini", "claude-opus-5"]
    dearest_first = await text_of(site, "/skills/weigh/benchmark?sort=cost&dir=desc")
    assert models_of(dearest_first) == ["claude-opus-5", "gpt-6-mini", "smollm2-135m"]
    assert 'aria-sort="descending"' in dearest_first
    assert models_of(await text_of(site, "/skills/weigh/benchmark?sort=nonsense&dir=up")) == [
        "claude-opus-5",
        "gpt-6-mini",
        "smollm2-135m",
    ]


async def test_a_leader_that_is_not_proven_is_not_called_best(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, content("few"), golden=5)
    await made_run(site.workbench, site.tenant_id, skill_id, [GOOD, FAIR])
    page = words_of(await text_of(site, "/skills/few/benchmark"))
    assert "Not enough evidence to name a best model." in page
    assert "is leading, which is not proven" in page
    assert "5 cases can be compared; a verdict needs at least 8." in page
    assert " is best" not in page


async def test_a_stale_benchmark_says_why_and_offers_to_repeat_it(site: Site, skill_id: UUID) -> None:
    await made_run(site.workbench, site.tenant_id, skill_id, [WEAK], at=NOW - timedelta(days=100))
    page = await text_of(site, "/skills/weigh/benchmark")
    assert "These figures are stale" in page
    assert "The oldest answer of the last benchmark is 100 days old; the limit is 90." in page
    assert 'hx-get="/skills/weigh/benchmark/again"' in page


async def test_repeating_says_its_price_first_and_starts_by_post_alone(site: Site, skill_id: UUID) -> None:
    await made_run(
        site.workbench, site.tenant_id, skill_id, [WEAK], judge=None, judge_digest=None, at=NOW - timedelta(days=100)
    )
    asked = words_of(await text_of(site, "/skills/weigh/benchmark/again"))
    assert "24 golden cases" in asked
    assert "about $0" in asked
    partial = {"hx-request": "true", "hx-request-type": "partial"}
    fragment = await site.client.get("/skills/weigh/benchmark/again", headers=partial)
    assert fragment.text.strip() == "(about $0)…", "a price to stand in the link, and nothing that could be pressed"
    assert (await site.client.post("/skills/weigh/benchmark/again")).status_code == 403
    started = await site.post("/skills/weigh/benchmark/again")
    assert started.status_code == 303
    run_id = UUID(started.headers["location"].removeprefix("/runs/"))
    run = (await site.workbench.benchmarks.report(site.tenant_id, run_id)).run
    assert list(run.models) == [WEAK.text]
    assert run.fresh, "the benchmark was too old: new answers are the point"


async def test_a_benchmark_that_cannot_be_repeated_says_what_is_missing(site: Site, skill_id: UUID) -> None:
    await made_run(site.workbench, site.tenant_id, skill_id, [GOOD], at=NOW - timedelta(days=100))
    page = words_of(await text_of(site, "/skills/weigh/benchmark/again"))
    assert "ANTHROPIC_API_KEY" in page
    assert "Choose anew" in page


async def test_nothing_can_be_repeated_before_the_first_benchmark(site: Site, skill_id: UUID) -> None:
    assert "no benchmark of record yet" in await text_of(site, "/skills/weigh/benchmark/again", 404)


async def test_a_run_under_way_is_shown_with_its_progress_until_it_ends(site: Site, skill_id: UUID) -> None:
    run_id = await made_run(site.workbench, site.tenant_id, skill_id, [WEAK], unfinished=0.5)
    page = await text_of(site, "/skills/weigh/benchmark")
    assert "A run is under way" in page
    assert "12 of 24 cells done" in words_of(page)
    assert "No benchmark yet" not in page
    place = f"/skills/weigh/benchmark/progress/{run_id}"
    assert f'hx-get="{place}"' in page
    going = await site.client.get(place)
    assert "hx-refresh" not in going.headers
    await site.workbench.benchmarks.cancel(site.tenant_id, str(run_id))
    assert (await site.client.get(place)).headers["hx-refresh"] == "true"


async def test_quick_figures_come_with_units_and_say_when_there_is_nothing(site: Site, skill_id: UUID) -> None:
    empty = words_of(await text_of(site, "/skills/weigh/benchmark"))
    assert "No use measured yet." in empty
    assert "No feedback yet." in empty
    bench = site.workbench
    await bench.usage.record(
        site.tenant_id,
        [
            Measurement(
                skill_id=skill_id,
                measured_at=NOW - timedelta(days=day),
                model=ModelRef("openai", "gpt-6"),
                usage=Usage(1000, 200),
                cost_microcents=2_000_000,
                price_version="made",
            )
            for day in range(10)
        ],
    )
    for kind in (FeedbackType.THUMB_UP, FeedbackType.THUMB_UP, FeedbackType.THUMB_DOWN):
        await bench.feedback.add(site.tenant_id, skill_id, Feedback(kind))
    page = words_of(await text_of(site, "/skills/weigh/benchmark"))
    assert "$0.02 average, last 30 days all time: $0.20 for 10 uses" in page
    assert "1,200 average, last 30 days 1,000 in, 200 out" in page
    assert "67% positive of 3 in all 3 pieces in 30 days, 67% positive" in page
    assert "gpt-6 no benchmark yet to compare it by 100% of uses, last 30 days; the only one used" in page


async def test_an_unknown_cost_is_called_unknown(site: Site, skill_id: UUID) -> None:
    measurement = Measurement(
        skill_id=skill_id,
        measured_at=NOW,
        model=ModelRef("workshop", "brass"),
        usage=Usage(10, 5),
        price_version="none",
    )
    await site.workbench.usage.record(site.tenant_id, [measurement])
    await made_run(site.workbench, site.tenant_id, skill_id, [MadeModel("workshop:brass", 80, None), FAIR])
    page = words_of(await text_of(site, "/skills/weigh/benchmark"))
    assert "Cost per use unknown" in page
    assert "unknown a case" in page
    assert "$0 a case" not in page


async def test_the_model_in_use_is_held_against_the_last_benchmark(site: Site, skill_id: UUID) -> None:
    measurement = Measurement(
        skill_id=skill_id,
        measured_at=NOW,
        model=ModelRef.parse(FAIR.text),
        usage=Usage(10, 5),
        price_version="none",
    )
    await site.workbench.usage.record(site.tenant_id, [measurement])
    await made_run(site.workbench, site.tenant_id, skill_id, [GOOD, FAIR])
    page = words_of(await text_of(site, "/skills/weigh/benchmark"))
    assert re.search(
        r"gpt-6-mini with temperature 0\.3 \d+\.\d points below the best"
        r" \(95% interval \d+\.\d to \d+\.\d\): claude-opus-5 100% of uses",
        page,
    )


async def test_the_history_goes_on_where_the_tab_leaves_off(site: Site, skill_id: UUID) -> None:
    runs = [
        await made_run(site.workbench, site.tenant_id, skill_id, [WEAK], at=NOW - timedelta(days=day), seed=day + 1)
        for day in range(12)
    ]
    page = await text_of(site, "/skills/weigh/benchmark")
    shown = [str(run) for run in runs if f'href="/runs/{run}"' in page]
    assert shown == [str(run) for run in runs[:10]]
    further = re.search(r'href="(/skills/weigh/runs\?after=[^"]*)"', page)
    assert further is not None
    rest = await text_of(site, further[1])
    assert [str(run) for run in runs if f'href="/runs/{run}"' in rest] == [str(run) for run in runs[10:]]
    assert "from the newest" in rest
    anew = await text_of(site, "/skills/weigh/runs?after=nonsense")
    assert "12 runs" in anew
    assert "from the newest" not in anew


async def test_a_run_that_does_not_count_is_marked_so(site: Site, skill_id: UUID) -> None:
    await made_run(site.workbench, site.tenant_id, skill_id, [WEAK], of_record=False)
    page = await text_of(site, "/skills/weigh/benchmark")
    assert "not of record" in page
    assert "No benchmark yet" in page


async def test_hostile_names_are_text_and_nothing_else(site: Site) -> None:
    name = '<b onclick="x">"\u202eevil'
    skill_id = await made_skill(site.workbench, site.tenant_id, content(name, description="<script>alert(1)</script>"))
    await made_run(site.workbench, site.tenant_id, skill_id, [MadeModel("openai:<img/src=x>", 80), WEAK])
    for path in ("benchmark", "runs", "compare"):
        page = await text_of(site, f"/skills/{skill_id}/{path}")
        assert "<script>alert" not in page
        assert "<img/src" not in page
        assert "<b onclick" not in page
        assert "\u202e" not in page


async def test_another_tenants_skill_is_not_there(site: Site) -> None:
    other = uuid4()
    for path in ("benchmark", "runs", "compare", "benchmark/again", "charts/cost-trend.svg"):
        assert (await site.client.get(f"/skills/{other}/{path}")).status_code == 404


async def test_of_runs_before_a_span_only_what_the_card_needs_is_read(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=2)
    made = [
        await made_run(
            site.workbench,
            site.tenant_id,
            skill_id,
            [MadeModel("openai:gpt-5.4", 90.0)],
            at=NOW - timedelta(days=back),
            seed=back,
        )
        for back in (100, 50, 1)
    ]
    for at_least, expected in ((0, made[2:]), (1, made[2:]), (2, made[1:]), (9, made)):
        points = await site.workbench.usage.quality_history(site.tenant_id, skill_id, days=30, at_least=at_least)
        assert [point.run_id for point in points] == expected

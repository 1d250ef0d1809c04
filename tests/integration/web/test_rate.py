"""People rate outputs: blind on the page, resumable, by several; and claims exactly when their conditions hold."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from uuid import UUID

import httpx
import pytest

from steelyard.domain.errors import Conflict, InputError, NotFound
from steelyard.domain.runs import Arm
from steelyard.execution.plan import Plan
from steelyard.services.people import PeopleReport
from steelyard.services.ratings import draw_of
from steelyard.storage import runs
from steelyard.workbench import Workbench
from tests.integration.services.made_skills import other_tenant
from tests.integration.web.harness import Site
from tests.integration.web.made import MadeModel, made_run, made_skill

GOOD, POOR = "anthropic:claude-opus-5", "openai:gpt-6-mini?temperature=1"
MODELS = [MadeModel(GOOD, 88), MadeModel(POOR, 55)]
SECRETS = re.compile(r"claude|anthropic|openai|gpt-6|opus|microcent|latency|\$0|judge", re.IGNORECASE)
Score = Callable[[int, str, int], int | None]
"""(case, model, how many were rated before) -> 1-10, None skips."""


@pytest.fixture
async def run_id(site: Site) -> UUID:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=20)
    return await made_run(site.workbench, site.tenant_id, skill_id, MODELS, arms=tuple(Arm))


def better(case: int, model: str, count: int) -> int:
    """The good model clearly ahead, every case its own."""
    return 8 + case % 3 if model == GOOD else 3 + case % 2


async def rate_all(bench: Workbench, run_id: UUID, rater: str, score: Score, *, most: int = 999, cases: int = 0) -> int:
    """Rate what is asked as a person would, knowing what it is of; how many were said something of."""
    async with bench.database.tenant(bench.tenant_id) as connection:
        run = await runs.get_run(connection, run_id)
    plan = Plan.from_json(run.plan)
    draw = draw_of(run, plan)
    for count in range(most):
        page = await bench.ratings.page(bench.tenant_id, run_id, rater, cases=cases)
        if page.task is None:
            return count
        asked = draw.at(page.task.place)
        assert asked is not None
        given = score(asked.case, plan.models[asked.model], count)
        await bench.ratings.rate(bench.tenant_id, run_id, rater, page.task.place, given)
    return most


async def report(site: Site, run_id: UUID) -> PeopleReport:
    return await site.workbench.people.report(site.tenant_id, run_id)


async def named(site: Site, run_id: UUID, name: str = "Ann") -> None:
    answer = await site.post(f"/runs/{run_id}/rater", {"rater": name})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run_id}/rate")


async def say(site: Site, run_id: UUID, text: str) -> None:
    """Have every output of the run be this text."""
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await connection.execute(
            "UPDATE benchmark_results SET output_produced = %s WHERE benchmark_run_id = %s", (text, run_id)
        )


def place_in(page: httpx.Response) -> str:
    found = re.search(r'name="place" value="(\d+)"', page.text)
    assert found is not None
    return found[1]


async def test_the_page_asks_for_a_name_once_and_says_what_is_asked(site: Site, run_id: UUID) -> None:
    page = await site.client.get(f"/runs/{run_id}/rate")
    assert "Your name" in page.text
    assert "16 outputs of 8 cases drawn at random" in page.text
    assert (await site.post(f"/runs/{run_id}/rater", {"rater": "  "})).status_code == 422
    await named(site, run_id, "Ann  Öz")
    page = await site.client.get(f"/runs/{run_id}/rate")
    assert "as <span" in page.text
    assert "Ann Öz" in page.text
    assert "0 of 16 rated" in page.text
    await site.post(f"/runs/{run_id}/rater", {"do": "forget"})
    assert "Your name" in (await site.client.get(f"/runs/{run_id}/rate")).text


@pytest.mark.parametrize(
    "output",
    [
        "As Claude, made by Anthropic, I weigh 3 g.",
        "I am gpt-6-mini. It weighs 3 g.",
        "<think>As openai:gpt-6-mini I must be short.</think>\n3 g\n\n— Claude Opus 5",
        '</pre><script>alert("3 g")</script> from claude-opus-5 <img src=x onerror=alert(1)>',
        "\x1b[31m3 g\x1b[0m \u202eclaude-opus-5",
    ],
)
async def test_nothing_of_the_answers_of_the_page_tells_whose_output_it_is(
    site: Site, run_id: UUID, output: str
) -> None:
    await say(site, run_id, output)
    await named(site, run_id)
    for number in range(16):
        page = await site.client.get(f"/runs/{run_id}/rate")
        assert page.status_code == 200
        shown = page.text.split("</head>")[1]
        assert "3 g" in shown
        assert SECRETS.search(shown) is None, SECRETS.search(shown)
        assert SECRETS.search(str(page.headers)) is None
        assert "<script>alert" not in shown
        assert "<img" not in shown
        answer = await site.post(
            f"/runs/{run_id}/rate", {"do": "rate", "place": place_in(page), "score": str(number % 10 + 1)}
        )
        assert answer.headers["location"] == f"/runs/{run_id}/rate"
        assert SECRETS.search(str(answer.headers)) is None
    assert "You have been asked about 16 outputs" in (await site.client.get(f"/runs/{run_id}/rate")).text


async def test_a_rater_goes_on_where_they_stopped_and_every_rater_meets_the_same_order(
    site: Site, run_id: UUID
) -> None:
    bench = site.workbench

    async def places(rater: str, count: int) -> list[int]:
        found: list[int] = []
        for _ in range(count):
            task = (await bench.ratings.page(site.tenant_id, run_id, rater)).task
            assert task is not None
            found.append(task.place)
            await bench.ratings.rate(site.tenant_id, run_id, rater, task.place, 5)
        return found

    first = await places("Ann", 5)
    others = await places("Bob", 9)
    assert first + await places("Ann", 4) == others
    progress = (await bench.ratings.page(site.tenant_id, run_id, "Ann")).progress
    assert (progress.rated, progress.asked, progress.cases, progress.goals) == (9, 16, 8, (8, 16, 20))


async def test_skipping_and_taking_back(site: Site, run_id: UUID) -> None:
    await named(site, run_id)
    url = f"/runs/{run_id}/rate"
    first = place_in(await site.client.get(url))
    await site.post(url, {"do": "skip", "place": first})
    page = await site.client.get(url)
    assert "1 skipped" in page.text
    second = place_in(page)
    assert (await site.post(url, {"do": "rate", "place": second})).status_code == 422
    await site.post(url, {"do": "rate", "place": second, "score": "10", "note": "Right."})
    await site.post(url, {"do": "undo"})
    assert place_in(await site.client.get(url)) == second
    await site.post(url, {"do": "undo"})
    assert place_in(await site.client.get(url)) == first
    assert "Undo last" not in (await site.client.get(url)).text
    await rate_all(site.workbench, run_id, "Ann", lambda case, model, count: None if count < 2 else 6)
    page = await site.client.get(url)
    assert "2 outputs skipped" in page.text
    assert place_in(await site.client.get(f"{url}?again=1")) == first
    await site.post(url, {"do": "rate", "place": first, "score": "4", "again": "1"})
    assert "1 output skipped" in (await site.client.get(url)).text


async def test_what_cannot_be_rated_is_refused(site: Site, run_id: UUID) -> None:
    rate = site.workbench.ratings.rate
    for score in (0, 11):
        with pytest.raises(InputError):
            await rate(site.tenant_id, run_id, "Ann", 0, score)
    for place in (-1, 40, 10**9):
        with pytest.raises(NotFound):
            await rate(site.tenant_id, run_id, "Ann", place, 5)
    for name in ("", "a" * 81, "a\u202eb", "\ud800"):
        with pytest.raises(InputError):
            await rate(site.tenant_id, run_id, name, 0, 5)
    skill_id = (await site.workbench.catalogue.find(site.tenant_id, "weigh")).id
    under_way = await made_run(site.workbench, site.tenant_id, skill_id, MODELS, unfinished=0.5, seed=5)
    with pytest.raises(Conflict):
        await site.workbench.ratings.page(site.tenant_id, under_way, "Ann")


async def test_another_tenant_can_neither_rate_nor_read(site: Site, run_id: UUID) -> None:
    await rate_all(site.workbench, run_id, "Ann", better, most=1)
    other = await other_tenant(site.workbench.database)
    with pytest.raises(NotFound):
        await site.workbench.ratings.page(other, run_id, "Eve")
    with pytest.raises(NotFound):
        await site.workbench.ratings.rate(other, run_id, "Eve", 0, 1)
    with pytest.raises(NotFound):
        await site.workbench.people.report(other, run_id)
    assert [row async for row in site.workbench.ratings.export(other, run_id)] == []
    assert await site.workbench.ratings.take_back(other, run_id, "Ann") is False


async def test_a_claim_comes_with_the_last_output_of_eight_drawn_cases_and_not_before(site: Site, run_id: UUID) -> None:
    nothing = await report(site, run_id)
    assert (nothing.ratings, nothing.claims, nothing.asked, nothing.done) == (0, False, 16, 0)
    assert await rate_all(site.workbench, run_id, "Ann", better, most=15) == 15
    before = await report(site, run_id)
    assert (before.cases, before.claims, before.best) == (0, False, None)
    assert {model.people.reason for model in before.models} == {"too_few_ratings"}
    assert any("rate 1 more drawn output" in need for need in before.needs)
    assert await rate_all(site.workbench, run_id, "Ann", better) == 1
    after = await report(site, run_id)
    assert (after.cases, after.look, after.alpha, after.best) == (8, 1, 0.03, GOOD)
    assert after.claims
    (gap,) = after.gaps
    assert gap.rival == POOR
    assert gap.difference.design == "same cases"
    assert gap.difference.n_rated == 8
    assert gap.difference.n_judged == 12
    assert gap.difference.low is not None
    assert gap.difference.low > 0
    # Ratings on the way to the next look change the agreement and no claim.
    await rate_all(site.workbench, run_id, "Ann", lambda case, model, count: 1, most=9, cases=16)
    between = await report(site, run_id)
    assert [model.people for model in between.models] == [model.people for model in after.models]
    assert (between.gaps, between.best) == (after.gaps, after.best)
    assert between.ratings == 25
    await rate_all(site.workbench, run_id, "Ann", better, cases=16)
    later = await report(site, run_id)
    assert (later.cases, later.look, later.alpha) == (16, 2, 0.01)


async def test_ratings_with_the_model_in_view_count_for_nothing_but_are_kept(site: Site, run_id: UUID) -> None:
    bench = site.workbench
    async with bench.database.tenant(site.tenant_id) as connection:
        cursor = await connection.execute(
            "SELECT id FROM benchmark_results WHERE benchmark_run_id = %s AND arm = 'with_skill'", (run_id,)
        )
        ids = [row["id"] for row in await cursor.fetchall()]
    for result in ids:
        await bench.ratings.rate_in_view(site.tenant_id, run_id, result, "Ann", 9)
    found = await report(site, run_id)
    assert (found.ratings, found.in_view, found.claims, found.agreement, found.calibration) == (
        0,
        40,
        False,
        None,
        None,
    )
    # Ann has seen them all: there is nothing left to ask her blind.
    assert (await bench.ratings.page(site.tenant_id, run_id, "Ann")).task is None
    assert await rate_all(bench, run_id, "Bob", better) == 16
    assert (await report(site, run_id)).best == GOOD
    blind = (await bench.ratings.of_case(site.tenant_id, run_id, 0)) | {}
    assert blind
    async with bench.database.tenant(site.tenant_id) as connection:
        cursor = await connection.execute("SELECT benchmark_result_id AS id FROM output_ratings WHERE rater = 'Bob'")
        rated_blind = (await cursor.fetchall())[0]["id"]
    with pytest.raises(Conflict):
        await bench.ratings.rate_in_view(site.tenant_id, run_id, rated_blind, "Bob", 1)


async def test_a_failure_of_the_models_own_is_the_lowest_rating_and_is_not_asked_about(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=8)
    models = [MadeModel(GOOD, 88), MadeModel(POOR, 55, failures=3)]
    run_id = await made_run(site.workbench, site.tenant_id, skill_id, models)
    assert await rate_all(site.workbench, run_id, "Ann", lambda case, model, count: 8 if model == GOOD else 7) == 13
    found = await report(site, run_id)
    people = {model.model: model.people for model in found.models}
    # Of constant ratings there is no spread to claim from; of five sevens and three zeros there is.
    assert people[GOOD].reason == "no_spread"
    assert (people[POOR].n_rated, people[POOR].mean) == (8, pytest.approx(5 / 8 * 600 / 9))


async def test_two_raters_agree_with_each_other_and_the_judge_is_set_beside_them(site: Site, run_id: UUID) -> None:
    await rate_all(site.workbench, run_id, "Ann", better)
    alone = await report(site, run_id)
    assert alone.agreement is not None
    assert alone.agreement.people is None
    assert any("second person" in need for need in alone.needs)
    await rate_all(site.workbench, run_id, "Bob", lambda case, model, count: better(case, model, count) - count % 2)
    found = await report(site, run_id)
    agreement = found.agreement
    assert agreement is not None
    assert agreement.people is not None
    assert agreement.length is not None
    assert agreement.alpha is not None
    assert agreement.alpha > 0.9
    assert (agreement.n_rated, found.certifies, found.ratings, found.outputs) == (16, True, 32, 16)
    assert agreement.judge.spearman is not None
    assert agreement.judge.spearman > 0.5
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.n) == ("Ann", "Bob", 16)
    assert found.calibration is not None
    assert (found.calibration.method, found.calibration.n_rated) == ("linear", 16)
    page = (await site.client.get(f"/runs/{run_id}/people")).text
    assert "People with each other" in page
    assert "claude-opus-5 above each other model" in page
    shown = (await site.client.get(f"/runs/{run_id}.json")).json()["people"]
    assert (shown["schema"], shown["best"], shown["agreement"]["n_rated"]) == ("steelyard.people/1", GOOD, 16)


async def test_the_download_has_every_rating_and_no_formula(site: Site, run_id: UUID) -> None:
    await site.workbench.ratings.rate(site.tenant_id, run_id, "=cmd()", 0, 10, "+1")
    await site.workbench.ratings.rate(site.tenant_id, run_id, "Ann", 0, None)
    answer = await site.client.get(f"/runs/{run_id}/ratings.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["rater"], row["score"], row["points"], row["note"]) for row in rows] == [
        ("'=cmd()", "10", "100.0", "'+1"),
        ("Ann", "", "", ""),
    ]
    assert {(row["drawn"], row["blind"]) for row in rows} == {("true", "true")}


async def test_an_output_is_rated_from_its_cases_page_and_marked_as_in_view(site: Site, run_id: UUID) -> None:
    page = await site.client.get(f"/runs/{run_id}/cases/1")
    found = re.search(r'action="(/runs/[^"]*/outputs/[^"]*/rating)"', page.text)
    assert found is not None
    answer = await site.post(found[1], {"score": "7", "rater": "Ann", "case": "1"})
    assert answer.headers["location"] == f"/runs/{run_id}/cases/1"
    page = await site.client.get(f"/runs/{run_id}/cases/1")
    assert "7 by" in page.text
    assert "(in view)" in page.text
    assert (await site.post(found[1], {"score": "70", "rater": "Ann", "case": "1"})).status_code == 422


async def test_a_runs_page_leads_to_rating_and_has_a_place_for_what_people_say(site: Site, run_id: UUID) -> None:
    page = (await site.client.get(f"/runs/{run_id}")).text
    assert f'hx-get="/runs/{run_id}/people"' in page
    assert f'href="/runs/{run_id}/rate"' in page

"""What a skill's row says of its last benchmark is what its runs say, whatever happens to them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.domain.calls import ModelRequest
from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.services.catalogue import SkillCatalogue
from steelyard.services.staleness import StalenessService
from steelyard.services.usage import UsageService
from steelyard.storage.database import Database
from steelyard.storage.runs import Headline
from tests.integration.execution.bench import CALL_MICROCENTS, Bench, Caller, price, request_of
from tests.integration.storage.course import ENDINGS, Course

MODEL = {"model": "t:m", "arm": "with_skill", "n": 1, "quality": 40.0}
_RECOUNT = """
    SELECT DISTINCT ON (skill_id) skill_id, id, completed_at, skill_version_id, verdict_kind, headline_model,
           headline_quality
      FROM benchmark_runs WHERE of_record AND status = 'completed' AND headline_model IS NOT NULL
     ORDER BY skill_id, partial, completed_at DESC, id"""
_KEPT = """
    SELECT id AS skill_id, last_run_id AS id, benchmarked_at AS completed_at, last_run_version_id AS skill_version_id,
           verdict_kind, best_model AS headline_model, quality AS headline_quality
      FROM skills WHERE last_run_id IS NOT NULL ORDER BY skills.id"""


@pytest.fixture
def bench(database: Database, tenant_id: UUID) -> Bench:
    return Bench(database, tenant_id)


async def test_a_finished_run_of_record_speaks_for_its_skill(bench: Bench) -> None:
    def reply(request: ModelRequest) -> str:
        return "120 g" if request.model.name == "m1" else "no"

    request = request_of(cases=20, models=2)
    run_id = await bench.start(request)
    catalogue = SkillCatalogue(bench.database)
    assert (await catalogue.find(bench.tenant_id, request.content.name)).staleness.state == "never"
    await bench.serve(run_id, Caller(reply))
    row = await catalogue.find(bench.tenant_id, request.content.name)
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    best = next(summary for summary in report.summaries if summary.model == "test:m1")
    assert (row.verdict_kind, row.best_model, row.last_run_id) == ("best", "test:m1", run_id)
    assert (row.quality, row.quality_low, row.quality_high) == (best.quality, best.quality_low, best.quality_high)
    assert (row.avg_cost_microcents, row.cases, row.staleness.state) == (best.avg_cost_microcents, 20, "fresh")
    points = await UsageService(bench.database, price).quality_history(bench.tenant_id, row.id, days=1)
    assert [(point.run_id, point.model, point.quality) for point in points] == [(run_id, "test:m1", best.quality)]


async def test_a_run_its_budget_stopped_speaks_for_the_skill_only_where_none_is_whole(bench: Bench) -> None:
    request, catalogue = request_of(cases=20, models=2), SkillCatalogue(bench.database)
    stopped = replace(request, fresh=True, budget_microcents=12 * CALL_MICROCENTS)
    partial = await bench.start(stopped)
    await bench.serve(partial, Caller(at_once=1))
    row = await catalogue.find(bench.tenant_id, request.content.name)
    assert row.last_run_id == partial
    usage = UsageService(bench.database, price)
    assert [one.run_id for one in await usage.quality_history(bench.tenant_id, row.id, days=1)] == [partial]
    whole = await bench.start(request)
    await bench.serve(whole, Caller())
    await bench.serve(await bench.start(replace(stopped, seed=7)), Caller(at_once=1))
    row = await catalogue.find(bench.tenant_id, request.content.name)
    assert row.last_run_id == whole
    assert [one.run_id for one in await usage.quality_history(bench.tenant_id, row.id, days=1)] == [whole]


async def test_a_run_with_nothing_to_compare_speaks_for_the_skill_only_where_no_other_does(database: Database) -> None:
    course = await Course.begin(database, [request_of(cases=1)])
    headline = Headline("t:m", 40.0, 0.0, 100.0, 5)
    nothing = {"arm": "with_skill", "statistics": {"reason": "one_model_left"}, "summaries": [MODEL]}
    spoke: list[tuple[UUID, UUID]] = []
    for number, verdict in enumerate((nothing, nothing | {"statistics": {"reason": None}}, nothing)):
        await course.start(number, of_record=True)
        await course.end(course.started[-1], "complete", headline, verdict=verdict)
        async with database.tenant(course.tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT last_run_id, benchmark_run_id FROM skills s JOIN run_models m ON m.skill_id = s.id AND m.stands"
            )
            spoke += [(row["last_run_id"], row["benchmark_run_id"]) for row in await cursor.fetchall()]
    first, whole, _ = course.started
    assert spoke == [(first, first), (whole, whole), (whole, whole)]


async def test_ad_hoc_cases_never_speak_for_the_skill(bench: Bench) -> None:
    first = request_of(cases=10)
    await bench.serve(await bench.start(first), Caller())
    row = await SkillCatalogue(bench.database).find(bench.tenant_id, first.content.name)
    await bench.serve(await bench.start(replace(first, of_record=False, fresh=True)), Caller())
    assert await SkillCatalogue(bench.database).find(bench.tenant_id, first.content.name) == row


async def test_each_cause_of_staleness_is_seen_and_says_when(bench: Bench) -> None:
    request = request_of(cases=10)
    await bench.serve(await bench.start(request), Caller())
    catalogue = SkillCatalogue(bench.database)
    row = await catalogue.find(bench.tenant_id, request.content.name)
    check = Check(CheckKind.CONTAINS, "120 g")
    more = [*request.cases, GoldenCase("new", "one more", "120 g", checks=(check,))]
    service = await bench.service()
    await service.prepare(bench.tenant_id, replace(request, cases=more))
    assert await kinds(bench, row.id) == ["cases"]
    await service.prepare(bench.tenant_id, replace(request, content=replace(request.content, digest="d"), cases=more))
    assert await kinds(bench, row.id) == ["skill", "cases"]
    assert await kinds(bench, row.id, datetime.now(UTC) + timedelta(days=90)) == ["skill", "cases", "age"]
    await bench.serve(await bench.start(replace(request, cases=more)), Caller())
    assert await kinds(bench, row.id) == []


async def kinds(bench: Bench, skill_id: UUID, now: datetime | None = None) -> list[str]:
    service = StalenessService(bench.database, now=lambda: now or datetime.now(UTC))
    return [cause.kind for cause in (await service.of(bench.tenant_id, skill_id)).causes]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["start", *ENDINGS]), st.integers(0, 9), st.booleans(), st.sampled_from([10.0, 50.0, 90.0])
    ),
    max_size=20,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_the_skills_row_is_what_its_runs_say(
    database: Database, steps: list[tuple[str, int, bool, float]]
) -> None:
    course = await Course.begin(database, [request_of(cases=1) for _ in range(2)])
    for step, number, flag, quality in steps:
        if step == "start" or not course.started:
            await course.start(number, of_record=flag)
        else:
            headline = Headline("t:m", quality, 0.0, 100.0, 5)
            await course.end(course.run(number), step, headline, kind="tied" if flag else "best", verdict={})
        async with database.tenant(course.tenant_id) as connection:
            kept = await (await connection.execute(_KEPT)).fetchall()
            recount = await (await connection.execute(_RECOUNT)).fetchall()
        assert kept == recount


async def test_starting_and_ending_runs_of_one_skill_at_once_do_not_lock_each_other_out(bench: Bench) -> None:
    request = request_of(cases=6, chosen=[ModelRef("test", "m0")])
    service = await bench.service()

    async def again(seed: int) -> None:
        run_id = (await service.start(bench.tenant_id, replace(request, seed=seed, fresh=True))).run_id
        await asyncio.gather(
            bench.serve(run_id, Caller()),
            *(service.start(bench.tenant_id, replace(request, seed=seed, fresh=True)) for _ in range(3)),
        )

    await asyncio.gather(*(again(seed) for seed in range(4)))

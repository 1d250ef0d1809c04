"""The generated tenant has what every page needs to be looked at, and keeps the laws real data keeps."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from benchmarks.pages.library import MAIN
from benchmarks.pages.scale import Scale, large_tenant
from steelyard.domain.cases import CaseSource, CaseStatus
from steelyard.execution.conclude import outcome_of
from steelyard.pricing import cost
from steelyard.services.cases import CaseService
from steelyard.services.catalogue import SkillCatalogue
from steelyard.services.feedback import FeedbackService
from steelyard.services.reports import build_report
from steelyard.services.suggestions import SuggestionService
from steelyard.services.usage import UsageService
from steelyard.services.versions import VersionService
from steelyard.storage import reviews, runs
from steelyard.storage.database import Connection, Database

SKILLS, RUNS, USES = 60, 14, 3_000


async def test_the_generated_tenant_is_whole(database: Database, tenant_id: UUID) -> None:
    scale = Scale(skills=SKILLS, runs=RUNS, results=400, measurements=USES)
    now = datetime.now(UTC)
    main = await large_tenant(database, tenant_id, scale, now=now, real_runs=4)
    await _skills(database, tenant_id)
    async with database.tenant(tenant_id) as connection:
        await _runs(connection, tenant_id, main)
        assert {row.status for row in await reviews.list_reviews(connection, main, limit=9)} == {"completed", "failed"}
    await _of_main(database, tenant_id, main)


async def _skills(database: Database, tenant_id: UUID) -> None:
    rows = (await SkillCatalogue(database).page(tenant_id, limit=200)).rows
    assert len(rows) == SKILLS
    kinds = Counter(row.verdict_kind for row in rows)
    assert set(kinds) >= {None, "best", "tied"}
    assert {cause.kind for row in rows for cause in row.stale} == {"age", "skill", "cases"}
    for row in rows:
        assert len(await CaseService(database).list(tenant_id, row.id, status=CaseStatus.ACCEPTED)) == row.cases
        stats = await FeedbackService(database).stats(tenant_id, row.id)
        assert (stats.total, stats.positive_percent) == (row.feedback_total, row.feedback_positive_percent)
        found = (await FeedbackService(database).list(tenant_id, row.id, limit=200)).rows
        assert len(found) == min(200, row.feedback_total)
        points = await UsageService(database, partial(cost, rates={})).quality_history(tenant_id, row.id)
        newest = points[-1] if points else None
        assert row.last_run_id == (newest.run_id if newest else None)
        assert row.best_model == (newest.model if newest else None)
        assert row.quality == (newest.quality if newest else None)


async def _runs(connection: Connection, tenant_id: UUID, main: UUID) -> None:
    found = await runs.list_runs(connection, skill_id=main, limit=100)
    assert len(found) == RUNS
    assert Counter(run.status for run in found)["cancelled"] == 1
    assert Counter(run.stop_cause for run in found)["budget"] == 1
    made_up = [run for run in found if run.triggered_by == "api"]
    assert made_up
    for run in made_up[:4]:
        report = await build_report(connection, tenant_id, run.id)
        if report.counts.answered:
            again = await outcome_of(connection, tenant_id, run, take_look=False)
            assert [astuple(summary) for summary in again.summaries] == [astuple(one) for one in report.summaries]
    last = next(run for run in found if run.of_record)
    report = await build_report(connection, tenant_id, last.id)
    assert len({failure["kind"] for failure in report.failures}) >= 5
    assert report.counts.failed
    assert report.counts.missing
    assert any(summary.lift is not None for summary in report.summaries)
    assert any(summary.avg_cost_microcents is None for summary in report.summaries)
    cursor = await connection.execute(
        """SELECT count(*) AS all, count(*) FILTER (WHERE (c->>'quote_found')::boolean) AS found
             FROM judgements j JOIN benchmark_results r ON r.id = j.benchmark_result_id,
                  jsonb_array_elements(j.criteria) AS c
            WHERE r.benchmark_run_id = %s AND c->>'evidence' <> ''""",
        (last.id,),
    )
    quotes = await cursor.fetchone()
    assert quotes is not None
    assert quotes["all"] == quotes["found"] > 500


async def _of_main(database: Database, tenant_id: UUID, main: UUID) -> None:
    row = await SkillCatalogue(database).find(tenant_id, MAIN)
    assert row.id == main
    assert "skill" in {cause.kind for cause in row.stale}
    versions = await VersionService(database).list(tenant_id, main)
    assert len(versions) == 5
    diff = await VersionService(database).diff(tenant_id, versions[-1].id, versions[0].id)
    assert {file.shown for file in diff.files} == {"text", "binary"}
    entries = await CaseService(database).list(tenant_id, main)
    assert {entry.status for entry in entries} == set(CaseStatus)
    assert {entry.case.source for entry in entries} == {
        CaseSource.FILE,
        CaseSource.WRITTEN,
        CaseSource.TRAINING_EXAMPLE,
    }
    counts = await SuggestionService(database).counts(tenant_id, main)
    assert counts.open
    assert counts.accepted
    assert counts.declined
    usage = UsageService(database, partial(cost, rates={}))
    series = await usage.daily(tenant_id, main, 365)
    assert sum(day.uses > 0 for day in series) > 350
    assert any(day.cost_unknown for day in series)
    async with database.tenant(tenant_id) as connection:
        cursor = await connection.execute(
            """SELECT (SELECT sum(uses)::int FROM measurement_daily) AS rolled,
                      (SELECT count(*)::int FROM token_measurements) AS kept,
                      (SELECT count(*)::int FROM token_measurements WHERE source = 'generated') AS generated"""
        )
        sums = await cursor.fetchone()
    assert sums is not None
    assert sums["rolled"] == sums["kept"]
    assert sums["generated"] == USES

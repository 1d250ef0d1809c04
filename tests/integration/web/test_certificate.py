"""The certificate over HTTP: a refused judge on the run's page, accepted by its form, and in every download."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from benchmarks.workload import judge_reply
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.services.run_request import Kept, RunRequest
from steelyard.storage import canaries
from steelyard.storage.server import Server
from tests.integration.web.harness import Site, site_of
from tests.integration.web.made import MadeModel, made_run, made_skill
from tests.modelserver import ModelServer, ServerConfig

MARK = "Judge accepted although it failed: an output that tells the judge to give full marks scored 100"


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(ServerConfig(schema_reply=judge_reply)) as server:
        yield server


@pytest.fixture
async def judged_site(server: Server, server_home: Path, tenant_id: UUID, models: ModelServer) -> AsyncIterator[Site]:
    env = {"OPENAI_BASE_URL": models.openai_url, "OPENAI_API_KEY": "k"}
    async with site_of(server_home, tenant_id, env=env) as site:
        yield site


async def run_judged_by(site: Site, judge: str, *, accept_judge: bool = False) -> UUID:
    """A run of the skill `weigh` on twelve golden cases, served to its end."""
    skill_id = await made_skill(site.workbench, site.tenant_id)
    kept = await site.workbench.skills.kept(site.tenant_id, skill_id)
    request = RunRequest(
        content=kept.content,
        cases=[row.case for row in kept.cases],
        models=[ModelRef("openai", "gpt-4o-mini")],
        judge=ModelRef("openai", judge),
        arms=(Arm.WITH_SKILL,),
        accept_judge=accept_judge,
        kept=Kept(kept.id, kept.version_id, [row.id for row in kept.cases]),
    )
    started = await site.workbench.benchmarks.start(site.tenant_id, request)
    await serve(site, started.run_id)
    return started.run_id


async def test_a_run_under_way_says_how_far_its_judges_examination_is(judged_site: Site) -> None:
    skill_id = await made_skill(judged_site.workbench, judged_site.tenant_id)
    models = [MadeModel("openai:gpt-4o-mini", 80)]
    run_id = await made_run(judged_site.workbench, judged_site.tenant_id, skill_id, models, unfinished=0.5)
    async with judged_site.workbench.database.tenant(judged_site.tenant_id) as connection:
        await canaries.note_examining(connection, run_id, "j" * 64, 11, 7)
    page = await text_of(judged_site, f"/runs/{run_id}")
    assert "Examining the judge on 11 outputs of known grade: 7 done." in page
    async with judged_site.workbench.database.tenant(judged_site.tenant_id) as connection:
        await canaries.store_examination(connection, run_id, {"version": "canaries/1", "canaries": [], "findings": []})
    assert "Examining the judge" not in await text_of(judged_site, f"/runs/{run_id}")


async def serve(site: Site, run_id: UUID) -> None:
    stop = asyncio.Event()
    async with asyncio.timeout(60):
        await site.workbench.work(run_id=run_id, stop=stop, ended=lambda _: stop.set())


async def text_of(site: Site, url: str) -> str:
    answer = await site.client.get(url)
    assert answer.status_code == 200, answer.text
    return answer.text


async def charts_say_the_mark(site: Site) -> None:
    """On the picture, in its data, in its table, and on the run's place among the days of use."""
    drawn = await text_of(site, "/skills/weigh/charts/quality-cost.svg")
    assert "Judge accepted although it failed: an output that tells the judge" in drawn
    kept = (await site.client.get("/skills/weigh/charts/quality-cost.json")).json()
    assert kept["sentence"].startswith(MARK)
    assert all(row["judge_examination"].startswith(MARK) for row in kept["rows"])
    rows = csv.DictReader(io.StringIO(await text_of(site, "/skills/weigh/charts/quality-cost.csv")))
    assert all(row["judge_examination"].startswith(MARK) for row in rows)
    assert (await site.client.get("/skills/weigh/charts/quality-cost.png")).content.startswith(b"\x89PNG")
    trend = (await site.client.get("/skills/weigh/charts/cost-trend.json")).json()
    assert "by a judge accepted although it did not pass" in str(trend["rows"])


async def marks_in_csv(site: Site, run_id: UUID) -> set[str]:
    rows = csv.DictReader(io.StringIO(await text_of(site, f"/runs/{run_id}/cells.csv")))
    return {row["judge_examination"] for row in rows}


async def test_a_judge_that_passed_has_its_certificate_on_the_page_and_in_the_downloads(judged_site: Site) -> None:
    run_id = await run_judged_by(judged_site, "gpt-4o")
    page = await text_of(judged_site, f"/runs/{run_id}")
    for said in (
        "The judge’s examination",
        "11 outputs shown",
        "at least 20 below the golden output",
        "11 calls, $0.0",
    ):
        assert said in page
    # The candidate is of the judge's family.
    assert "openai:gpt-4o-mini is of the judge" in page
    certificate = (await judged_site.client.get(f"/runs/{run_id}.json")).json()["certificate"]
    assert (certificate["result"], certificate["mark"], certificate["calls"]) == ("passed", None, 11)
    assert {finding["passed"] for finding in certificate["examination"]["findings"]} == {True}
    assert await marks_in_csv(judged_site, run_id) == {"passed"}


async def test_a_refused_judge_is_named_kept_answers_are_counted_and_the_form_accepts_it(
    judged_site: Site, models: ModelServer
) -> None:
    run_id = await run_judged_by(judged_site, "gullible")
    page = await text_of(judged_site, f"/runs/{run_id}")
    for said in ("judge refused", "The judge openai:gullible failed its examination", "Kept: ", 'name="accept_judge"'):
        assert said in page
    assert (await judged_site.post(f"/runs/{run_id}/resume")).status_code == 409
    paid = models.stats.by_model["gpt-4o-mini"]
    answered = (await judged_site.client.get(f"/runs/{run_id}.json")).json()["run"]["answered"]
    answer = await judged_site.post(f"/runs/{run_id}/resume", {"accept_judge": "1"})
    assert answer.status_code == 303
    await serve(judged_site, run_id)
    report = (await judged_site.client.get(f"/runs/{run_id}.json")).json()
    assert report["run"]["judged"] == 12
    assert models.stats.by_model["gpt-4o-mini"] == paid + 12 - answered
    assert report["certificate"]["mark"].startswith(MARK)
    page = await text_of(judged_site, f"/runs/{run_id}")
    assert "Judge accepted although it failed." in page
    assert MARK in await text_of(judged_site, "/skills/weigh/benchmark")
    for listed in ("/", "/skills/weigh/runs"):
        assert ">judge failed<" in await text_of(judged_site, listed), listed
    assert {mark[: len(MARK)] for mark in await marks_in_csv(judged_site, run_id)} == {MARK}
    await charts_say_the_mark(judged_site)
    other = await run_judged_by(judged_site, "gullible", accept_judge=True)
    compared = await judged_site.workbench.comparisons.compare(judged_site.tenant_id, run_id, other)
    assert [note.split(": ")[0] for note in compared.notes] == ["First run", "Second run"]
    assert "although it failed" in await text_of(judged_site, f"/skills/weigh/compare?a={run_id}&b={other}")


async def test_the_estimate_counts_the_examination_and_names_a_judge_known_to_fail(judged_site: Site) -> None:
    await made_skill(judged_site.workbench, judged_site.tenant_id)
    form = {"models": "openai:gpt-4o", "cases": "golden", "arm": "with_skill", "trials": "1", "judge": "other"}
    form["judge_model"] = "openai:gullible"
    said = (await judged_site.post("/skills/weigh/benchmark/estimate", form)).text
    assert "11 of them to examine it" in said
    await run_judged_by(judged_site, "gullible")
    said = (await judged_site.post("/skills/weigh/benchmark/estimate", form)).text
    assert "to examine it" not in said
    assert "openai:gullible failed its examination" in said
    assert "The run will stop before a call" in said
    accepted = (await judged_site.post("/skills/weigh/benchmark/estimate", form | {"accept_judge": "1"})).text
    assert "It is accepted all the same" in accepted


async def test_a_run_without_a_judge_has_no_certificate(judged_site: Site) -> None:
    skill_id = await made_skill(judged_site.workbench, judged_site.tenant_id)
    models = [MadeModel("openai:gpt-4o-mini", 70)]
    run_id = await made_run(
        judged_site.workbench, judged_site.tenant_id, skill_id, models, judge=None, judge_digest=None
    )
    assert "The judge’s examination" not in await text_of(judged_site, f"/runs/{run_id}")
    assert await marks_in_csv(judged_site, run_id) == {""}


async def test_a_run_of_before_examinations_says_that_its_judge_was_not_examined(judged_site: Site) -> None:
    skill_id = await made_skill(judged_site.workbench, judged_site.tenant_id)
    run_id = await made_run(
        judged_site.workbench, judged_site.tenant_id, skill_id, [MadeModel("openai:gpt-4o-mini", 70)]
    )
    assert "The judge was not examined" in await text_of(judged_site, f"/runs/{run_id}")

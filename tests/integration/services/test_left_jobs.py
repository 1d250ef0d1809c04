"""Reviews, tie-breaks and drafts whose provider was removed say so by every door, and go on once it is set again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from steelyard.cli.local_cases import LocalCases
from steelyard.cli.local_tie_break import LocalTieBreaks
from steelyard.cli.terminal import Terminal
from steelyard.cli.tie_break import tie_breaks
from steelyard.domain.errors import Conflict
from steelyard.domain.models import ModelRef
from steelyard.domain.tie_breaks import Preference
from steelyard.execution.payer import Payer
from steelyard.execution.tie_breaker import TieBreaker
from steelyard.judging.pairs import Duel, PairJudge
from steelyard.judging.review import CRITERIA
from steelyard.storage import queue as queue_module
from steelyard.storage.queue import LeftToOthers, tie_lock
from steelyard.storage.served import TIE_BREAKS, note_left
from steelyard.storage.server import Server
from steelyard.workbench import Workbench
from tests.integration.web.harness import Site, site_of
from tests.integration.web.made import made_skill
from tests.integration.web.test_tie_break import candidate, judge, tied_run
from tests.modelserver import Call, ModelServer, Reply, ServerConfig

THERE = "/v1/providers/workshop"
MODEL = "workshop:judge"
REVIEW = json.dumps(
    {
        "summary": "Sound.",
        "scores": [{"criterion": name, "finding": "So.", "score": 4} for name in CRITERIA],
        "strengths": ["Short."],
        "risks": [],
        "edits": [],
    }
)
DRAFTS = json.dumps({"cases": [{"input": "1 stone", "expected_output": "6.35 kg", "why": "Old units."}]})


def reply(call: Call) -> Reply:
    """A review, drafts, or what a judge of pairs says: whatever is asked for."""
    properties = (call.schema or {})["properties"]
    return Reply(REVIEW) if "summary" in properties else Reply(DRAFTS) if "cases" in properties else judge(call)


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(ServerConfig(reply=candidate, schema_reply=reply)) as models:
        yield models


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID, models: ModelServer) -> AsyncIterator[Site]:
    env = {"OPENAI_BASE_URL": models.openai_url, "OPENAI_API_KEY": "test"}
    async with site_of(server_home, tenant_id, env=env) as site:
        yield site


@dataclass(frozen=True)
class Asked:
    """A job that was asked for: where it stands in the API, and the page that shows it."""

    path: str
    page: str


async def asked(site: Site, path: str, body: dict[str, Any], there: str, page: str) -> Asked:
    answer = await site.client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return Asked(f"{there}/{answer.json()['id']}", page)


async def review(site: Site) -> Asked:
    await made_skill(site.workbench, site.tenant_id, golden=1)
    return await asked(site, "/v1/skills/weigh/reviews", {"model": MODEL}, "/v1/reviews", "/skills/weigh/review")


async def drafts(site: Site) -> Asked:
    await made_skill(site.workbench, site.tenant_id, golden=1)
    body = {"model": MODEL, "count": 1}
    return await asked(site, "/v1/skills/weigh/case-drafts", body, "/v1/case-drafts", "/skills/weigh/drafts")


async def tie_break(site: Site) -> Asked:
    run_id = await tied_run(site)
    return await asked(site, f"/v1/runs/{run_id}/tie-breaks", {"judge": MODEL}, "/v1/tie-breaks", f"/runs/{run_id}")


KINDS = pytest.mark.parametrize(
    ("ask", "do", "instead"),
    [
        (review, "make this review", "ask another model"),
        (drafts, "make these drafts as they were asked for", "ask another model"),
        (tie_break, "break this tie", "stop it and ask another judge"),
    ],
)


async def set_provider(site: Site, models: ModelServer) -> None:
    sent = {"kind": "openai-compatible", "base_url": models.openai_url, "key": "sk-workshop-0123456789"}
    assert (await site.client.put(THERE, json=sent)).status_code == 200


@asynccontextmanager
async def worker(site: Site) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    working = asyncio.create_task(site.workbench.work(run_id=None, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(working, 30)


async def once(site: Site, job: Asked, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The job's document once it is so; no event of the API tells of a job."""
    async with asyncio.timeout(60):
        while True:
            found = (await site.client.get(job.path)).json()
            if holds(found):
                return found
            await asyncio.sleep(0.1)


@KINDS
async def test_a_job_without_its_provider_says_so_until_it_is_set_again(
    site: Site,
    models: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[Site], Awaitable[Asked]],
    do: str,
    instead: str,
) -> None:
    # What a worker left rests for an hour: nothing but the provider's being set wakes it.
    monkeypatch.setattr(queue_module, "_REST_S", (3600.0, 3600.0))
    await set_provider(site, models)
    job = await ask(site)
    pending = (await site.client.get(job.path)).json()
    assert pending["waits"].startswith("No worker is there to take it up")
    assert pending["left"] is False
    assert pending["waits"] in (await site.client.get(job.page)).text
    assert (await site.client.delete(THERE)).status_code == 200
    async with worker(site):
        left = await once(site, job, lambda now: now["left"])
        assert left["waits"] == (
            f"There is no provider 'workshop'. Nobody can {do} now, and it waits; what it has is kept. Set things as"
            " they were (an admin sets providers under Settings, Providers), and a worker goes on with it by itself;"
            f" or {instead}."
        )
        page = (await site.client.get(job.page)).text
        assert f"There is no provider &#39;workshop&#39;. Nobody can {do} now" in page
        assert "waits for a worker" not in page
        await set_provider(site, models)
        done = await once(site, job, lambda now: now["status"] not in ("pending", "running"))
    assert (done["status"], done["waits"], done["left"]) == ("completed", None, False)
    assert "Nobody can" not in (await site.client.get(job.page)).text


async def test_a_tie_break_in_hand_is_not_told_as_one_that_nobody_can_break(
    site: Site, models: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second worker that cannot break it, with a copy of its job, leaves it as it is told."""
    out, go, compare, bench = asyncio.Event(), asyncio.Event(), PairJudge.compare, site.workbench

    async def held(judge: PairJudge, payer: Payer, duel: Duel) -> Preference:
        found = await compare(judge, payer, duel)
        out.set()
        await go.wait()
        return found

    monkeypatch.setattr(PairJudge, "compare", held)
    await set_provider(site, models)
    job = await tie_break(site)
    id_ = UUID(job.path.rpartition("/")[2])
    why = "The model workshop:judge is not installed here."
    other = TieBreaker(
        bench.database, bench.providers, bench.price, bench.judge, unfit=lambda *_: why, stopping=lambda: False
    )
    async with worker(site):
        try:
            async with asyncio.timeout(60):
                await out.wait()
            with pytest.raises(LeftToOthers, match="is not installed here"):
                await other.run(site.tenant_id, id_)
            told = (await site.client.get(job.path)).json()
            assert (told["status"], told["error_message"], told["waits"], told["left"]) == (
                "running",
                None,
                None,
                False,
            )
            # As it would stand had the two come at once.
            async with bench.database.tenant(site.tenant_id) as connection:
                await note_left(connection, id_, why, TIE_BREAKS)
            told = (await site.client.get(job.path)).json()
            assert (told["waits"], told["left"]) == (None, False)
            assert "Nobody can" not in (await site.client.get(job.page)).text
        finally:
            go.set()
        done = await once(site, job, lambda now: now["status"] not in ("pending", "running"))
    assert (done["status"], done["error_message"], done["left"]) == ("completed", None, False)


async def test_a_waiting_tie_break_says_why_in_the_report_of_its_run(site: Site, models: ModelServer) -> None:
    await set_provider(site, models)
    job = await tie_break(site)
    assert (await site.client.delete(THERE)).status_code == 200
    async with worker(site):
        left = await once(site, job, lambda now: now["left"])
    # Since that worker has stopped there is none.
    run_id = UUID(job.page.rpartition("/")[2])
    report = await site.workbench.benchmarks.report(site.tenant_id, run_id)
    (told,) = report.to_json()["tie_breaks"]
    assert told["waits"] == left["waits"].replace("Nobody can", "No worker is there that could").replace(" now,", ",")
    said = " ".join(line.plain for line in tie_breaks(report, 2_000))
    assert f"it waits. {told['waits']}" in " ".join(said.split())


async def test_what_a_command_cannot_make_itself_waits_for_a_worker_and_says_why(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def left(*_: object) -> None:
        raise LeftToOthers("There is no provider 'openai'.")

    monkeypatch.setattr(Workbench, "draft_here", left)
    monkeypatch.setattr(Workbench, "break_tie", left)
    ref = ModelRef("openai", "gpt-4o-mini")
    run_id = await tied_run(site)
    (skill,) = {row.skill_name for row in await site.workbench.benchmarks.list(site.tenant_id)}
    with pytest.raises(Conflict, match="There is no provider"):
        await LocalCases(site.workbench).draft_cases(skill, ref, Terminal(), count=1, budget_microcents=None, who=None)
    desk = LocalTieBreaks(site.workbench)
    offer = await desk.tie_break_offer(str(run_id), ref)
    with pytest.raises(Conflict, match="There is no provider") as refused:
        await desk.break_tie(offer, ref, None, Terminal())
    assert "waits for a worker" in (refused.value.kept or "")
    (row,) = await site.workbench.tie_breaks.standing(site.tenant_id, run_id)
    async with site.workbench.database.pool.connection() as connection:
        found = await connection.execute(
            "SELECT count(*) AS n FROM procrastinate_jobs WHERE queueing_lock = %s", (tie_lock(row.id),)
        )
        assert await found.fetchone() == {"n": 1}

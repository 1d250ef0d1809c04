"""A run whose provider was removed says so wherever it is looked at, also in another process, until it is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncCursor

from steelyard.cli.report import closing
from steelyard.services.run_progress import RunProgress
from steelyard.storage.server import Server
from tests.integration.services.made import checked
from tests.integration.services.test_run_shares import started
from tests.integration.web.harness import Site, site_of
from tests.modelserver import ModelServer
from tests.modelserver.config import ServerConfig

CASES = 150
GONE = "There is no provider 'workshop'. Nobody can serve this run now, and it waits"


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(ServerConfig(latency_s=0.4)) as models:
        yield models


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID, models: ModelServer) -> AsyncIterator[Site]:
    async with site_of(server_home, tenant_id) as site:
        # So few batches in hand at once that the run has some left.
        yield replace(site, workbench=replace(site.workbench, concurrency=1))


async def until(site: Site, run_id: UUID, *, waits: bool) -> RunProgress:
    """The run's progress once it says that it waits, or does not any more."""
    async with asyncio.timeout(60):
        while True:
            found = await site.workbench.run_views.progress(site.tenant_id, run_id)
            if found.left is waits:
                return found
            await asyncio.sleep(0.1)


async def test_a_run_without_its_provider_says_so_until_it_is_set_again(site: Site, models: ModelServer) -> None:
    sent = {"kind": "openai-compatible", "base_url": models.openai_url, "key": "sk-workshop-0123456789"}
    there = "/v1/providers/workshop"
    assert (await site.client.put(there, json=sent)).status_code == 200
    run_id = await started(
        site.workbench, site.tenant_id, "weigh", [checked(n) for n in range(CASES)], model="workshop:model-a"
    )
    pending = await site.workbench.run_views.progress(site.tenant_id, run_id)
    assert pending.waits is not None
    assert pending.waits.startswith("No worker is there to take it up")
    stop, ended = asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(
        site.workbench.work(run_id=None, stop=stop, ended=lambda one: ended.set() if one == run_id else None)
    )
    try:
        async with asyncio.timeout(60):
            while models.stats.started < 3:  # noqa: ASYNC110 - the event is the server's
                await asyncio.sleep(0.02)
        removed = await site.client.delete(there)
        assert [one["id"] for one in removed.json()["runs"]] == [str(run_id)]
        left = await until(site, run_id, waits=True)
        assert 0 < left.ended < CASES
        assert left.left_s is None
        assert left.waits is not None
        assert left.waits.startswith(GONE)
        assert (await site.client.get(f"/v1/runs/{run_id}/progress")).json()["waits"] == left.waits
        assert "Nobody can serve this run now" in (await site.client.get(f"/runs/{run_id}")).text
        assert (await anext(site.workbench.live.subscribe(site.tenant_id, run_id))).waits == left.waits
        (listed,) = await site.workbench.benchmarks.list(site.tenant_id)
        assert (listed.status, listed.waits, listed.left) == ("running", left.waits, True)
        (line,) = (await site.client.get("/v1/runs")).json()["items"]
        assert (line["status"], line["waits"], line["left"]) == ("running", left.waits, True)
        for page in ("/skills/weigh/benchmark", "/skills/weigh/runs"):
            shown = (await site.client.get(page)).text
            assert "There is no provider &#39;workshop&#39;" in shown
            assert 'data-tone="warn" title="There is no provider' in shown
        report = await site.workbench.benchmarks.report(site.tenant_id, run_id)
        assert "Nobody can serve this run now" in " ".join(line.plain for line in closing(report, 2_000))
        assert (await site.client.put(there, json=sent)).status_code == 200
        async with asyncio.timeout(60):
            await ended.wait()
    finally:
        stop.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(working, 20)
    now = await site.workbench.run_views.progress(site.tenant_id, run_id)
    assert (now.status, now.ended, now.waits, now.left) == ("completed", CASES, None, False)
    assert "Nobody can serve" not in (await site.client.get(f"/runs/{run_id}")).text


async def test_a_run_that_none_has_taken_up_says_whether_a_worker_is_there_and_how_busy(
    site: Site, models: ModelServer
) -> None:
    sent = {"kind": "openai-compatible", "base_url": models.openai_url, "key": "sk-workshop-0123456789"}
    assert (await site.client.put("/v1/providers/workshop", json=sent)).status_code == 200
    cases, model = [checked(number) for number in range(CASES)], "workshop:model-a"
    large = await started(site.workbench, site.tenant_id, "large", cases, model=model)
    stop = asyncio.Event()
    working = asyncio.create_task(site.workbench.work(run_id=large, stop=stop))
    try:
        async with asyncio.timeout(60):
            while models.stats.started < 3:  # noqa: ASYNC110 - the event is the server's
                await asyncio.sleep(0.02)
        small = await started(site.workbench, site.tenant_id, "small", cases[:3], model=model)
        waits = (await site.workbench.run_views.progress(site.tenant_id, small)).waits
        assert waits == "It waits for a place: a worker is there, and 1 other run is under way. Runs share its places."
        assert f"No call has been made yet. {waits}" in (await site.client.get(f"/runs/{small}")).text
        await site.workbench.benchmarks.cancel(site.tenant_id, str(large))
        waits = (await site.workbench.run_views.progress(site.tenant_id, small)).waits
        assert waits == "A worker is there, and takes it up as soon as it has a place."
        assert (await site.workbench.run_views.progress(site.tenant_id, large)).waits is None
        removed = await site.post("/settings/providers/workshop/remove")
        assert removed.status_code == 200
        assert f"1 run under way calls workshop: {str(small)[:8]} of small." in removed.text
    finally:
        stop.set()
        await asyncio.wait_for(working, 20)


async def test_a_list_of_many_runs_that_wait_takes_no_query_for_each(
    site: Site, models: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = {"kind": "openai-compatible", "base_url": models.openai_url, "key": "sk-workshop-0123456789"}
    assert (await site.client.put("/v1/providers/workshop", json=sent)).status_code == 200
    asked = 0

    async def counted(self: AsyncCursor[Any], *given: Any, **named: Any) -> Any:
        nonlocal asked
        asked += 1
        return await execute(self, *given, **named)

    execute = AsyncCursor.execute
    monkeypatch.setattr(AsyncCursor, "execute", counted)
    taken: list[tuple[int, ...]] = []
    for more in (2, 10):
        for number in range(more):
            name, case = f"many-{more}-{number}", checked(1000 * more + number)
            await started(site.workbench, site.tenant_id, name, [case], model="workshop:model-a")
        asked = 0
        listed = await site.workbench.benchmarks.list(site.tenant_id, limit=1_000)
        of_list, asked = asked, 0
        page = await site.workbench.history.page(site.tenant_id, None)
        taken.append((of_list, asked))
        assert all(run.waits for run in listed)
        assert all(entry.run.waits for entry in page.entries)
    assert len(listed) == 12
    assert taken[0] == taken[1]

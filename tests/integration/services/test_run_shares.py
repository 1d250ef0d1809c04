"""Runs of one tenant share its places and calls: a small one ends long before a large one that began earlier."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from steelyard.bootstrap import open_workbench
from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.services.run_request import RunRequest
from steelyard.storage.server import Server
from steelyard.storage.tenants import ensure_tenant
from steelyard.workbench import Workbench
from tests.integration.services.made import checked, content
from tests.modelserver import ModelServer
from tests.modelserver.config import ServerConfig


async def started(
    bench: Workbench, tenant_id: UUID, name: str, cases: Sequence[GoldenCase], model: str = "openai:model-a"
) -> UUID:
    async with bench.providers.serving(tenant_id):
        request = RunRequest(content(name), cases, [ModelRef.parse(model)], None, arms=(Arm.WITH_SKILL,))
        return (await bench.benchmarks.start(tenant_id, request)).run_id


@pytest.mark.parametrize("concurrency", [4, 16])
async def test_three_cases_end_long_before_a_thousand_that_began_earlier(
    server: Server, server_home: Path, tenant_id: UUID, concurrency: int
) -> None:
    """Whichever waits: places for its jobs, or slots for its calls."""
    with ModelServer(ServerConfig(latency_s=0.5)) as models:
        env = {
            "STEELYARD_HOME": str(server_home),
            "STEELYARD_MODE": "local",
            "OPENAI_BASE_URL": models.openai_url,
            "OPENAI_API_KEY": "sk-test",
        }
        async with open_workbench(env=env, concurrency=concurrency) as bench:
            async with bench.database.tenant(tenant_id) as connection:
                await ensure_tenant(connection, tenant_id, str(tenant_id))
            large = await started(bench, tenant_id, "large", [checked(number) for number in range(1_000)])
            stop, ended = asyncio.Event(), list[UUID]()
            working = asyncio.create_task(bench.work(run_id=None, stop=stop, ended=ended.append))
            async with asyncio.timeout(60):
                while models.stats.started < 2 * concurrency:  # noqa: ASYNC110 - the event is the server's
                    await asyncio.sleep(0.05)

            small = await started(bench, tenant_id, "small", [checked(number) for number in range(2_000, 2_003)])
            before = (await bench.run_views.progress(tenant_id, large)).ended
            async with asyncio.timeout(60):
                while small not in ended:  # noqa: ASYNC110 - the run is told as ended by the database
                    await asyncio.sleep(0.05)
            taken = (await bench.run_views.progress(tenant_id, large)).ended - before
            await bench.benchmarks.cancel(tenant_id, str(large))
            stop.set()
            await working

    # At most some rounds of calls beside those of the small one; without a share it waits for a whole batch at least.
    assert taken < 8 * concurrency

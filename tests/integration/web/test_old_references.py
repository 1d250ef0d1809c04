"""Models' references longer than are taken today, as older versions kept them, are read wherever they are met."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from steelyard.domain import models
from steelyard.domain.models import MAX_REFERENCE, ModelRef
from steelyard.storage.server import Server
from tests.integration.execution.bench import request_of
from tests.integration.services.made import content
from tests.integration.web.harness import Site, site_of
from tests.integration.web.made import made_skill
from tests.modelserver import ModelServer

LONG = "m" * (MAX_REFERENCE + 50)
# Typed in 156 characters, kept in 1,806.
USED = "x:y?z=" + "\U0001f600" * 150
NEW = "openai:m?note=" + "\u91cd" * 50


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[Site]:
    with ModelServer() as served:
        env = {"OPENAI_BASE_URL": served.openai_url, "OPENAI_API_KEY": "test"}
        async with site_of(server_home, tenant_id, env=env, faults=True) as site:
            yield site


async def test_a_run_of_such_a_model_goes_on_and_is_looked_after(site: Site) -> None:
    bench, tenant = site.workbench, site.tenant_id
    request = replace(request_of(cases=9), models=(ModelRef("openai", LONG), ModelRef("openai", "gpt-4o")))
    run_id = (await bench.benchmarks.start(tenant, request)).run_id
    stop = asyncio.Event()
    await bench.work(run_id=run_id, stop=stop, ended=lambda _: stop.set())
    report = await bench.benchmarks.report(tenant, run_id)
    assert (report.run.status, report.run.error_message, report.counts.answered) == ("completed", None, 18)
    name = report.run.skill_name
    paths = ["/v1/stale", f"/v1/skills/{name}/staleness", "/v1/models", "/v1/models?limit=1", "/v1/runs"]
    paths += [f"/v1/runs/{run_id}", f"/v1/runs/{run_id}/prices", f"/v1/skills/{name}"]
    answers = {path: await site.client.get(path) for path in paths}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 200)
    assert f"openai:{LONG}" in answers["/v1/models"].text
    pages = ["/models", f"/runs/{run_id}", f"/skills/{name}/benchmark"]
    assert {path: (await site.client.get(path)).status_code for path in pages} == dict.fromkeys(pages, 200)
    suspects = [one async for one in bench.stale_watch.suspects(tenant)]
    assert suspects == []


async def test_a_use_of_such_a_model_waits_for_its_skill_no_longer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    use = {
        "key": "k1",
        "skill": "late",
        "model": USED,
        "measured_at": "2026-03-01T10:00:00Z",
        "input_tokens": 5,
        "output_tokens": 5,
    }
    with monkeypatch.context() as older:
        older.setattr(models, "MAX_REFERENCE", 10_000)
        sent = await site.client.post("/v1/measurements", json={"measurements": [use]})
    assert sent.status_code == 200, sent.text
    assert sent.json()["unmatched"] == 1
    await site.workbench.skills.add(site.tenant_id, content("late"), [])
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        found = await connection.execute("SELECT length(model_name) AS signs FROM token_measurements")
        assert await found.fetchall() == [{"signs": 1_806}]
    assert (await site.client.get("/v1/models")).status_code == 200
    assert (await site.client.get("/skills/late/benchmark")).status_code == 200
    # No new one is taken.
    again = use | {"key": "k2", "model": USED[:100]}
    answer = await site.client.post("/v1/measurements", json={"measurements": [again]})
    assert [one["field"] for one in answer.json()["refused"]] == ["model"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/skills/weigh/reviews", {"model": NEW}),
        ("/v1/skills/weigh/case-drafts", {"model": NEW, "count": 1}),
        ("/v1/skills/weigh/runs", {"models": [NEW], "judge": "none"}),
        ("/v1/skills/weigh/runs", {"models": ["openai:m"], "judge": NEW}),
        ("/v1/skills/weigh/runs", {"models": ["openai:m"], "judge": "openai:j", "further_judges": [NEW]}),
    ],
)
async def test_no_door_takes_a_new_one(site: Site, path: str, body: dict[str, object]) -> None:
    await made_skill(site.workbench, site.tenant_id, golden=1)
    answer = await site.client.post(path, json=body)
    assert answer.status_code == 422
    assert "464 characters as it is kept, with its settings; 400 are the most." in answer.text

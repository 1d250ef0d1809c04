"""What the API answers of a skill with a run: every document, each held against the API's own schema."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest

from tests.integration.web.harness import Site
from tests.integration.web.made import MadeModel, made_run, made_skill

MODELS = [MadeModel("openai:gpt-5", 92), MadeModel("openai:gpt-5-mini", 71, failures=1)]


@pytest.fixture
async def run(site: Site) -> str:
    """A run of the skill "weigh" on 12 cases by two models."""
    bench, tenant = site.workbench, site.tenant_id
    skill = await made_skill(bench, tenant)
    return str(await made_run(bench, tenant, skill, MODELS))


async def test_a_skill_has_its_standing(client: httpx.AsyncClient, run: str) -> None:
    found = (await client.get("/v1/skills/weigh")).json()
    assert found["state"] == "fresh"
    assert found["best_model"] == "openai:gpt-5"
    assert found["last_run_id"] == run
    assert found["cases"] == 12
    page = (await client.get("/v1/skills", params={"q": "WEIGH"})).json()
    assert page["items"] == [found]
    assert page["total"] == 1
    assert (await client.get("/v1/skills", params={"state": "never"})).json()["items"] == []


async def test_the_verdict_is_the_report_of_the_run(client: httpx.AsyncClient, run: str) -> None:
    verdict = (await client.get("/v1/skills/weigh/verdict")).json()
    assert verdict["verdict"]["best"] == "openai:gpt-5"
    assert verdict == (await client.get(f"/v1/runs/{run}")).json()
    assert verdict == (await client.get(f"/runs/{run}.json")).json()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/skills/weigh/stats",
        "/v1/skills/weigh/quality",
        "/v1/skills/weigh/cost-trend?days=30",
        "/v1/skills/weigh/production",
        "/v1/skills/weigh/case-health",
        "/v1/skills/weigh/staleness",
        "/v1/skills/weigh/feedback",
        "/v1/skills/weigh/versions",
        "/v1/stale",
        "/v1/runs",
        "/v1/skills/weigh/runs",
    ],
)
async def test_every_document_of_a_skill_is_as_described(client: httpx.AsyncClient, run: str, path: str) -> None:
    found = await client.get(path)
    assert found.status_code == 200, found.text
    assert found.json()


async def test_a_version_has_its_files(client: httpx.AsyncClient, run: str) -> None:
    (version,) = (await client.get("/v1/skills/weigh/versions")).json()["items"]
    found = (await client.get(f"/v1/skills/weigh/versions/{version['digest'][:10]}")).json()
    assert found["paths"] == [{"path": "SKILL.md", "size": 10}]
    file = await client.get(f"/v1/skills/weigh/versions/{version['id']}/file", params={"path": "SKILL.md"})
    assert file.json()["text"] == "Weigh it.\n"


async def test_a_run_holds_cells_cases_and_outputs(client: httpx.AsyncClient, run: str) -> None:
    cells = (await client.get(f"/v1/runs/{run}/cells", params={"limit": 5})).json()
    assert len(cells["items"]) == 5
    assert cells["next"]
    cases = (await client.get(f"/v1/runs/{run}/cases", params={"only": "failures"})).json()
    assert cases["cases"] == 12
    assert cases["total"] == len(cases["items"]) > 0
    number = cases["items"][0]["number"]
    case = (await client.get(f"/v1/runs/{run}/cases/{number}")).json()
    assert [one["model"] for one in case["outputs"]] == ["openai:gpt-5", "openai:gpt-5-mini"]
    output = case["outputs"][0]
    whole = (await client.get(f"/v1/runs/{run}/outputs/{output['id']}")).json()
    assert whole["text"] == output["output"]["text"]


async def test_an_ended_run_has_one_event_of_progress_and_its_end(client: httpx.AsyncClient, run: str) -> None:
    events = (await client.get(f"/v1/runs/{run}/events")).text.strip().split("\n\n")
    progress, ended = ([line.partition(": ")[2] for line in event.splitlines()] for event in events)
    assert json.loads(progress[2]) == (await client.get(f"/v1/runs/{run}/progress")).json()
    assert (progress[1], ended[1]) == ("progress", "ended")
    assert json.loads(ended[2]) == {"status": "completed"}


async def test_prices_and_comparisons(site: Site, run: str) -> None:
    client = site.client
    assert (await client.get(f"/v1/runs/{run}/prices")).json()["run"] == run
    assert (await client.get(f"/v1/runs/{run}", params={"prices": "today"})).json()["prices"]["run"] == run
    skill = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    other = await made_run(site.workbench, site.tenant_id, skill.id, MODELS, seed=2)
    found = (await client.get(f"/v1/runs/{other}/comparison", params={"since": run})).json()
    assert (found["first"], found["second"], found["cases"]["same"]) == (run, str(other), 12)


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    for path in ("/v1/skills/none", f"/v1/runs/{uuid4()}", f"/v1/runs/{uuid4()}/events", "/v1/skills/none/verdict"):
        assert (await client.get(path)).status_code == 404, path


async def test_a_token_of_no_meaning_and_a_limit_out_of_range_are_refused(client: httpx.AsyncClient, run: str) -> None:
    lists = ["/v1/skills", "/v1/runs", "/v1/skills/weigh/versions", f"/v1/runs/{run}/cells", f"/v1/runs/{run}/cases"]
    for path in [*lists, "/v1/stale", "/v1/skills/weigh/feedback"]:
        for bad in ({"after": "WzEsIDIsIDMsIDRd"}, {"after": "…"}, {"limit": "0"}, {"limit": "201"}, {"limit": "x"}):
            assert (await client.get(path, params=bad)).status_code == 422, (path, bad)

"""Health, readiness and metrics: what they say, to whom, and that they name nobody."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from steelyard import logs
from steelyard.domain.calls import CallError, FailureKind, ModelResponse, Usage
from steelyard.domain.models import ModelRef
from steelyard.services import readiness
from steelyard.services.readiness import Readiness
from steelyard.storage.database import Database
from steelyard.storage.migrate import HEAD
from tests.integration.web.harness import Site
from tests.integration.web.made import made_skill
from tests.integration.web.test_measurements import use

Sample = tuple[str, frozenset[tuple[str, str]]]


async def scraped(client: httpx.AsyncClient) -> dict[Sample, float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def sample(name: str, **labels: str) -> Sample:
    return name, frozenset(labels.items())


async def test_a_process_that_answers_is_alive_and_ready_under_any_name(client: httpx.AsyncClient) -> None:
    for host in ("10.0.0.7:8765", "localhost"):
        assert (await client.get("/healthz", headers={"host": host})).text == "ok\n"
        answer = await client.get("/readyz", headers={"host": host})
        assert answer.status_code == 200
        said = answer.json()
        assert (said["ready"], said["schema"], said["reasons"], said["worker"]) == (True, HEAD, [], "none")
    assert (await client.head("/healthz")).status_code == 200
    # What it counts is for this machine, as the pages are.
    assert (await client.get("/metrics", headers={"host": "evil.example"})).status_code == 403
    assert (await client.get("/healthz/x", headers={"host": "evil.example"})).status_code == 403


async def test_a_process_without_its_database_is_alive_and_not_ready(site: Site) -> None:
    await site.workbench.database.pool.close()
    assert (await site.client.get("/healthz")).status_code == 200
    answer = await site.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["The database cannot be reached."]
    assert (await scraped(site.client))[sample("steelyard_database_up")] == 0


async def test_an_older_schema_is_not_ready_and_a_newer_one_is(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def looked(head: str) -> Readiness:
        monkeypatch.setattr(readiness, "HEAD", head)
        return await readiness.readiness(database, "none")

    behind, beside = await looked("9999"), await looked("0001")
    assert (behind.ready, beside.ready) == (False, True)
    assert behind.reasons == (f"The database is at schema {HEAD}; this version needs 9999.",)


async def test_a_process_that_stops_is_not_ready(site: Site) -> None:
    site.app.state.worker = "stopping"
    answer = await site.client.get("/readyz")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["This process is stopping."])


async def test_requests_count_by_template_whatever_the_address(site: Site) -> None:
    name = f"weigh-{uuid4().hex[:6]}"
    for path in (f"/skills/{name}", f"/skills/{uuid4()}", "/nowhere/at/all", f"/{uuid4()}", "/settings"):
        await site.client.get(path)
    await site.client.request("BREW", "/settings")
    found = await scraped(site.client)
    total = "steelyard_http_requests_total"
    assert found[sample(total, method="GET", route="/settings", status="200")] == 1
    assert found[sample(total, method="GET", route="none", status="404")] == 2
    assert found[sample("steelyard_http_request_seconds_count", method="GET", route="/settings")] == 1
    assert sum(value for (family, _), value in found.items() if family == total) == 6
    labels = {value for _, pairs in found for _, value in pairs}
    assert name not in " ".join(labels)
    assert "BREW" not in labels
    assert not [value for value in labels if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|weigh", value)]


async def test_uses_calls_and_money_are_counted_without_names(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)
    for items in ([use("a"), use("b", output_tokens=-1), use("c", skill="other")], [use("a")]):
        await site.client.post("/v1/measurements", json={"measurements": items})
    model = ModelRef.parse("openai:gpt-4o-mini")
    site.workbench.metrics.call(model, CallError(FailureKind.TIMEOUT, "prompt and all", attempts=3))
    usage = Usage(input_tokens=1000, output_tokens=100)
    for _ in range(2):
        site.workbench.metrics.call(model, ModelResponse(output="o", usage=usage, latency_ms=1.0))
    found = await scraped(site.client)
    outcomes = {
        outcome: found[sample("steelyard_uses_total", door="measurements", outcome=outcome)]
        for outcome in ("kept", "duplicate", "unmatched", "refused")
    }
    assert outcomes == {"kept": 1, "duplicate": 1, "unmatched": 1, "refused": 1}
    assert found[sample("steelyard_model_calls_total", provider="openai", outcome="timeout")] == 1
    assert found[sample("steelyard_model_call_attempts_total", provider="openai")] == 5
    priced = site.workbench.price(usage, model, datetime.now(UTC).date())
    assert priced is not None
    assert found[sample("steelyard_spend_microcents_total", provider="openai")] == 2 * priced.microcents > 0
    assert found[sample("steelyard_model_calls_total", provider="openai", outcome="answered")] == 2
    assert found[sample("steelyard_database_up")] == 1
    pool = [found[sample("steelyard_pool_connections", state=state)] for state in ("idle", "busy")]
    assert sum(pool) >= 1


async def test_an_id_that_is_given_comes_back_and_one_that_is_none_does_not(client: httpx.AsyncClient) -> None:
    answer = await client.get("/settings", headers={"X-Request-Id": "abc-1.2_3"})
    assert answer.headers["x-request-id"] == "abc-1.2_3"
    for given in ("", "a" * 65, "a b", "-a", "a;b", '"x"'):
        answer = await client.get("/settings", headers={"X-Request-Id": given})
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_a_line_of_a_request_says_its_id_and_no_address(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    root, ours = logging.getLogger(), logging.getLogger("steelyard")
    before, level = root.handlers[:], ours.level
    run_id = UUID(int=7)
    try:
        logs.configure({"STEELYARD_LOG": "json"})
        await site.client.get("/skills/secret-name%0A%7B%22level%22%3A1%7D", headers={"X-Request-Id": "here"})
        await site.client.get("/healthz")
        await asyncio.gather(*(site.client.get("/settings", headers={"X-Request-Id": f"id-{n}"}) for n in range(5)))
        for named in (str(run_id), f"{str(run_id).upper()}", "secret-name%22%0A", "urn:uuid:secret-name"):
            await site.client.get(f"/v1/runs/{named}/progress", headers={"X-Request-Id": "of-a-run"})
    finally:
        root.handlers[:], ours.level = before, level
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0]["request_id"] == "here"
    assert {line["request_id"] for line in lines} == {"here", "of-a-run", *(f"id-{n}" for n in range(5))}
    assert {line["tenant_id"] for line in lines} == {str(site.tenant_id)}
    # An id as it is read, or none: nothing of an address is repeated.
    assert [line.get("run_id") for line in lines if line["request_id"] == "of-a-run"] == [str(run_id)] * 2 + [None] * 2
    assert "secret-name" not in json.dumps(lines)
    assert lines[0]["status"] == 404

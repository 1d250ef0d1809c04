"""A serving process tells a collector of its requests, jobs and model calls, and no text of a skill."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from steelyard.bootstrap import open_workbench
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.services.run_request import RunRequest
from steelyard.skills.folder import read_skill
from tests.acceptance.conftest import Shell
from tests.acceptance.test_serve import served

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@dataclass
class Collector:
    """What an OTLP collector was sent, over HTTP."""

    address: str = ""
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Span]:
        sent = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [s for one in sent for of in one.resource_spans for scope in of.scope_spans for s in scope.spans]


def attributes(span: Span) -> dict[str, str | int]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.bodies.append(decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def _wait(shell: Shell, collector: Collector, calls: int) -> None:
    while shell.seen()["served"] < calls or len(collector.spans()) < calls + 2:
        time.sleep(0.1)


async def test_requests_jobs_and_model_calls_reach_a_collector(shell: Shell, skill: Path, collector: Collector) -> None:
    shell.env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    loaded = read_skill(skill)
    model = ModelRef.parse("openai:model-a")
    async with open_workbench(env=shell.environment()) as bench:
        request = RunRequest(loaded.content, loaded.cases, [model], judge=None, arms=(Arm.WITH_SKILL,), seed=7)
        started = await bench.benchmarks.start(bench.tenant_id, request)
    with served(shell) as (client, _):
        assert client.get("/settings", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"}).status_code == 200
        client.get("/healthz")
        client.post("/v1/traces", json={"resourceSpans": []})
        await asyncio.to_thread(_wait, shell, collector, len(loaded.cases))
    spans = collector.spans()
    asked = next(span for span in spans if span.name == "GET /settings")
    assert (asked.trace_id.hex(), asked.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(asked)["http.response.status_code"] == 200
    assert {span.name for span in spans if span.kind == Span.SPAN_KIND_SERVER} == {"GET /settings"}
    jobs = {span.span_id for span in spans if attributes(span).get("steelyard.run_id") == str(started.run_id)}
    calls = [span for span in spans if span.name == "chat model-a"]
    assert len(calls) == len(loaded.cases)
    assert {call.parent_span_id for call in calls} <= jobs
    assert all(int(attributes(call)["gen_ai.usage.input_tokens"]) > 0 for call in calls)
    for text in (loaded.cases[0].input, loaded.content.name):
        assert not any(text.encode() in body for body in collector.bodies)

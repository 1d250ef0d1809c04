"""Real SDKs, instrumented, send spans to a running Steelyard, which counts what the model server gave out."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from steelyard.bootstrap import open_workbench
from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef
from tests.acceptance.conftest import Shell
from tests.acceptance.test_serve import served
from tests.integration.web.made import content, made_skill
from tests.modelserver import Call, ModelServer, Reply, ServerConfig

CALLS = 3


class Log:
    """What the model server gave out, as it counts: cache in the input, reasoning in the output."""

    def __init__(self) -> None:
        self.given: list[tuple[ModelRef, Usage]] = []

    def reply(self, call: Call) -> Reply:
        number = len(self.given)
        # OpenAI has no cache writes on this API, and Anthropic's answers do not tell reasoning.
        write, reasoning = (40 + number, 0) if call.vendor == "anthropic" else (0, 11 + number)
        usage = Usage(1_000 + 7 * number, 100 + number, 300 + number, write, reasoning)
        self.given.append((ModelRef(call.vendor, call.model), usage))
        return Reply(f"They weigh {number} pounds.", usage=usage)


@pytest.fixture
def log() -> Iterator[tuple[ModelServer, Log]]:
    log = Log()
    with ModelServer(ServerConfig(reply=log.reply)) as server:
        yield server, log


@pytest.mark.parametrize(
    ("stack", "way"),
    [
        ("openllmetry", "at once"),
        ("openinference", "split"),
        ("pydantic-ai and both", "at once"),
    ],
)
async def test_tokens_and_costs_are_those_of_the_model_server(
    shell: Shell, log: tuple[ModelServer, Log], stack: str, way: str
) -> None:
    models, given = log
    name = f"weigh-{uuid4().hex[:8]}"
    async with open_workbench(env=shell.environment()) as bench:
        await made_skill(bench, bench.tenant_id, content(name))
        skill = await bench.catalogue.find(bench.tenant_id, name)
        key = await bench.api_keys.make(bench.tenant_id, name, ["ingest"])
        with served(shell, "--no-worker") as (client, _):
            done = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-m", "tests.acceptance.traced", stack, name, str(CALLS), way],
                env=shell.environment()
                | {
                    "ANTHROPIC_BASE_URL": models.url,
                    "OPENAI_BASE_URL": models.openai_url,
                    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": str(client.base_url.join("/v1/traces")),
                    "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{key.text}",
                },
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        seen = (await bench.usage.skill(bench.tenant_id, skill.id)).total
        days = await bench.usage.daily(bench.tenant_id, skill.id, 2)
        used = {one.name: one.last_used_at for one in await bench.api_keys.listed(bench.tenant_id)}[name]
        sums = sum((usage for _, usage in given.given), Usage())
        costs = [bench.price(usage, model, datetime.now(UTC).date()) for model, usage in given.given]
    assert seen.uses == len(given.given) == models.stats.served > 0, done.stderr
    assert sum(day.input_tokens for day in days) == sums.input_tokens
    assert sum(day.output_tokens for day in days) == sums.output_tokens
    assert seen.cost_unknown == 0
    assert seen.cost_microcents == sum(cost.microcents for cost in costs if cost is not None) > 0
    assert seen.avg_latency_ms is not None
    assert used is not None
    assert 0 < seen.avg_latency_ms < 60_000

"""The judge cannot tell who wrote what: proven on the wire, through a whole run over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from pathlib import Path
from uuid import UUID, uuid4

from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.skills import SkillContent
from steelyard.judging.protocol import DEFAULT_RUBRIC
from steelyard.services.run_request import RunRequest
from steelyard.storage.server import Server
from steelyard.workbench import Workbench
from tests.integration.web.harness import site_of
from tests.modelserver import Call, ModelServer, Reply, ServerConfig
from tests.modelserver.judging import canary_reply

JUDGE = "openai:gpt-judge"
CANDIDATES = ("openai:gpt-4o-mini", "openai:gpt-4o", "anthropic:claude-haiku-4-5")
_NONCE = re.compile(r"\b[0-9a-f]{32}\b")


def answer(call: Call) -> Reply | None:
    """The same of every candidate, the name of its maker aside."""
    who = "Claude, made by Anthropic" if call.model.startswith("claude") else "ChatGPT, a model of OpenAI"
    return Reply(f"As {who}, I can help.\n\nIt weighs 120 g.")


def judged(call: Call) -> Reply:
    if (graded := canary_reply(call.prompt)) is not None:
        return Reply(graded)
    criteria = [{"evidence": "120 g", "finding": "There.", "level": 5}]
    return Reply(
        json.dumps({"criteria": criteria, "differences_from_expected": "", "matches_expected": "yes", "notes": ""})
    )


async def test_the_same_answer_of_models_of_two_vendors_reaches_the_judge_byte_for_byte_alike(
    server: Server, server_home: Path, tenant_id: UUID
) -> None:
    config = ServerConfig(reply=answer, schema_reply=judged, record_bodies=200)
    with ModelServer(config) as models:
        env = {
            "OPENAI_BASE_URL": f"{models.url}/v1",
            "OPENAI_API_KEY": "k",
            "ANTHROPIC_BASE_URL": models.url,
            "ANTHROPIC_API_KEY": "k",
        }
        async with site_of(server_home, tenant_id, env=env) as site:
            await run_whole(site.workbench)
        asked = [body for body in models.stats.bodies if body["model"] == "gpt-judge"]
    # What the judge was examined on is of no candidate.
    bodies = [body for body in asked if DEFAULT_RUBRIC[0] not in json.dumps(body)]
    assert (len(asked) - len(bodies), len(bodies)) == (10, 12)
    alike: defaultdict[str, int] = defaultdict(int)
    for body in bodies:
        alike[_NONCE.sub("NONCE", json.dumps(body, sort_keys=True))] += 1
    # Four cases, each asked about once for each candidate, in words that are the same.
    assert sorted(alike.values()) == [3, 3, 3, 3]
    said = " ".join(alike).lower()
    for secret in ("gpt-4o", "claude", "anthropic", "chatgpt", "microcents", "latency"):
        assert secret not in said


async def run_whole(bench: Workbench) -> None:
    """A run of four cases by the three candidates, served to its end."""
    name = f"weigh-{uuid4().hex[:8]}"
    request = RunRequest(
        content=SkillContent(name, "Weighs.", "Weigh it.", f"Weigh it. {name}", uuid4().hex),
        cases=[GoldenCase(str(i), f"What does item {i} weigh?", "120 g", ("States it",)) for i in range(4)],
        models=[ModelRef.parse(text) for text in CANDIDATES],
        judge=ModelRef.parse(JUDGE),
        arms=(Arm.WITH_SKILL,),
    )
    started = await bench.benchmarks.start(bench.tenant_id, request)
    stop = asyncio.Event()
    await bench.work(run_id=started.run_id, stop=stop, ended=lambda _: stop.set())

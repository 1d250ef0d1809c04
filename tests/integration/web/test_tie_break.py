"""A tied run's page: what breaking the tie takes, asking for it by a form, watching it, and what stands beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from steelyard.domain.models import ModelRef
from steelyard.storage.server import Server
from tests.integration.execution.bench import request_of
from tests.integration.web.harness import Site, site_of
from tests.modelserver import Call, ModelServer, Reply, ServerConfig
from tests.modelserver.judging import pair_gate_reply, pair_reply, shown_pair

MODELS = (ModelRef("openai", "gpt-4o"), ModelRef("openai", "gpt-4o-mini"))
CASES = 12
GATE = 4


def candidate(call: Call) -> Reply:
    """Right in both, and told apart by a word; one has something for the page to escape."""
    return Reply(f"It weighs 120 g. {'<b>Dear</b>' if call.model == 'gpt-4o' else 'Sir'}")


def judge(call: Call) -> Reply:
    """Prefers golden outputs, then whoever says Sir; `placed` the first; `swayed` whatever tells it to."""
    assert call.schema is not None
    criteria = int(call.schema["properties"]["criteria"]["minItems"])
    first, second = shown_pair(call.prompt)
    if call.model == "swayed" and "Record this output" in first + second:
        return Reply(pair_reply("first" if "Record this output" in first else "second", criteria))
    golden = pair_gate_reply(call.prompt)
    if golden is not None:
        return Reply(golden)
    if call.model == "placed":
        return Reply(pair_reply("first", criteria))
    return Reply(pair_reply("first" if "Sir" in first else "second" if "Sir" in second else "neither", criteria))


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(ServerConfig(reply=candidate, schema_reply=judge)) as server:
        yield server


@pytest.fixture
async def served(server: Server, server_home: Path, tenant_id: UUID, models: ModelServer) -> AsyncIterator[Site]:
    env = {"OPENAI_BASE_URL": models.openai_url, "OPENAI_API_KEY": "test"}
    async with site_of(server_home, tenant_id, env=env) as site:
        yield site


async def tied_run(site: Site, **more: object) -> UUID:
    """A checks-only run whose two models pass every check."""
    request = replace(request_of(cases=CASES), models=MODELS, **more)  # type: ignore[arg-type]
    run_id = (await site.workbench.benchmarks.start(site.tenant_id, request)).run_id
    stop = asyncio.Event()
    await site.workbench.work(run_id=run_id, stop=stop, ended=lambda _: stop.set())
    return run_id


async def served_until_ended(site: Site, run_id: UUID) -> None:
    """As a worker of the queue would bring it to its end."""
    for row in await site.workbench.tie_breaks.standing(site.tenant_id, run_id):
        await site.workbench.break_tie(row.id, asyncio.Event())


async def test_a_tie_is_broken_from_its_page_beside_its_verdict(served: Site, models: ModelServer) -> None:
    run_id = await tied_run(served)
    page = (await served.client.get(f"/runs/{run_id}")).text
    assert "are tied: they score the same on every case." in page
    assert f'href="/runs/{run_id}/tie-break"' in page
    assert "Break the tie…" in page

    here = f"/runs/{run_id}/tie-break"
    unchosen = await served.client.get(here)
    assert unchosen.status_code == 422
    assert "The run had no judge, and there is no other by default." in unchosen.text
    offered = (await served.client.get(here, params={"judge": "openai:gpt-4.1"})).text
    assert f"{2 * CASES + GATE} calls, {GATE} of them to try the judge on junk first" in offered
    assert "about $0." in offered

    asked = await served.post(here, {"judge": "openai:gpt-4.1", "budget": "1"})
    assert (asked.status_code, asked.headers["location"]) == (303, f"/runs/{run_id}#tie-break")
    waiting = (await served.client.get(f"/runs/{run_id}")).text
    assert "waits for a worker" in waiting
    assert f'hx-get="/runs/{run_id}/tie-break/standing"' in waiting
    calls = models.stats.started
    await served_until_ended(served, run_id)
    assert models.stats.started - calls == 2 * CASES + GATE
    page = (await served.client.get(f"/runs/{run_id}")).text
    assert (
        "By pairwise comparison, beside the scores: gpt-4o-mini is preferred"
        " (won 12, lost 0, tied 0 of 12 cases; p .0005)." in page
    )
    assert "are tied: they score the same on every case." in page
    assert "openai:gpt-4.1 is of a compared model&#39;s own family and may favour it." in page
    assert 'hx-trigger="every 2s"' not in page
    fragment = (await served.client.get(f"{here}/standing")).text
    assert "gpt-4o-mini is preferred" in fragment
    told = (await served.client.get(f"/runs/{run_id}.json")).json()
    assert (told["verdict"]["kind"], told["tie_breaks"][0]["preferred"]) == ("tied", "openai:gpt-4o-mini")

    again = await served.post(here, {"judge": "openai:gpt-4.1"})
    assert again.status_code == 303
    assert models.stats.started - calls == 2 * CASES + GATE
    second = (await served.client.get(here, params={"judge": "openai:gpt-4.1"})).text
    assert "28 comparisons are paid for already" in second


async def test_a_judge_that_follows_the_place_and_one_that_is_refused_are_told_of(served: Site) -> None:
    run_id = await tied_run(served)
    here = f"/runs/{run_id}/tie-break"
    for judge_model in ("openai:placed", "openai:swayed"):
        assert (await served.post(here, {"judge": judge_model})).status_code == 303
        await served_until_ended(served, run_id)
    page = (await served.client.get(f"/runs/{run_id}")).text
    assert "followed the place of an output, not the output" in page
    assert "no result, the judge was refused" in page
    assert "an output that tells the judge to prefer it" in page
    assert page.count('<details><summary class="font-medium hostile">') == 2, "what failed is folded up"
    refused = await served.post(here, {"judge": "openai:swayed"})
    assert refused.status_code == 409
    assert "Name another judge" in refused.text


async def test_one_under_way_can_be_stopped_and_gone_on_with(served: Site) -> None:
    run_id = await tied_run(served)
    here = f"/runs/{run_id}/tie-break"
    await served.post(here, {"judge": "openai:gpt-4.1"})
    row = (await served.workbench.tie_breaks.standing(served.tenant_id, run_id))[0]
    assert (await served.post(f"{here}/{row.id}/cancel")).status_code == 303
    # Once more, as when it has ended meanwhile.
    assert (await served.post(f"{here}/{row.id}/cancel")).status_code == 303
    page = (await served.client.get(f"/runs/{run_id}")).text
    assert "no result, cancelled" in page
    assert "Go on with it…" in page


@pytest.mark.parametrize(
    ("data", "said"), [({"judge": "nobody"}, "nobody"), ({"judge": "openai:x", "budget": "much"}, "budget")]
)
async def test_what_cannot_be_used_is_said_above_the_form(served: Site, data: dict[str, str], said: str) -> None:
    run_id = await tied_run(served)
    answer = await served.post(f"/runs/{run_id}/tie-break", data)
    assert answer.status_code == 422
    assert said in answer.text.lower()


async def test_without_a_tie_there_is_no_button_and_its_page_says_why(served: Site) -> None:
    run_id = await tied_run(served, cases=request_of(cases=3).cases)
    page = (await served.client.get(f"/runs/{run_id}")).text
    assert "Break the tie" not in page
    answer = await served.client.get(f"/runs/{run_id}/tie-break")
    assert answer.status_code == 409
    assert "not enough evidence for a verdict" in answer.text

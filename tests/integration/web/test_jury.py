"""A jury over HTTP: chosen in the form, priced before, and shown judge by judge on the run's and the cases' pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from benchmarks.workload import judge_reply as gullible
from steelyard.storage.server import Server
from tests.integration.web.harness import Site, site_of
from tests.integration.web.made import made_skill
from tests.integration.web.test_certificate import marks_in_csv, serve, text_of
from tests.modelserver import ModelServer, ServerConfig
from tests.modelserver.config import Reply
from tests.modelserver.judging import canary_reply, judge_reply
from tests.modelserver.requests import Call

JUDGES = ("openai:gpt-judge", "openai:grok-judge")
WORTH = (
    "The 2 judges are worth 1.0 independent ones (mean correlation 1.00): the further ones added little, one would have"
    " said nearly the same."
)
FORM = {
    "models": ["openai:qwen-a", "openai:llama-b"],
    "cases": "golden",
    "arm": "with_skill",
    "trials": "1",
    "judge": "other",
    "judge_model": JUDGES[0],
    "further_judges": f"\r\n{JUDGES[1]}\r\n",
}

# What the server answers as a candidate: words alone, which no canary is.
WORDS = re.compile(r'^"((?:[a-z]+ ){11,}[a-z]+)"$', re.M)


def judged(call: Call) -> Reply | None:
    """Canaries as they should be graded; a candidate by its length, one judge more kindly than the other."""
    if call.model == "gullible":
        return gullible(call)
    words = WORDS.search(call.prompt)
    if words is None:
        return Reply(canary_reply(call.prompt) or judge_reply([3]))
    return Reply(judge_reply([len(words[1]) % 4 + (call.model == "grok-judge")] * 4))


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(ServerConfig(schema_reply=judged)) as server:
        yield server


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID, models: ModelServer) -> AsyncIterator[Site]:
    env = {"OPENAI_BASE_URL": models.openai_url, "OPENAI_API_KEY": "k"}
    async with site_of(server_home, tenant_id, env=env) as site:
        await made_skill(site.workbench, site.tenant_id)
        yield site


async def started(site: Site, **changes: object) -> UUID:
    answer = await site.post("/skills/weigh/benchmark/new", FORM | changes)
    assert answer.status_code == 303, answer.text
    run_id = UUID(answer.headers["location"].rpartition("/")[2])
    await serve(site, run_id)
    return run_id


async def test_a_jury_is_chosen_priced_called_and_shown_judge_by_judge(site: Site, models: ModelServer) -> None:
    said = (await site.post("/skills/weigh/benchmark/estimate", FORM)).text
    assert "and 70 of the judges, 22 of them to examine them" in said
    assert "a jury of openai:gpt-judge and openai:grok-judge; their scores count alike" in said
    run_id = await started(site)
    assert sum(models.stats.by_model[name] for name in ("gpt-judge", "grok-judge")) == 70
    again = (await site.post("/skills/weigh/benchmark/estimate", FORM)).text
    assert "of the judge" not in again
    page = await text_of(site, f"/runs/{run_id}")
    for words in (
        "graded by a jury of 2:",
        "The examination of <span",
        "The jury",
        "No judge is of a candidate&#39;s family",
        "each grades every answer, and all count alike",
    ):
        assert words in page, words
    assert WORTH in page
    assert re.search(r'data-label="Leniency, points" class="num">\+10\.0<', page)
    link = re.search(r'href="([^"]+benchmark/new\?[^"]+)"', page)
    assert link is not None
    form = await text_of(site, link[1].replace("&amp;", "&"))
    assert f'value="{JUDGES[0]}"' in form
    assert re.search(rf'name="further_judges"[^>]*>\n{JUDGES[1]}</textarea>', form)
    case = await text_of(site, f"/runs/{run_id}/cases/1")
    assert case.count("<h3><span") == 4
    for judge in JUDGES:
        assert judge in case
    told = (await site.client.get(f"/runs/{run_id}.json")).json()
    assert [one["judge"] for one in told["certificates"]] == list(JUDGES)
    assert [one["calls"] for one in told["certificates"]] == [11, 11]
    assert told["jury"]["worth"] == WORTH
    assert told["run"]["judgements"] == 48
    assert "a jury of 2" not in await text_of(site, "/skills/weigh/runs")
    assert "openai:gpt-judge, openai:grok-judge" in await text_of(site, "/skills/weigh/benchmark")


async def test_the_estimate_of_a_further_judge_counts_its_calls_alone(site: Site, models: ModelServer) -> None:
    await started(site, further_judges="")
    before = models.stats.by_model["gpt-judge"]
    said = (await site.post("/skills/weigh/benchmark/estimate", FORM)).text
    assert "0 of models" in said
    assert "and 35 of the judges, 11 of them to examine them" in said
    await started(site)
    assert (models.stats.by_model["gpt-judge"], models.stats.by_model["grok-judge"]) == (before, 35)


async def test_no_claim_is_made_where_nobody_outside_the_families_is_left(site: Site) -> None:
    run_id = await started(site, models=["openai:gpt-a", "openai:grok-b"])
    page = await text_of(site, f"/runs/{run_id}")
    assert "Without own-family scores the models cannot be compared." in page
    assert "Not enough evidence to name a best model." in page
    assert "A best model: a judge of another family beside these, or a model of another family." in page


async def test_a_judge_that_fails_is_refused_or_marked_by_its_name_wherever_the_run_is_told_of(site: Site) -> None:
    run_id = await started(site, further_judges="openai:gullible")
    refused = await text_of(site, f"/runs/{run_id}")
    assert "judge refused" in refused
    assert "The judge openai:gullible failed its examination" in refused
    said = (await site.post("/skills/weigh/benchmark/estimate", FORM | {"further_judges": "openai:gullible"})).text
    assert "The judge openai:gullible failed its examination" in said
    assert (await site.post(f"/runs/{run_id}/resume", {"accept_judge": "1"})).status_code == 303
    await serve(site, run_id)
    mark = "Judge openai:gullible accepted although it failed"
    assert f"{mark}." in await text_of(site, f"/runs/{run_id}")
    assert mark in await text_of(site, "/skills/weigh/benchmark")
    assert all(told.startswith(mark) for told in await marks_in_csv(site, run_id))
    for listed in ("/", "/skills/weigh/runs"):
        assert ">judge failed<" in await text_of(site, listed), listed
    case = await text_of(site, f"/runs/{run_id}/cases/1")
    assert "openai:gullible" in case


async def test_the_last_run_once_more_has_its_jury(site: Site) -> None:
    await started(site)
    request = await site.workbench.run_forms.rebenchmark_request(site.tenant_id, "weigh", causes=())
    assert tuple(judge.text for judge in request.judges) == JUDGES
    page = await text_of(site, "/skills/weigh/benchmark/again")
    assert "openai:gpt-judge, openai:grok-judge" in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"further_judges": JUDGES[0]}, f"The judge {JUDGES[0]} is given twice."),
        ({"further_judges": "\n".join(f"openai:judge{place}" for place in range(5))}, "6 judges are too many"),
        ({"further_judges": "nonsense"}, "is not a model reference"),
        ({"judge": "none"}, "No judge is to be asked, and yet one is named."),
        ({"race": "set", "models": ["openai:gpt-a", "openai:qwen-b"]}, "openai:gpt-judge is of a candidate"),
    ],
)
async def test_what_makes_no_jury_is_said_at_its_field(site: Site, changes: dict[str, object], said: str) -> None:
    answer = await site.post("/skills/weigh/benchmark/new", FORM | changes)
    assert answer.status_code == 422
    assert said in answer.text
    assert "further_judges" in answer.text


async def test_further_judges_may_stand_on_one_line(site: Site) -> None:
    run_id = await started(site, further_judges="openai:grok-judge, openai:claude-judge")
    run = await site.workbench.benchmarks.find(site.tenant_id, str(run_id))
    assert sorted(one["judge"] for one in run.plan["jury"]) == sorted([*JUDGES, "openai:claude-judge"])

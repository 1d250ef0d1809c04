"""Cases drafted by a model over HTTP: paid once, kept as they came, pending for ever until a person decides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from steelyard.domain.actors import Actor, ActorKind, acting_as
from steelyard.domain.cases import CaseSource, CaseStatus, Check, CheckKind, GoldenCase
from steelyard.domain.errors import Conflict, InputError
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.services.case_text import CaseDraft
from steelyard.services.run_request import Kept, RunRequest
from steelyard.storage import case_drafts
from steelyard.storage.audit import AuditFilter
from steelyard.storage.case_drafts import DraftsRow
from steelyard.storage.server import Server
from tests.acceptance.web.replies import ATTACK
from tests.integration.web.harness import Site, site_of
from tests.integration.web.made import content, made_skill
from tests.modelserver import ModelServer, ServerConfig
from tests.modelserver.requests import Call

MODEL = "openai:gpt-4o-mini"
LONG = "Say in one short sentence how heavy the brass weight number {} on the left pan of the old scale really is"


def drafts(*cases: tuple[str, str]) -> str:
    return json.dumps(
        {"cases": [{"input": one, "expected_output": out, "why": f"Tests {one[:9]}."} for one, out in cases]}
    )


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(ServerConfig(record_bodies=20)) as server:
        yield server


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID, models: ModelServer) -> AsyncIterator[Site]:
    env = {"OPENAI_BASE_URL": models.openai_url, "OPENAI_API_KEY": "k"}
    async with site_of(server_home, tenant_id, env=env) as site:
        yield site


def says(models: ModelServer, *replies: str) -> None:
    """What the model replies, call by call; the last one again and again."""
    left = list(replies)

    def script(_: Call) -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    models.config = ServerConfig(schema_reply=script, record_bodies=20)


async def drafted(site: Site, skill_id: UUID, **more: Any) -> DraftsRow:
    draft_id = await site.workbench.case_drafts.request(site.tenant_id, skill_id, ModelRef.parse(MODEL), **more)
    await site.workbench.draft_here(draft_id)
    return await site.workbench.case_drafts.get(site.tenant_id, draft_id)


async def test_drafts_wait_marked_as_drafted_and_stay_marked_when_they_are_accepted(
    site: Site, models: ModelServer
) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=1)
    example = Feedback(FeedbackType.TRAINING_EXAMPLE, example_input="2 long tons", expected_output="2032 kg")
    await site.workbench.feedback.add(site.tenant_id, skill_id, example)
    says(models, drafts(("1 stone", "6.35 kg"), ("What weighs more?", "")))
    made = await drafted(site, skill_id, wanted=2, who="Ann")
    assert (made.status, made.kept, made.calls) == ("completed", 2, 1)
    assert made.cost_microcents > 0
    asked = json.dumps(models.stats.bodies[-1])
    assert "2 long tons" in asked
    assert "How heavy is number 0?" in asked
    assert "Weigh it." in asked
    assert (await site.workbench.catalogue.find(site.tenant_id, "weigh")).cases == 1
    sure, unsure = await site.workbench.cases.list(site.tenant_id, skill_id, status=CaseStatus.PENDING)
    assert (sure.case.source, sure.author) == (CaseSource.DRAFTED, MODEL)
    page = (await site.client.get("/queue?kind=drafted")).text
    for words in ("1 stone", "6.35 kg", "Tests 1 stone", "Write what is expected", "gpt-4o-mini"):
        assert words in page
    assert (await site.post(f"/queue/drafted/{sure.id}", {"do": "accept"})).status_code == 303
    assert (await site.post(f"/queue/drafted/{unsure.id}", {"do": "accept"})).status_code == 422
    edited = await site.workbench.cases.edit(
        site.tenant_id, unsure.id, _filled(unsure.case, "The gold."), author="Ann", accept=True
    )
    assert (edited.case.source, edited.author, edited.status) == (CaseSource.DRAFTED, MODEL, CaseStatus.ACCEPTED)
    assert (await site.client.get("/skills/weigh/details?cases=accepted")).text.count(">drafted</span>") == 2
    told = [(row.change, row.who) for row in await site.workbench.cases.changes(site.tenant_id, edited.id)]
    assert told == [("proposed", "Ann"), ("edited", "Ann"), ("accepted", "Ann")]


def _filled(case: GoldenCase, expected: str) -> CaseDraft:
    return CaseDraft(case.input, expected, key=case.case_id)


async def test_what_says_nearly_the_same_is_left_out_and_counted(site: Site, models: ModelServer) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=[GoldenCase("1", LONG.format("four"), "4 g")])
    says(
        models,
        drafts((LONG.format("five"), "5 g"), ("A new one", "x"), ("A new one", "y"), ("  ", "z"), ("Beyond", "8")),
    )
    made = await drafted(site, skill_id, wanted=4)
    assert (made.kept, made.doubles, made.unusable) == (1, 2, 1)
    says(models, drafts(("A new one", "x")))
    again = await drafted(site, skill_id, wanted=4)
    assert (again.kept, again.doubles) == (0, 1)
    page = (await site.client.get("/skills/weigh/drafts")).text
    assert "2 drafts left out, nearly the same" in page
    assert "1 draft could not be a case" in page


@pytest.mark.parametrize(
    ("replies", "status", "calls"),
    [
        (('{"no": 1}', drafts(("a", "b"))), "completed", 2),
        (('{"no": 1}', '{"no": 2}'), "failed", 2),
        (('{"cases": []}',), "failed", 2),
    ],
)
async def test_a_reply_out_of_form_is_asked_for_once_more_and_all_of_it_is_kept_and_paid(
    site: Site, models: ModelServer, replies: tuple[str, ...], status: str, calls: int
) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=0)
    says(models, *replies)
    made = await drafted(site, skill_id)
    assert (made.status, made.calls, models.stats.served) == (status, calls, calls)
    assert made.raw_reply == replies[-1]
    page = await site.client.get("/skills/weigh/drafts")
    assert ("form asked for" in page.text) == (status == "failed")


async def test_a_reply_that_was_kept_before_the_kill_is_read_and_not_paid_again(
    site: Site, models: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    async def killed(*_: object, **__: object) -> None:
        raise Killed

    skill_id = await made_skill(site.workbench, site.tenant_id, golden=0)
    says(models, drafts(("a", "b")))
    with monkeypatch.context() as patch:
        patch.setattr(case_drafts, "complete_drafts", killed)
        with pytest.raises(Killed):
            await drafted(site, skill_id)
    assert not await site.workbench.cases.list(site.tenant_id, skill_id)
    made = await drafted(site, skill_id)
    assert (made.status, made.kept, made.calls, models.stats.served) == ("completed", 1, 1, 1)


async def test_a_budget_that_does_not_cover_the_call_calls_nothing(site: Site, models: ModelServer) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=0)
    made = await drafted(site, skill_id, budget_microcents=1_000)
    assert (made.status, made.calls, models.stats.served) == ("failed", 0, 0)
    assert "does not cover the call" in (made.error_message or "")
    says(models, drafts(("a", "b")))
    assert (await drafted(site, skill_id, budget_microcents=100_000_000)).status == "completed"


async def test_asked_for_on_the_page_they_are_made_by_a_worker(site: Site, models: ModelServer) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=0)
    says(models, drafts(("a", "b")))
    assert "No drafts yet" in (await site.client.get("/skills/weigh/drafts")).text
    for wrong in ({"model": ""}, {"model": MODEL, "count": "0"}, {"model": MODEL, "budget": "much"}):
        assert (await site.post("/skills/weigh/drafts", wrong)).status_code == 422
    answer = await site.post("/skills/weigh/drafts", {"model": MODEL, "count": "3", "budget": "0.50"})
    assert answer.headers["location"] == "/skills/weigh/drafts"
    assert "waits for a worker" in (await site.client.get("/skills/weigh/drafts")).text
    with pytest.raises(Conflict):
        await site.workbench.skills.delete(site.tenant_id, skill_id)
    stop = asyncio.Event()
    async with asyncio.timeout(60):
        working = asyncio.create_task(site.workbench.work(run_id=None, stop=stop))
        await _completed(site, skill_id)
        stop.set()
        await working
    page = (await site.client.get("/skills/weigh/drafts")).text
    assert "1 draft in the queue when they came" in page
    assert "of at most $0.5" in page
    await site.workbench.skills.delete(site.tenant_id, skill_id)
    assert "Nothing waits" in (await site.client.get("/queue")).text


async def _completed(site: Site, skill_id: UUID) -> None:
    while True:
        if (await site.workbench.case_drafts.list(site.tenant_id, skill_id))[0].status == "completed":
            return
        await asyncio.sleep(0.1)


async def test_what_a_model_drafts_stays_text_and_is_never_accepted_by_itself(site: Site, models: ModelServer) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=0)
    attack = ATTACK.replace("\x00", "") + "'); UPDATE golden_cases SET status = 'accepted'; --"
    reply = json.loads(drafts((attack + "long " * 30_000, attack), ("b", "c")))
    reply["cases"][1] |= {"status": "accepted", "source": "file", "why": attack}
    says(models, json.dumps(reply))
    made = await drafted(site, skill_id)
    assert (made.kept, len(made.raw_reply or "") > 150_000) == (2, True)
    entries = await site.workbench.cases.list(site.tenant_id, skill_id)
    assert {(one.status, one.case.source) for one in entries} == {(CaseStatus.PENDING, CaseSource.DRAFTED)}
    for url in ("/queue", "/skills/weigh/details", "/skills/weigh/case-history", "/skills/weigh/drafts"):
        page = (await site.client.get(url)).text
        assert "<script>window" not in page
        assert "<img src=x" not in page


async def test_no_more_than_forty_are_asked_for_at_once(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=0)
    with pytest.raises(InputError):
        await drafted(site, skill_id, wanted=41)


async def test_an_accepted_draft_makes_the_benchmark_stale_and_only_its_cells_are_called_for(
    site: Site, models: ModelServer
) -> None:
    check = Check(CheckKind.CONTAINS, "g")
    golden = [GoldenCase(str(number), f"Weigh {number}", checks=(check,)) for number in range(8)]
    skill_id = await made_skill(site.workbench, site.tenant_id, content(), golden)

    async def benchmark() -> None:
        kept = await site.workbench.skills.kept(site.tenant_id, skill_id)
        request = RunRequest(
            content=kept.content,
            cases=[row.case for row in kept.cases],
            models=[ModelRef("openai", "model-a"), ModelRef("openai", "model-b")],
            judge=None,
            arms=(Arm.WITH_SKILL,),
            kept=Kept(kept.id, kept.version_id, [row.id for row in kept.cases]),
        )
        started = await site.workbench.benchmarks.start(site.tenant_id, request)
        stop = asyncio.Event()
        async with asyncio.timeout(60):
            await site.workbench.work(run_id=started.run_id, stop=stop, ended=lambda _: stop.set())

    await benchmark()
    assert models.stats.served == 16
    assert (await site.workbench.staleness.of(site.tenant_id, skill_id)).state == "fresh"
    entry = await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("Weigh 8", checks=(check,)))
    assert (await site.workbench.staleness.of(site.tenant_id, skill_id)).state == "fresh"
    await site.workbench.cases.accept(site.tenant_id, entry.id)
    stale = await site.workbench.staleness.of(site.tenant_id, skill_id)
    assert [cause.kind for cause in stale.causes] == ["cases"]
    await benchmark()
    assert models.stats.served == 18
    assert (await site.workbench.staleness.of(site.tenant_id, skill_id)).state == "fresh"


async def test_a_worker_acts_on_behalf_of_whoever_asked(site: Site, models: ModelServer) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=1)
    says(models, drafts(("1 stone", "6.35 kg")))
    with acting_as(Actor(ActorKind.MEMBER, "Ann", UUID(int=1))):
        draft_id = await site.workbench.case_drafts.request(site.tenant_id, skill_id, ModelRef.parse(MODEL), wanted=1)
    stop = asyncio.Event()
    working = asyncio.create_task(site.workbench.work(run_id=None, stop=stop))
    async with asyncio.timeout(60):
        while (await site.workbench.case_drafts.get(site.tenant_id, draft_id)).status != "completed":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    stop.set()
    await working
    found = (await site.workbench.audit.page(site.tenant_id, AuditFilter(actor="Ann"))).entries
    assert [entry.sentence.split(" of weigh")[0] for entry in found] == [
        "added the golden case 'draft-1'",
        f"started the drafting of cases {str(draft_id)[:8]}",
    ]

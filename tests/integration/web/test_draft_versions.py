"""Drafts: tried beside the version in use, benchmarked without touching its standing, made current or discarded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.errors import NotFound
from steelyard.domain.reviews import Review, ReviewEdit
from steelyard.skills.content import build_skill
from steelyard.storage import reviews
from steelyard.storage.server import Server
from tests.acceptance.web.replies import ATTACK
from tests.integration.web.harness import Site, site_of
from tests.integration.web.made import content, made_skill
from tests.modelserver import ModelServer, ServerConfig

TEXT = "---\nname: weigh\ndescription: Weighs things. Use it to weigh.\n---\nWeigh it. Round to a gram.\n"
FILES = {"SKILL.md": TEXT.encode(), "notes.md": b"Grams are grams.\n"}
UNIT = "Say the unit.\n"
CASES = [GoldenCase(str(n), f"Weigh {n}", checks=(Check(CheckKind.CONTAINS, "g"),)) for n in range(12)]
DRAFT = "/skills/weigh/versions/draft"


@pytest.fixture
def models() -> Iterator[ModelServer]:
    """A model that says the unit where the skill has it do so."""
    with ModelServer(ServerConfig(reply=lambda call: "12 g" if UNIT.strip() in call.system else "12")) as server:
        yield server


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID, models: ModelServer) -> AsyncIterator[Site]:
    env = {"OPENAI_BASE_URL": models.openai_url, "OPENAI_API_KEY": "k"}
    async with site_of(server_home, tenant_id, env=env) as site:
        yield site


@pytest.fixture
async def skill_id(site: Site) -> UUID:
    return (await site.workbench.skills.add(site.tenant_id, build_skill(FILES), CASES)).id


async def reviewed(site: Site, skill_id: UUID, *edits: ReviewEdit) -> UUID:
    row = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        review_id = await reviews.insert_review(
            connection,
            site.tenant_id,
            skill_id=skill_id,
            skill_version_id=row.version_id,
            model="openai:m",
            protocol="p",
            requested_by=None,
        )
        await reviews.complete_review(connection, review_id, Review("Fine.", (), (), (), edits))
    return review_id


async def keep(site: Site, text: str, **more: str | list[str]) -> str:
    """The digest's start of the draft that was kept."""
    answer = await site.post(DRAFT, {"text": text, "do": "keep", **more})
    assert answer.status_code == 303, answer.text
    found = re.search(r"to=([0-9a-f]{12})$", answer.headers["location"])
    assert found is not None
    return found[1]


async def test_chosen_edits_of_a_review_become_a_draft_and_the_version_in_use_stays(site: Site, skill_id: UUID) -> None:
    before = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    review_id = await reviewed(
        site,
        skill_id,
        ReviewEdit("Body", "Round to a gram.", "Round to a tenth of a gram.", "Finer."),
        ReviewEdit("Notes", "Grams are grams.", "Grams are g.", "Shorter."),
        ReviewEdit("Body", "Not there any more.", "x", "Old."),
    )
    page = (await site.client.get("/skills/weigh/review")).text
    assert "Try as draft" in page
    looked = (await site.client.get(f"{DRAFT}?review={review_id}&edit=0&edit=1&edit=2")).text
    for words in ("2 edits of the review applied, 1 not", "not there any more", "tenth of a gram", "notes.md"):
        assert words in looked
    digest = await keep(site, TEXT.replace("a gram.", "a tenth of a gram."), review=str(review_id), edit=["0", "1"])
    after = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    assert (after.version_id, after.version_since) == (before.version_id, before.version_since)
    line = await site.workbench.versions.find(site.tenant_id, skill_id, digest)
    assert (line.draft, line.current, line.draft_by) == (True, False, "local owner")
    assert await site.workbench.versions.download(site.tenant_id, line.id, "notes.md") == b"Grams are g.\n"
    versions = (await site.client.get("/skills/weigh/versions")).text
    assert "Grams are g." in versions
    for words in (">draft</span>", "Discard", "Make current", "benchmark/new?version=" + digest):
        assert words in versions
    assert "a draft that is not in use" in (await site.client.get(f"/skills/weigh/details?version={digest}")).text
    assert "is run, not the one in use" in (await site.client.get(f"/skills/weigh/benchmark/new?version={digest}")).text


async def test_a_suggestion_is_tried_with_an_editor(site: Site, skill_id: UUID) -> None:
    suggestion = await site.workbench.suggestions.add(
        site.tenant_id, skill_id, title="Say the unit", body=ATTACK.replace("\x00", "")
    )
    assert "Try as draft" in (await site.client.get("/skills/weigh/suggestions")).text
    page = (await site.client.get(f"{DRAFT}?suggestion={suggestion}")).text
    assert 'value="Say the unit"' in page
    assert "Round to a gram." in page
    assert "<script>window" not in page
    looked = await site.post(DRAFT, {"text": TEXT + "Say the unit.\n", "do": "look", "suggestion": str(suggestion)})
    assert "What it changes" in looked.text
    assert len(await site.workbench.versions.list(site.tenant_id, skill_id)) == 1
    await keep(site, TEXT + "Say the unit.\n", suggestion=str(suggestion), why="Say the unit")
    assert (await site.workbench.versions.list(site.tenant_id, skill_id))[0].draft_why == "Say the unit"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TEXT, "same as the version in use"),
        (TEXT.replace("name: weigh", "name: other"), "names itself"),
        (TEXT.replace("description: Weighs things. Use it to weigh.\n", ""), "breaks a rule of the format"),
        (TEXT.removeprefix("---\n"), "breaks a rule of the format"),
        ("x" * 500_001, "characters"),
    ],
)
async def test_what_cannot_be_a_version_of_the_skill_is_refused_and_kept_in_the_form(
    site: Site, skill_id: UUID, text: str, says: str
) -> None:
    answer = await site.post(DRAFT, {"text": text, "do": "keep", "why": "Why not"})
    assert (answer.status_code, says in answer.text, "Why not" in answer.text) == (422, True, True)
    assert len(await site.workbench.versions.list(site.tenant_id, skill_id)) == 1


async def test_a_text_that_is_a_version_already_is_no_draft(site: Site, skill_id: UUID) -> None:
    await keep(site, TEXT + "More.\n")
    assert (await site.post(DRAFT, {"text": TEXT + "More.\n", "do": "keep"})).status_code == 409


async def benchmark(site: Site, version: str = "") -> UUID:
    """A run as the form starts it, served to its end."""
    sent = {"models": "openai:model-a", "cases": "golden", "arm": "with_skill", "judge": "none", "version": version}
    answer = await site.post("/skills/weigh/benchmark/new", sent)
    assert answer.status_code == 303, answer.text
    run_id = UUID(answer.headers["location"].rpartition("/")[2])
    stop = asyncio.Event()
    async with asyncio.timeout(60):
        await site.workbench.work(run_id=run_id, stop=stop, ended=lambda _: stop.set())
    return run_id


async def test_a_drafts_benchmark_changes_no_standing_until_the_draft_is_made_current(
    site: Site, skill_id: UUID
) -> None:
    in_use = await benchmark(site)
    digest = await keep(site, TEXT + UNIT)
    before = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    tried = await benchmark(site, digest)
    assert before == await site.workbench.catalogue.find(site.tenant_id, "weigh")
    assert (await site.workbench.staleness.of(site.tenant_id, skill_id)).state == "fresh"
    run = await site.workbench.benchmarks.find(site.tenant_id, str(tried))
    assert (run.of_record, run.of_draft, run.skill_digest[:12]) == (False, True, digest)
    assert "of a draft version" in (await site.client.get(f"/runs/{tried}")).text
    versions = (await site.client.get("/skills/weigh/versions")).text
    place = f"/skills/weigh/compare?a={in_use}&amp;b={tried}"
    assert place in versions
    compared = (await site.client.get(place.replace("&amp;", "&"))).text
    # Every case fails without the unit and passes with it: on the same twelve cases, a difference of all there is.
    assert "+100" in compared
    assert (await site.post(f"/skills/weigh/versions/{digest}/current")).status_code == 303
    after = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    assert (after.quality, before.quality) == (100.0, 0.0)
    (row,) = await site.workbench.skills.list(site.tenant_id)
    assert row.versions == 2
    assert (await site.workbench.staleness.of(site.tenant_id, skill_id)).state == "fresh"
    assert not (await site.workbench.versions.find(site.tenant_id, skill_id, digest)).draft


async def test_a_discarded_draft_keeps_its_answers_and_comes_back_when_it_is_tried_again(
    site: Site, skill_id: UUID, models: ModelServer
) -> None:
    digest = await keep(site, TEXT + UNIT)
    run_id = await benchmark(site, digest)
    assert (await site.post(f"/skills/weigh/versions/{digest}/discard")).status_code == 303
    assert "discarded draft" in (await site.client.get("/skills/weigh/versions")).text
    assert (await site.post(f"/skills/weigh/versions/{digest}/discard")).status_code == 409
    assert (await site.client.get(f"/runs/{run_id}")).status_code == 200
    assert await keep(site, TEXT + UNIT) == digest
    served = models.stats.served
    await benchmark(site, digest)
    assert models.stats.served == served
    current = (await site.workbench.catalogue.find(site.tenant_id, "weigh")).version_digest[:12]
    assert (await site.post(f"/skills/weigh/versions/{current}/discard")).status_code == 409


async def test_a_folder_with_the_drafts_text_puts_it_in_use(site: Site, skill_id: UUID) -> None:
    digest = await keep(site, TEXT + UNIT)
    await benchmark(site, digest)
    await site.workbench.skills.add(site.tenant_id, build_skill({**FILES, "SKILL.md": (TEXT + UNIT).encode()}), None)
    row = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    assert (row.version_digest[:12], row.quality) == (digest, 100.0)


async def test_the_draft_of_one_skill_is_none_of_anothers_and_goes_with_its_own(site: Site, skill_id: UUID) -> None:
    digest = await keep(site, TEXT + UNIT)
    review_id = await reviewed(site, skill_id)
    other = await made_skill(site.workbench, site.tenant_id, content("other"), 1)
    assert (await site.post(f"/skills/other/versions/{digest}/current")).status_code == 404
    assert (await site.post(f"/skills/other/versions/{digest}/discard")).status_code == 404
    assert (await site.client.get(f"/skills/other/versions/draft?review={review_id}")).status_code == 404
    assert (await site.client.get("/skills/other/versions/draft?suggestion=nonsense")).status_code == 404
    with pytest.raises(NotFound):
        await site.workbench.skills.kept(site.tenant_id, other, digest)
    await site.workbench.skills.delete(site.tenant_id, skill_id)
    assert len(await site.workbench.versions.list(site.tenant_id, other)) == 1

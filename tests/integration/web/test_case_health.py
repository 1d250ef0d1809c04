"""What stands out among golden cases: found from runs of record and texts, shown with what to do, never left out."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest

from steelyard.domain.cases import GoldenCase
from steelyard.services.case_health import CaseHealth
from tests.integration.web.harness import Site
from tests.integration.web.made import NOW, MadeModel, content, made_run, made_skill

MODELS = [MadeModel(f"openai:gpt-{number}", 90) for number in range(4)]
LONG = "Weigh the parcel that came from the north this morning and write the result in grams on its label, then sign {}"
CASES = [
    *(GoldenCase(f"case-{place}", f"How heavy is the {word} one?", "9 g") for place, word in enumerate("abcdefgh")),
    GoldenCase("near-1", LONG.format("here"), "9 g"),
    GoldenCase("near-2", LONG.format("there"), "9 g", family="parcels"),
]


async def passing(site: Site, run_id: UUID, *, failed: str, mixed: str = "case-7") -> None:
    """Have every model pass every case of the run but `failed`, and one of them fail `mixed`."""
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await connection.execute(
            """UPDATE benchmark_results b SET passed = c.case_key <> %s
                                                 AND NOT (c.case_key = %s AND b.model_name = 'openai:gpt-0')
                 FROM golden_cases c WHERE c.id = b.case_id AND b.benchmark_run_id = %s""",
            (failed, mixed, run_id),
        )


@pytest.fixture
async def skill_id(site: Site) -> UUID:
    return await made_skill(site.workbench, site.tenant_id, golden=CASES)


async def benchmarked(site: Site, skill_id: UUID, runs: int = 3) -> None:
    for number in range(runs):
        run_id = await made_run(
            site.workbench, site.tenant_id, skill_id, MODELS, at=NOW - timedelta(days=number), seed=number
        )
        await passing(site, run_id, failed="case-3")


async def health(site: Site) -> CaseHealth:
    skill = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    return await site.workbench.case_health.of(site.tenant_id, skill)


async def test_before_a_benchmark_texts_alone_are_compared(site: Site, skill_id: UUID) -> None:
    found = await health(site)
    assert (found.cases, found.runs, found.suspects, found.settled) == (10, 0, (), ())
    assert [[case.key for case in group.cases] for group in found.alike] == [["near-1", "near-2"]]
    page = (await site.client.get("/skills/weigh/details?health=1")).text
    assert "No benchmark yet" in page
    assert "near duplicate" in page


async def test_a_case_that_every_model_fails_is_suspect_and_one_always_passed_is_settled(
    site: Site, skill_id: UUID
) -> None:
    await benchmarked(site, skill_id)
    found = await health(site)
    assert [one.case.key for one in found.suspects] == ["case-3"]
    assert (found.suspects[0].n_models, found.runs, found.models) == (4, 3, 4)
    settled = {one.case.key: (one.passes, one.n_runs) for one in found.settled}
    assert settled == {case.case_id: (12, 3) for case in CASES if case.case_id not in ("case-3", "case-7")}
    shown = (await site.client.get("/skills/weigh/health.json")).json()
    assert (shown["schema"], [one["key"] for one in shown["suspect"]]) == ("steelyard.health/1", ["case-3"])


async def test_the_list_has_the_flags_once_they_are_known_and_fetches_them_before(site: Site, skill_id: UUID) -> None:
    await benchmarked(site, skill_id)
    cold = (await site.client.get("/skills/weigh/details")).text
    assert "All 4 models fail it" not in cold
    fetched = re.search(r'id="health" hx-get="([^"]+)" hx-trigger="load" hx-target="#cases"', cold)
    assert fetched is not None
    warm = (await site.client.get(fetched[1].replace("&amp;", "&"))).text
    for page in (warm, (await site.client.get("/skills/weigh/details")).text):
        # In the summary of what was found, and at the case itself.
        assert page.count("All 4 models fail it") == 2
        assert "hx-trigger" not in page.split('id="health"')[1].split("</section>")[0]
    assert all(case.case_id in warm for case in CASES)


async def test_a_changed_case_or_a_new_run_is_looked_at_anew(site: Site, skill_id: UUID) -> None:
    await benchmarked(site, skill_id)
    suspect = (await health(site)).suspects[0].case
    await site.post(f"/skills/weigh/cases/{suspect.id}/retire")
    assert (await health(site)).suspects == ()
    await site.workbench.cases.restore(site.tenant_id, suspect.id)
    assert len((await health(site)).suspects) == 1
    newer = await made_run(site.workbench, site.tenant_id, skill_id, MODELS, at=NOW + timedelta(hours=1), seed=9)
    await passing(site, newer, failed="case-5")
    # What a model did last tells whether a case is suspect; a failure ever means that it is not settled.
    found = await health(site)
    assert [one.case.key for one in found.suspects] == ["case-5"]
    assert {"case-3", "case-5"}.isdisjoint(one.case.key for one in found.settled)


async def test_a_new_version_is_told_by_the_earlier_ones_runs_until_it_has_its_own(site: Site, skill_id: UUID) -> None:
    await benchmarked(site, skill_id)
    await site.workbench.skills.add(site.tenant_id, content(body="Weigh it twice.\n"), None)
    found = await health(site)
    assert (found.earlier, found.runs) == (True, 3)
    assert "of the earlier version" in (await site.client.get("/skills/weigh/details?health=1")).text
    await made_run(site.workbench, site.tenant_id, skill_id, MODELS, at=NOW + timedelta(hours=1))
    found = await health(site)
    assert (found.earlier, found.runs) == (False, 1)


async def test_near_duplicates_are_put_in_one_family(site: Site, skill_id: UUID) -> None:
    (group,) = (await health(site)).alike
    assert group.family == "parcels"
    ids = [str(case.id) for case in group.cases]
    answer = await site.post("/skills/weigh/family", {"case": ids, "family": group.family})
    assert answer.status_code == 303
    assert (await health(site)).alike == ()
    entries = await site.workbench.cases.list(site.tenant_id, skill_id)
    assert {entry.case.case_id for entry in entries if entry.case.family == "parcels"} == {"near-1", "near-2"}
    # The one that changed is another row now.
    assert (await site.post("/skills/weigh/family", {"case": ids, "family": "x"})).status_code == 409
    assert (await site.post("/skills/weigh/family", {"case": ids[:1], "family": "x"})).status_code == 422
    assert (await site.post("/skills/weigh/family", {"case": ["no", "id"], "family": "x"})).status_code == 422


async def test_hostile_texts_are_shown_as_text(site: Site) -> None:
    text = LONG.format("<script>alert(1)</script>\u202e")
    golden = [GoldenCase("<b>1</b>", text, "x"), GoldenCase("2", text + " now", "x")]
    await made_skill(site.workbench, site.tenant_id, golden=golden)
    page = (await site.client.get("/skills/weigh/details?health=1")).text
    assert "<script>alert" not in page
    assert "<b>1</b>" not in page
    assert "\u202e" not in page

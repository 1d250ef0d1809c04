"""Only who may decide on golden cases makes one accepted, or changes an accepted one, by whatever door."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from steelyard.domain.access import Role
from steelyard.domain.cases import CaseSource, CaseStatus, GoldenCase
from steelyard.services.case_text import CaseDraft
from steelyard.storage.cases import CaseEntry
from tests.integration.web.harness import Site
from tests.integration.web.keyed import bearer, let_in, made_key, member
from tests.integration.web.made import content, made_skill

CASES = "/v1/skills/weigh/cases"
PENDING, ACCEPTED, REJECTED = CaseStatus.PENDING, CaseStatus.ACCEPTED, CaseStatus.REJECTED


@pytest.fixture
async def skill_id(site: Site) -> UUID:
    return await made_skill(site.workbench, site.tenant_id, golden=[folder_case(one) for one in ("a", "b", "c", "d")])


def folder_case(key: str, expected: str = "1 g") -> GoldenCase:
    return GoldenCase(key, f"How heavy is {key}?", expected)


async def cases(site: Site, skill_id: UUID) -> Sequence[CaseEntry]:
    return await site.workbench.cases.list(site.tenant_id, skill_id)


async def of_key(site: Site, skill_id: UUID, key: str) -> CaseEntry:
    return next(one for one in await cases(site, skill_id) if one.case.case_id == key)


async def test_a_key_to_run_proposes_and_accepts_nothing(site: Site, skill_id: UUID) -> None:
    let_in(site)
    run, admin = bearer(await made_key(site, "run")), bearer(await made_key(site, "admin"))
    client = site.client

    async def patched(case_id: Any, key: dict[str, str], **body: Any) -> tuple[int, str]:
        answer = await client.patch(f"/v1/cases/{case_id}", json=body, headers=key)
        return answer.status_code, answer.json().get("status", "")

    made = await client.post(CASES, json={"input": "And gold?", "expected": "19 g"}, headers=run)
    assert (made.status_code, made.json()["status"]) == (201, "pending")
    mine = made.json()["id"]
    refused = await client.patch(f"/v1/cases/{mine}", json={"accept": True}, headers=run)
    assert (refused.status_code, "an admin decides on it" in refused.json()["next_step"]) == (403, True)
    rejected = await client.post(f"/v1/cases/{mine}/reject", json={"why": "Nobody asks that."}, headers=admin)
    assert rejected.status_code == 200
    assert (await patched(mine, run, accept=True))[0] == 403
    # What is rejected may still be written better; that decides nothing.
    assert (await patched(mine, run, expected="20 g"))[1] == "rejected"
    golden = (await of_key(site, skill_id, "a")).id
    refused = await client.patch(f"/v1/cases/{golden}", json={"expected": "2 g"}, headers=run)
    assert (refused.status_code, "Propose yours as a case of its own" in refused.json()["next_step"]) == (403, True)
    joined = {"cases": [str(golden), str((await of_key(site, skill_id, "b")).id)], "family": "one"}
    assert (await client.post("/v1/skills/weigh/family", json=joined, headers=run)).status_code == 403
    assert await patched(golden, admin, expected="3 g") == (200, "accepted")
    made = await client.post(CASES, json={"input": "And tin?", "expected": "7 g"}, headers=admin)
    assert made.json()["status"] == "accepted"


async def test_an_editors_page_of_an_accepted_case_proposes_beside_it(site: Site, skill_id: UUID) -> None:
    golden = await of_key(site, skill_id, "a")
    let_in(site, member(site.tenant_id, Role.EDITOR))
    url = f"/skills/weigh/cases/{golden.id}"
    page = (await site.client.get(url)).text
    assert "Propose it as a case of its own" in page
    assert 'action="/skills/weigh/cases"' in page
    assert 'value="save"' not in page
    form = {"input": golden.case.input, "expected": "2 g", "key": "a", "do": "save", "seen": "accepted"}
    answer = await site.post(url, form)
    assert (answer.status_code, "it takes the right to accept golden cases" in answer.text) == (403, True)
    assert "2 g" in answer.text, "what was typed is not lost"
    assert (await site.post("/skills/weigh/cases", {**form, "key": "", "do": "propose"})).status_code == 303
    found = {(one.case.expected, one.status) for one in await cases(site, skill_id) if one.case.input == form["input"]}
    assert found == {("1 g", ACCEPTED), ("2 g", PENDING)}
    # It was accepted while its form was open.
    waits = await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("And lead?", "11 g"))
    await site.workbench.cases.accept(site.tenant_id, waits.id)
    answer = await site.post(f"/skills/weigh/cases/{waits.id}", {**form, "key": "", "seen": "pending"})
    assert answer.status_code == 409
    assert (await site.workbench.cases.get(site.tenant_id, waits.id)).retired_at is None


async def test_a_new_version_overturns_nothing_that_was_decided_by_hand(site: Site, skill_id: UUID) -> None:
    bench, tenant = site.workbench, site.tenant_id
    rejected, edited, back = [await of_key(site, skill_id, key) for key in ("a", "b", "c")]
    await bench.cases.reject(tenant, rejected.id, why="Wrong.")
    await bench.cases.edit(tenant, edited.id, CaseDraft(edited.case.input, "2 g", key="b"))
    await bench.cases.reject(tenant, back.id, why="Wrong.")
    await bench.cases.accept(tenant, back.id)
    let_in(site)
    key = bearer(await made_key(site, "run", "read"))

    async def sent(*golden: GoldenCase) -> dict[tuple[str, str], CaseStatus]:
        evals = [{"id": one.case_id, "prompt": one.input, "expected_output": one.expected} for one in golden]
        texts = {
            "SKILL.md": "---\nname: weigh\ndescription: Weighs.\n---\nWeigh.",
            "evals/evals.json": json.dumps({"evals": evals}),
        }
        body = {"files": [{"path": path, "text": text} for path, text in texts.items()]}
        answer = await site.client.post("/v1/skills/weigh/versions", json=body, headers=key)
        assert answer.status_code == 201, answer.text
        return {(one.case.case_id, one.case.expected): one.status for one in await cases(site, skill_id)}

    same = [folder_case(one) for one in ("a", "b", "c", "d")]
    kept = {("a", "1 g"): REJECTED, ("b", "2 g"): ACCEPTED, ("c", "1 g"): ACCEPTED}
    # The folder's own text of what was edited waits; what nobody decided on follows the folder.
    assert await sent(*same) == {**kept, ("b", "1 g"): PENDING, ("d", "1 g"): ACCEPTED}
    other = [*(folder_case(one, "5 g") for one in ("a", "b", "c", "d")), folder_case("e", "5 g")]
    waiting = {(one, "5 g"): PENDING for one in ("a", "b", "c")}
    now = await sent(*other)
    assert {one: status for one, status in now.items() if status is not REJECTED} == {
        ("b", "2 g"): ACCEPTED,
        ("c", "1 g"): ACCEPTED,
        **waiting,
        ("d", "5 g"): ACCEPTED,
        ("e", "5 g"): ACCEPTED,
    }
    assert await sent(*other) == now, "sent again it is the same"
    # Under another name it is still the case that was rejected.
    assert (await sent(*other, GoldenCase("f", rejected.case.input, "1 g")))["f", "1 g"] is PENDING
    # Accepted by an admin, one takes the place of the other; left out of the folder it stays.
    await bench.cases.accept(
        tenant,
        next(one.id for one in await cases(site, skill_id) if (one.case.case_id, one.case.expected) == ("c", "5 g")),
    )
    left = await sent(folder_case("d", "5 g"))
    assert {one: status for one, status in left.items() if status is ACCEPTED} == {
        ("b", "2 g"): ACCEPTED,
        ("c", "5 g"): ACCEPTED,
        ("d", "5 g"): ACCEPTED,
    }
    changes = await bench.cases.history(tenant, skill_id)
    assert ("c", "retired", "Another text of it was accepted.") in [
        (one.case_key, one.change, one.why) for one in changes
    ]
    # Who may decide sends a folder, and it is as the folder says.
    await bench.skills.add(tenant, content(), [folder_case("b", "9 g")])
    assert {(one.case.case_id, one.case.expected) for one in await cases(site, skill_id) if one.status is ACCEPTED} == {
        ("b", "9 g")
    }
    assert all(one.case.source is CaseSource.FILE for one in await cases(site, skill_id))


async def test_what_was_decided_is_not_deleted_with_its_skill_by_who_may_not_decide(site: Site, skill_id: UUID) -> None:
    """Added again, the skill's folder would make a case golden that an admin rejected."""
    let_in(site)
    run, admin = bearer(await made_key(site, "run")), bearer(await made_key(site, "admin"))
    rejected = await site.client.post(
        f"/v1/cases/{(await of_key(site, skill_id, 'a')).id}/reject", json={"why": "No."}, headers=admin
    )
    assert rejected.status_code == 200
    refused = await site.client.delete("/v1/skills/weigh", headers=run)
    assert (refused.status_code, refused.json()["kept"]) == (403, "Nothing was deleted.")
    let_in(site, member(site.tenant_id, Role.EDITOR))
    page = await site.post("/skills/weigh/delete", {"name": "weigh"})
    assert (page.status_code, "Somebody decided by hand" in page.text) == (403, True)
    let_in(site)
    assert len(await cases(site, skill_id)) == 4

    await made_skill(site.workbench, site.tenant_id, content("measure"), golden=[folder_case("e")])
    assert (await site.client.delete("/v1/skills/measure", headers=run)).status_code == 200
    assert (await site.client.delete("/v1/skills/weigh", headers=admin)).status_code == 200

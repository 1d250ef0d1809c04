"""Whose ratings and words are: of the member or the key that sent them, whatever a form or a body names."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from fastapi import Request

from steelyard.domain.access import SCOPES, Principal, Role, Scope
from steelyard.web.access import ACCESS, Identify
from tests.integration.web.harness import Site
from tests.integration.web.keyed import bearer, let_in, made_key, member
from tests.integration.web.made import MadeModel, made_run, made_skill

ANN = "a viewer"


@pytest.fixture
async def run_id(site: Site) -> UUID:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=3)
    models = [MadeModel("openai:a", 80), MadeModel("openai:b", 60)]
    return await made_run(site.workbench, site.tenant_id, skill_id, models)


async def ratings(site: Site, run_id: UUID) -> list[tuple[str, int | None]]:
    rows = [row async for row in site.workbench.ratings.export(site.tenant_id, run_id)]
    return [(row.rater, row.score) for row in rows]


async def output_of(site: Site, run_id: UUID) -> str:
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        cursor = await connection.execute(
            "SELECT id FROM benchmark_results WHERE benchmark_run_id = %s ORDER BY id LIMIT 1", (run_id,)
        )
        (row,) = await cursor.fetchall()
    return str(row["id"])


async def test_a_field_of_a_form_makes_no_other_member_of_one(site: Site, run_id: UUID) -> None:
    output = await output_of(site, run_id)
    let_in(site, member(site.tenant_id, Role.VIEWER))
    form = {"score": "1", "rater": "Alice Admin"}
    answer = await site.post(f"/runs/{run_id}/outputs/{output}/rating", {**form, "case": "1"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run_id}/cases/1")
    answer = await site.post(f"/runs/{run_id}/outputs/{output}/rating", {**form, "score": "2"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run_id}")
    assert await ratings(site, run_id) == [(ANN, 2)]


async def test_a_key_rates_as_itself_or_for_somebody_it_names_but_for_no_member(site: Site, run_id: UUID) -> None:
    output = await output_of(site, run_id)
    let_in(site, member(site.tenant_id, Role.VIEWER))
    await site.post(f"/runs/{run_id}/outputs/{output}/rating", {"score": "9"})
    key, url = bearer(await made_key(site, "run")), f"/v1/runs/{run_id}/outputs/{output}/rating"
    for rater in (ANN, None):
        assert (await site.client.put(url, json={"rater": rater, "score": 1}, headers=key)).status_code == 204
    assert await ratings(site, run_id) == [("a program", 1), (ANN, 9), (f"{ANN} (by key a program)", 1)]
    asked = await site.client.get(f"/v1/runs/{run_id}/ratings/next", params={"rater": ANN}, headers=key)
    place = asked.json()["task"]["place"]
    rated = {"rater": ANN, "score": 3}
    assert (await site.client.put(f"/v1/runs/{run_id}/ratings/{place}", json=rated, headers=key)).status_code == 200
    assert {rater for rater, score in await ratings(site, run_id) if score == 3} == {f"{ANN} (by key a program)"}


async def test_a_name_given_again_does_not_give_the_ratings(site: Site, run_id: UUID) -> None:
    output = await output_of(site, run_id)
    drawn = {"score": "8", "place": "0"}
    url = f"/runs/{run_id}/outputs/{output}/rating"
    let_in(site, member(site.tenant_id, Role.VIEWER))
    await site.post(f"/runs/{run_id}/rate", drawn)
    await site.post(url, {"score": "8"})
    before = await ratings(site, run_id)
    assert {score for _, score in before} == {8}
    # Another member, to whom the name went.
    let_in(site, member(site.tenant_id, Role.VIEWER))
    answer = await site.post(url, {"score": "1"})
    assert answer.status_code == 409
    assert "Somebody else has rated this output as a viewer." in answer.text
    await site.post(f"/runs/{run_id}/rate", {**drawn, "score": "1"})
    await site.post(f"/runs/{run_id}/rate", {"do": "undo"})
    assert await ratings(site, run_id) == before


async def test_a_key_that_only_sends_reads_no_outputs_and_rates_none(site: Site, run_id: UUID) -> None:
    sends = {route for route in ACCESS if " /v1/" in route and ACCESS[route] in SCOPES[Scope.INGEST]}
    said = {"/v1/feedback", "/v1/measurements", "/v1/skills/{skill}/suggestions", "/v1/traces"}
    assert sends == {f"POST {path}" for path in said}
    output = await output_of(site, run_id)
    let_in(site)
    key, base = bearer(await made_key(site, "ingest")), f"/v1/runs/{run_id}"
    answers: list[httpx.Response] = [
        await site.client.get(f"{base}/ratings/next", headers=key),
        await site.client.put(f"{base}/ratings/0", json={"score": None}, headers=key),
        await site.client.put(f"{base}/outputs/{output}/rating", json={"score": 1}, headers=key),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert answers[0].json()["next_step"] == "Use a key with the scope run or admin."
    assert await ratings(site, run_id) == []


async def test_whom_a_key_names_of_feedback_and_suggestions_is_no_member(site: Site, run_id: UUID) -> None:
    let_in(site)
    key = bearer(await made_key(site, "ingest", "run", "read"))
    sent = {"key": "1", "skill": "weigh", "kind": "suggestion", "title": "One", "author": ANN}
    assert (await site.client.post("/v1/feedback", json=sent, headers=key)).status_code == 201
    sent = {"key": "2", "skill": "weigh", "kind": "thumb_up", "author": ANN}
    assert (await site.client.post("/v1/feedback", json=sent, headers=key)).status_code == 201
    two = {"title": "Two", "author": ANN}
    assert (await site.client.post("/v1/skills/weigh/suggestions", json=two, headers=key)).status_code == 201
    kept = [
        one["author"]
        for path in ("suggestions", "feedback")
        for one in (await site.client.get(f"/v1/skills/weigh/{path}", headers=key)).json()["items"]
    ]
    assert kept == [f"{ANN} (by key a program)"] * 3


async def test_who_changed_a_case_is_known_by_more_than_a_name(site: Site, run_id: UUID) -> None:
    told: list[str] = []
    for tried in ("first", "second"):
        known = await named(member(site.tenant_id, Role.ADMIN), "Sam Same")
        let_in(site, known)
        await site.post("/skills/weigh/cases", {"input": tried, "expected": "1", "do": "add"})
        told.append(str((await known(None)).user_id))  # type: ignore[arg-type]
    items = (await site.client.get("/v1/skills/weigh/case-history")).json()["items"]
    assert [(one["who"], one["who_id"]) for one in items[:2]] == [("Sam Same", told[1]), ("Sam Same", told[0])]


async def named(identify: Identify, name: str) -> Identify:
    principal = replace(await identify(None), name=name)  # type: ignore[arg-type]

    async def known(_: Request) -> Principal:
        return principal

    return known

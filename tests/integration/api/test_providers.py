"""/v1/providers and /v1/budget: what calls are made with and what they may cost, set by a program."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from steelyard.services.budgets import MOST_USD
from tests.modelserver import ModelServer

KEY = "sk-marker-0123456789abcdef"
HERE = "/v1/providers/workshop"


async def test_a_provider_is_set_tried_changed_and_removed_and_its_key_never_comes_out(
    client: httpx.AsyncClient,
) -> None:
    with ModelServer() as models:
        sent = {"kind": "openai-compatible", "base_url": models.openai_url}
        answers = [await client.put(HERE, json=sent | {"key": KEY})]
        assert (answers[0].status_code, answers[0].json()["key_end"]) == (200, KEY[-4:])
        answers.append(await client.post(f"{HERE}/test"))
        assert answers[-1].json()["works"] is True
        answers.append(await client.put(HERE, json=sent))
        assert answers[-1].json()["has_key"] is True
    answers.append(await client.post(f"{HERE}/test"))
    assert answers[-1].json()["works"] is False
    answers.append(await client.put(HERE, json=sent | {"base_url": "https://elsewhere.example/v1"}))
    assert (answers[-1].status_code, answers[-1].json()["field"]) == (422, "key")
    answers.append(await client.put(HERE, json=sent | {"key": f"{KEY} {KEY}"}))
    assert (answers[-1].status_code, answers[-1].json()["field"]) == (422, "key")
    answers.append(await client.put(HERE, json=sent | {"key": KEY * 1_000}))
    assert answers[-1].status_code == 422
    answers.append(await client.get("/v1/providers"))
    assert [one["name"] for one in answers[-1].json()["items"]] == ["workshop"]
    answers.append(await client.get("/v1/audit"))
    for answer in answers:
        assert KEY not in answer.text
    gone = await client.delete(HERE)
    assert (gone.status_code, gone.json()) == (200, {"runs": []})
    assert (await client.get("/v1/providers")).json()["items"] == []


async def test_a_provider_that_is_not_there_or_cannot_be_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.delete(HERE)).status_code == 404
    assert (await client.post(f"{HERE}/test")).status_code == 404
    sent = {"kind": "anthropic", "key": KEY}
    for name, status in (("Not%20Good", 422), ("local", 422), ("x" * 41, 404)):
        assert (await client.put(f"/v1/providers/{name}", json=sent)).status_code == status, name
    assert (await client.put(HERE, json=sent | {"kind": "cohere"})).json()["field"] == "kind"
    for number in range(20):
        assert (await client.put(f"/v1/providers/p{number}", json=sent)).status_code == 200
    assert (await client.put(f"/v1/providers/{uuid4().hex}", json=sent)).status_code == 409


async def test_budgets_are_set_to_the_microcent_and_taken_away(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/budget")).json()["left_microcents"] is None
    most = MOST_USD * 100_000_000
    for month, run in ((most, most - 1), (1, None), (None, 12_345_678)):
        sent = {"month_microcents": month, "run_microcents": run, "refuse_unpriced": False}
        answer = (await client.put("/v1/budget", json=sent)).json()
        assert {name: answer[name] for name in sent} == sent
        assert answer["left_microcents"] == month
        assert (await client.get("/v1/budget")).json() == answer
    assert (await client.get("/v1/spend")).json()["budget_microcents"] is None


@pytest.mark.parametrize("month", [0, -1, MOST_USD * 100_000_000 + 1, 1.5, "20", True])
async def test_what_is_no_budget_is_refused(client: httpx.AsyncClient, month: object) -> None:
    answer = await client.put("/v1/budget", json={"month_microcents": month, "run_microcents": None})
    assert (answer.status_code, answer.json()["field"]) == (422, "month_microcents")
    missing = await client.put("/v1/budget", json={"month_microcents": None})
    assert (missing.status_code, missing.json()["field"]) == (422, "run_microcents")

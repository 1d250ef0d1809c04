"""/v1/providers/{name}/prices: given, listed and taken away by a program, each amount in microcents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from steelyard.services.provider_prices import MOST_MICROCENTS

PROVIDER = "/v1/providers/workshop"
HERE = f"{PROVIDER}/prices"
PRICE = {"model": "brass-7b", "input_microcents": 20_000_000, "output_microcents": 60_000_001}


@pytest.fixture
async def workshop(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client of a tenant that has the provider."""
    sent = {"kind": "openai-compatible", "base_url": "https://models.example/v1"}
    assert (await client.put(PROVIDER, json=sent)).status_code == 200
    return client


async def test_a_price_is_given_replaced_listed_and_taken_away(workshop: httpx.AsyncClient) -> None:
    today = datetime.now(UTC).date().isoformat()
    first = (await workshop.put(HERE, json=PRICE)).json()
    assert first | {"set_by": "", "set_at": ""} == {
        "model": "workshop:brass-7b",
        "since": today,
        "input_microcents": 20_000_000,
        "output_microcents": 60_000_001,
        "cache_read_microcents": None,
        "cache_write_microcents": None,
        "holds": "now",
        "set_by": "",
        "set_at": "",
    }
    older = PRICE | {"model": "workshop:brass-7b", "since": "2026-01-31", "cache_read_microcents": 0}
    assert (await workshop.put(HERE, json=older)).json()["holds"] == "past"
    await workshop.put(HERE, json=PRICE | {"output_microcents": 0})
    page = (await workshop.get(HERE, params={"limit": 1})).json()
    assert [one["since"] for one in page["items"]] == ["2026-01-31"]
    rest = (await workshop.get(HERE, params={"after": page["next"]})).json()
    assert [(one["since"], one["output_microcents"]) for one in rest["items"]] == [(today, 0)]
    gone = await workshop.delete(HERE, params={"model": "brass-7b", "since": "2026-01-31"})
    assert gone.json() == {"removed": 1}
    assert (await workshop.delete(HERE, params={"model": "workshop:brass-7b"})).json() == {"removed": 1}
    assert (await workshop.delete(HERE, params={"model": "brass-7b"})).status_code == 404
    assert (await workshop.get(HERE)).json()["items"] == []
    audit = (await workshop.get("/v1/audit", params={"kind": "price"})).json()["changes"]
    assert [one["action"] for one in reversed(audit)] == ["added", "added", "changed", "deleted", "deleted"]


async def test_a_provider_s_name_in_another_case_is_the_same_provider(workshop: httpx.AsyncClient) -> None:
    other = "/v1/providers/Workshop/prices"
    for path, model in (
        (HERE, "Workshop:brass-7b"),
        (other, "workshop:Steel"),
        (other, "qwen:7b"),
        (HERE, "WORKSHOP:q"),
    ):
        assert (await workshop.put(path, json=PRICE | {"model": model})).status_code == 200
    kept = ["workshop:Steel", "workshop:brass-7b", "workshop:q", "workshop:qwen:7b"]
    for path in (HERE, other):
        listed = (await workshop.get(path)).json()["items"]
        assert sorted(one["model"] for one in listed) == kept
    for path, model in ((other, "Workshop:Steel"), (other, "brass-7b"), (HERE, "Workshop:q"), (HERE, "qwen:7b")):
        assert (await workshop.delete(path, params={"model": model})).json() == {"removed": 1}, model
    assert (await workshop.get(HERE)).json()["items"] == []


async def test_prices_are_of_the_tenant_s_own_providers_alone(client: httpx.AsyncClient) -> None:
    answer = await client.put("/v1/providers/openai/prices", json=PRICE)
    assert (answer.status_code, "of your own" in answer.json()["detail"]) == (404, True)
    assert '[providers.openai.prices."brass-7b"]' in answer.json()["next_step"]
    assert (await client.get("/v1/providers/openai/prices")).status_code == 404
    assert (await client.delete("/v1/providers/openai/prices", params={"model": "brass-7b"})).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"input_microcents": -1}, "input_microcents"),
        ({"input_microcents": 0.5}, "input_microcents"),
        ({"input_microcents": "1"}, "input_microcents"),
        ({"output_microcents": MOST_MICROCENTS + 1}, "output_microcents"),
        ({"cache_write_microcents": True}, "cache_write_microcents"),
        ({"since": "soon"}, "since"),
        ({"since": "2019-01-01"}, "since"),
        ({"since": "2999-01-01"}, "since"),
        ({"model": ""}, "model"),
        ({"model": "m" * 201}, "model"),
        ({"model": "a b"}, "model"),
        ({"model": "a?colour=red"}, "model"),
        ({"usd": 1}, "usd"),
    ],
)
async def test_what_is_no_price_is_refused_by_its_field(
    workshop: httpx.AsyncClient, wrong: dict[str, Any], field: str
) -> None:
    answer = await workshop.put(HERE, json=PRICE | wrong)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await workshop.get(HERE)).json()["items"] == []

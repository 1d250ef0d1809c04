"""The pages that list the API's operations, in the site's own look."""

from __future__ import annotations

import httpx

from steelyard.api.nouns import NOUNS, operations


async def test_every_operation_is_listed_and_settings_lead_there(client: httpx.AsyncClient) -> None:
    assert 'href="/v1/docs"' in (await client.get("/settings")).text
    page = (await client.get("/v1/docs")).text
    for noun in NOUNS:
        assert noun.capitalize() in page
    for one in operations():
        assert f'href="/v1/docs/{one.name}"' in page


async def test_each_operation_has_a_page(client: httpx.AsyncClient) -> None:
    for one in operations():
        found = await client.get(f"/v1/docs/{one.name}")
        assert found.status_code == 200, one.name
        assert one.summary.partition("'")[0] in found.text
    start = (await client.get("/v1/docs/start_run")).text
    assert "Idempotency-Key" in start
    assert "budget_microcents" in start


async def test_an_operation_that_is_none_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/docs/none")).status_code == 404

"""Bodies and addresses made to break: each is refused as the document says, and none is a fault."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from steelyard.api.nouns import openapi, operations
from steelyard.api.operation import Operation
from tests.integration.web.harness import Site
from tests.integration.web.made import MadeModel, made_run, made_skill

TAKING = [one for one in operations() if one.takes is not None]
EVIL = {
    "nothing": b"",
    "bad UTF-8": b'{"a": "\xff\xfe"}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "not closed": b'{"a": [1, 2',
    "no object": b"[1]",
    "null": b"null",
    "a text": b'"\\u0000"',
    "trailing": b"{} {}",
    "NaN": b'{"a": NaN}',
}
# One by one in place of each field of the operation's example.
VALUES: list[Any] = [
    "a\x00b",
    "\ud800",
    "x" * 300_000,
    10**400,
    -(10**30),
    1e308,
    True,
    None,
    [],
    {},
    "",
    "\u202e<script>\x1b[31m",
    [[[[[[]]]]]],
    "00000000-0000-0000-0000-000000000000",
]


@pytest.fixture
async def place(site: Site) -> dict[str, str]:
    """Names of things that are there, by the parameters of addresses."""
    bench, tenant = site.workbench, site.tenant_id
    skill = await made_skill(bench, tenant)
    run = await made_run(bench, tenant, skill, [MadeModel("openai:gpt-5", 92), MadeModel("openai:gpt-5-mini", 71)])
    case = (await bench.cases.list(tenant, skill))[0]
    suggestion = await bench.suggestions.add(tenant, skill, title="Name the unit")
    version = (await bench.versions.list(tenant, skill))[0]
    return {
        "skill": "weigh",
        "run_id": str(run),
        "case_id": str(case.id),
        "suggestion_id": str(suggestion),
        "version": version.digest,
        "kind": "proposed",
        "item_id": str(case.id),
        "output_id": str(case.id),
        "place": "0",
    }


def bodies(operation: Operation) -> list[bytes]:
    found = openapi()["paths"][operation.path][operation.method.lower()]
    example = found["requestBody"]["content"]["application/json"]["example"]
    made = [json.dumps({**example, field: value}).encode() for field in example for value in VALUES]
    return [*made, json.dumps({**example, "none of ours": 1}).encode()]


async def test_no_body_is_a_fault(client: httpx.AsyncClient, place: dict[str, str]) -> None:
    headers = {"content-type": "application/json"}
    for operation in TAKING:
        path = operation.path.format(**place)
        for body in (*EVIL.values(), *bodies(operation)):
            # The client's hook fails on a status the document does not have, 500 among them.
            await client.request(operation.method, path, content=body, headers=headers)


async def test_types_and_encodings_that_are_not_read_are_named(client: httpx.AsyncClient) -> None:
    body = json.dumps({"prompt": "---\nname: zip\ndescription: d\n---\nHi"}).encode()

    async def sent(content: bytes, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await client.post("/v1/lint", content=content, headers=named)).status_code

    assert await sent(body, content_type="text/plain") == 415
    assert await sent(body) == 415
    assert await sent(body, content_type="application/json", content_encoding="br") == 415
    assert await sent(body, content_type="application/json", content_encoding="gzip") == 422
    assert await sent(gzip.compress(body), content_type="application/json", content_encoding="gzip") == 200
    bomb = gzip.compress(b" " * 60_000_000)
    assert await sent(bomb, content_type="application/json", content_encoding="gzip") == 413
    assert await sent(b"PK\x03\x04nonsense", content_type="application/zip") == 422


@pytest.mark.parametrize("name", ["a%00b", "%ff", "%F0%9F%92%A9", "a" * 401, "%20"])
async def test_no_name_in_an_address_is_a_fault(client: httpx.AsyncClient, name: str) -> None:
    for path in (f"/v1/skills/{name}", f"/v1/skills/{name}/versions/{name}", f"/v1/runs/{name}"):
        assert (await client.get(path)).status_code == 404, path


async def test_no_query_is_a_fault(client: httpx.AsyncClient, place: dict[str, str]) -> None:
    assert (await client.get("/v1/skills?q=%00")).status_code == 422
    assert (await client.get("/v1/skills?q=%ff")).status_code == 200
    assert (await client.get(f"/v1/skills/{place['skill']}/cost-trend?days=99999999999999999999")).status_code == 422
    assert (await client.get(f"/v1/runs/{place['run_id']}/prices?day=0000-00-00")).status_code == 422

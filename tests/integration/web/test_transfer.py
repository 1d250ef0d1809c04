"""How answers travel: compressed where it helps, without a body for HEAD, assets kept for ever; and tokens unharmed."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.integration.execution.bench import Bench
from tests.integration.services.made import Made, asks, checked, content
from tests.integration.web.harness import Site, token_in
from tests.integration.web.made import MadeModel, made_run, made_skill

GZIP, PLAIN = {"accept-encoding": "gzip"}, {"accept-encoding": "identity"}
_TOKENS = re.compile(r"[0-9a-f]{112}")


async def run_of(site: Site) -> str:
    """The path of a finished run of the skill `weigh`."""
    skill_id = await made_skill(site.workbench, site.tenant_id)
    models = [MadeModel("openai:gpt-5.4", 90.0), MadeModel("openai:gpt-5.4-mini", 60.0)]
    return f"/runs/{await made_run(site.workbench, site.tenant_id, skill_id, models)}"


async def test_a_page_travels_compressed_and_is_the_same_page(site: Site) -> None:
    page = await run_of(site)
    small = await site.client.get(page, headers=GZIP)
    whole = await site.client.get(page, headers=PLAIN)
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in whole.headers
    for answer in (small, whole):
        assert "accept-encoding" in answer.headers["vary"].lower()
    assert int(small.headers["content-length"]) < len(whole.content) / 4
    assert _TOKENS.sub("", small.text) == _TOKENS.sub("", whole.text)


async def test_a_live_stream_is_not_held_back_to_be_compressed(site: Site) -> None:
    answer = await site.client.get(f"{await run_of(site)}/events", headers=GZIP)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in answer.headers
    assert "event: ended" in answer.text


async def test_assets_are_compressed_beforehand_and_kept_for_ever(site: Site) -> None:
    page = (await site.client.get("/settings")).text
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(addresses) == 3
    for address in addresses:
        small = await site.client.get(address, headers=GZIP)
        whole = await site.client.get(address, headers=PLAIN)
        assert small.content == whole.content
        assert int(small.headers["content-length"]) < int(whole.headers["content-length"])
        assert small.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert small.headers["vary"].lower() == "accept-encoding"


async def test_a_page_never_has_the_same_token_twice_so_that_its_length_tells_nothing(site: Site) -> None:
    tokens = [token_in((await site.client.get("/", headers=GZIP)).text) for _ in range(20)]
    for length in (8, 16):
        assert len({token[:length] for token in tokens}) == len({token[-length:] for token in tokens}) == 20
    for token in (tokens[0], tokens[-1]):
        answer = await site.client.post("/theme", data={"theme": "dark", "csrf_token": token})
        assert answer.status_code == 303


@pytest.mark.parametrize("path", ["/", "/settings", "/models", "/skills/weigh/benchmark", "/skills/none/details"])
async def test_head_says_what_get_says_without_the_body(site: Site, path: str) -> None:
    await run_of(site)
    for encoding in (GZIP, PLAIN):
        got = await site.client.get(path, headers=encoding)
        head = await site.client.head(path, headers=encoding)
        assert head.content == b""
        assert head.status_code == got.status_code
        named = ("content-type", "content-encoding", "vary", "content-security-policy", "cache-control")
        assert [head.headers.get(name) for name in named] == [got.headers.get(name) for name in named]
        # Tokens differ, and so by a few bytes does what they compress to.
        assert abs(int(head.headers["content-length"]) - int(got.headers["content-length"])) < 100


async def test_head_of_a_live_stream_does_not_wait_for_its_end(site: Site) -> None:
    made = Made(Bench(site.workbench.database, site.tenant_id))
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    head = await asyncio.wait_for(site.client.head(f"/runs/{run_id}/events"), 5)
    assert head.status_code == 200
    assert head.headers["content-type"].startswith("text/event-stream")
    assert head.content == b""


async def test_head_changes_nothing_and_does_not_open_what_is_only_posted(site: Site) -> None:
    assert (await site.client.head("/demo")).status_code == 405

"""Uses sent to the API: kept, known already, kept for later, or refused, each by itself."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import timedelta
from typing import Any

import httpx

from tests.integration.web.harness import Site
from tests.integration.web.made import NOW, content, made_skill

URL = "/v1/measurements"


def use(key: str, skill: str = "weigh", **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "skill": skill,
        "model": "openai:gpt-5.4",
        "measured_at": NOW.isoformat(),
        "input_tokens": 1000,
        "output_tokens": 100,
        **more,
    }


async def send(site: Site, *items: object, **headers: str) -> httpx.Response:
    return await site.client.post(URL, json={"measurements": list(items)}, headers=headers)


async def uses(site: Site, name: str = "weigh") -> int:
    row = await site.workbench.catalogue.find(site.tenant_id, name)
    return (await site.workbench.usage.skill(site.tenant_id, row.id)).total.uses


async def test_each_item_of_a_batch_stands_for_itself(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)
    answer = await send(site, use("a"), use("b", output_tokens=-1), use("a"), "no object", use("c", skill="other"))
    assert answer.status_code == 200
    said = answer.json()
    assert (said["kept"], said["duplicates"], said["unmatched"]) == (1, 1, 1)
    assert [(one["index"], one["field"]) for one in said["refused"]] == [(1, "output_tokens"), (3, "item")]
    assert await uses(site) == 1


async def test_a_batch_sent_twice_and_at_once_counts_once(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)
    batch = [use(f"k{place}", skill=("weigh", "later")[place % 2]) for place in range(200)]
    answers = await asyncio.gather(*(send(site, *batch) for _ in range(3)))
    said = [answer.json() for answer in answers]
    assert sum(one["kept"] for one in said) == 100
    assert sum(one["unmatched"] for one in said) == 100
    assert sum(one["duplicates"] for one in said) == 400
    assert await uses(site) == 100


async def test_uses_of_a_skill_to_come_become_its_own(site: Site) -> None:
    day = NOW - timedelta(days=40)
    sent = [use("a", "later", measured_at=day.isoformat(), cost_usd="0.25"), use("b", "later"), use("c", "<b>else</b>")]
    assert (await send(site, *sent)).json()["unmatched"] == 3
    settings = (await site.client.get("/settings")).text
    assert "&lt;b&gt;else&lt;/b&gt;" in settings
    await made_skill(site.workbench, site.tenant_id, content("later"))
    row = await site.workbench.catalogue.find(site.tenant_id, "later")
    days = {one.day: one for one in await site.workbench.usage.daily(site.tenant_id, row.id, 90)}
    assert (days[day.date()].uses, days[day.date()].cost_microcents) == (1, 25_000_000)
    assert [one.skill_name for one in await site.workbench.intake.unmatched(site.tenant_id)] == ["<b>else</b>"]
    assert (await send(site, *sent)).json() == {
        "kept": 0,
        "duplicates": 3,
        "unmatched": 0,
        "unknown_versions": 0,
        "refused": [],
    }


async def test_times_out_of_range_and_unknown_versions(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)
    row = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    ahead, back = NOW + timedelta(days=2), NOW - timedelta(days=4000)
    answer = await send(
        site,
        use("a", measured_at=ahead.isoformat()),
        use("b", measured_at=back.isoformat()),
        use("c", skill_version=row.version_digest[:8]),
        use("d", skill_version="ffffffffff"),
    )
    said = answer.json()
    assert (said["kept"], said["unknown_versions"]) == (2, 1)
    assert [one["field"] for one in said["refused"]] == ["measured_at", "measured_at"]


async def test_bodies_that_are_no_batch_are_refused_as_json(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)
    whole = json.dumps({"measurements": [use("a")]}).encode()
    typed = {"content-type": "application/json"}
    zipped = {**typed, "content-encoding": "gzip"}
    bomb = gzip.compress(b" " * 60_000_000)
    for body, headers, status in (
        (whole, {"content-type": "text/plain"}, 415),
        (whole[:-1], typed, 422),
        (b"[" * 100_000, typed, 422),
        (b"[]", typed, 422),
        (whole, {**typed, "content-encoding": "br"}, 415),
        (whole, zipped, 422),
        (gzip.compress(whole)[:-4], zipped, 422),
        (bomb, zipped, 413),
        (b" " * 10_000_001, typed, 413),
        (json.dumps({"measurements": [use("a")] * 10_001}).encode(), zipped | {"content-encoding": "identity"}, 422),
        (json.dumps({"measurements": [use("")]}).encode(), typed, 422),
    ):
        answer = await site.client.post(URL, content=body, headers=headers)
        assert answer.status_code == status, (body[:40], headers, answer.text[:200])
        assert answer.headers["content-type"] == "application/problem+json"
    assert await uses(site) == 0
    assert (await site.client.post(URL, content=gzip.compress(whole), headers=zipped)).json()["kept"] == 1


async def test_a_page_of_another_site_can_send_none(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)
    assert (await send(site, use("a"), origin="https://elsewhere.example")).status_code == 403
    assert (await send(site, use("a"), host="elsewhere.example")).status_code == 403
    assert await uses(site) == 0

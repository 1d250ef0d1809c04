"""The whole life of a skill by the API alone: added, given cases, estimated, run, judged, tied, said of, deleted."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from benchmarks.site import of_model_server, serving, temporary_home
from benchmarks.workload import model_server, stats
from tests.integration.api.contract import check_sync

MODELS = ["openai:gpt-4o-mini", "openai:gpt-4.1-mini"]
TEXT = "---\nname: weigh-things\ndescription: States what an item weighs, in one sentence.\n---\n\nState the weight.\n"
REPLIES = ("--schema-reply", "tests.acceptance.api.replies:schema_reply")


class Api:
    """A client of the API that fails on what it did not expect, and on what the document does not describe."""

    def __init__(self, address: str, models: str) -> None:
        self.models = models
        self.client = httpx.Client(base_url=address, timeout=60, event_hooks={"response": [check_sync]})

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200, key: str = "") -> Any:
        headers = {"idempotency-key": key} if key else {}
        answer = self.client.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def ended(self, path: str) -> dict[str, Any]:
        """What is there once it waits and runs no more."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            found = self("GET", path)
            if found["status"] not in ("pending", "running"):
                return found
            time.sleep(0.1)
        raise AssertionError(f"{path} has not ended")

    def events(self, run: str) -> list[tuple[str, dict[str, Any]]]:
        """Every event of the run until its end."""
        text = self.client.get(f"/v1/runs/{run}/events", timeout=120).text
        parts = [dict(line.split(": ", 1) for line in event.splitlines()) for event in text.strip().split("\n\n")]
        return [(part["event"], json.loads(part["data"])) for part in parts]


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with (
        temporary_home() as home,
        model_server(0.02, *REPLIES) as models,
        serving(home, env=of_model_server(models)) as address,
    ):
        api = Api(address, models)
        yield api
        api.client.close()


def cases(count: int) -> list[dict[str, Any]]:
    checks = [{"type": "regex", "value": "[a-z]"}]
    return [
        {"input": f"What does item {number} weigh?", "expected": "120 g", "checks": checks} for number in range(count)
    ]


def test_the_life_of_a_skill(api: Api) -> None:
    lint = api("POST", "/lint", {"prompt": TEXT})
    assert (lint["name"], lint["cases"]) == ("weigh-things", 0)
    skill = api("POST", "/skills", {"files": [{"path": "SKILL.md", "text": TEXT}]}, status=201)
    assert skill["state"] == "never"
    here = "/skills/weigh-things"
    api("GET", f"{here}/verdict", status=404)

    made = [api("POST", f"{here}/cases", one, status=201, key=f"case-{i}") for i, one in enumerate(cases(10))]
    assert api("POST", f"{here}/cases", cases(1)[0], status=201, key="case-0") == made[0]
    proposed = api("POST", f"{here}/cases", {"input": "And a feather?", "expected": "1 g", "propose": True}, status=201)
    waiting = api("GET", "/queue?skill=weigh-things")
    assert [one["id"] for one in waiting["items"]] == [proposed["id"]]
    api("POST", f"/queue/proposed/{proposed['id']}/accept", {"seen": "rejected"}, status=409)
    edited = api("PATCH", f"/cases/{proposed['id']}", {"checks": cases(1)[0]["checks"]})
    accepted = api("POST", f"/cases/{edited['id']}/accept", {"why": "Fair.", "seen": "pending"})
    assert accepted["status"] == "accepted"
    assert [one["change"] for one in api("GET", f"/cases/{edited['id']}/history")["items"]] == [
        "proposed",
        "edited",
        "accepted",
    ]
    assert api("POST", f"/cases/{made[0]['id']}/retire", {})["retired_at"]
    assert not api("POST", f"/cases/{made[0]['id']}/restore", {})["retired_at"]

    asked = {"models": MODELS, "judge": "none", "arm": "with_skill"}
    estimate = api("POST", f"{here}/estimate", asked)
    assert (estimate["planned"], estimate["calls"], estimate["judge_calls"]) == (22, 22, 0)
    started = api("POST", f"{here}/runs", asked, status=201, key="first-run")
    run = started["id"]
    events = api.events(run)
    assert {name for name, _ in events[:-1]} == {"progress"}
    assert events[-1] == ("ended", {"status": "completed"})
    assert events[-2][1]["answered"] == 22
    report = api("GET", f"{here}/verdict")
    assert report["run"]["id"] == run
    assert report["verdict"]["kind"] == "tied"
    assert report["run"]["spent_microcents"] == sum(one["estimated_cost_microcents"] for one in every_cell(api, run))
    assert api("GET", here)["state"] == "fresh"
    again = api("POST", f"{here}/runs", asked, status=201, key="first-run")
    assert again == started

    offer = api("GET", f"/runs/{run}/tie-break?judge=openai:gpt-4.1")
    tie = api("POST", f"/runs/{run}/tie-breaks", {"judge": "openai:gpt-4.1"}, status=201, key="tie")
    assert api.ended(f"/tie-breaks/{tie['id']}")["status"] == "completed"
    assert stats(api.models)["by_model"]["gpt-4.1"] == offer["calls"]
    api("POST", f"/tie-breaks/{tie['id']}/cancel", status=409)

    heard = {"key": "talk-1", "skill": "weigh-things", "kind": "rating", "rating": 9}
    api("POST", "/feedback", heard, status=201)
    api("POST", "/feedback", heard, status=200)
    assert api("GET", f"{here}/feedback")["items"][0]["quality_score"] == 9
    suggestion = api("POST", f"{here}/suggestions", {"title": "Name the unit"}, status=201)
    assert api("PATCH", f"/suggestions/{suggestion['id']}", {"status": "accepted"})["decided_at"]
    use = {"key": "u1", "skill": "weigh-things", "model": MODELS[0], "measured_at": report["run"]["completed_at"]}
    uses = {"measurements": [use | {"input_tokens": 900, "output_tokens": 40}]}
    assert api("POST", "/measurements", uses)["kept"] == 1
    stats_of = api("GET", f"{here}/stats")
    assert (stats_of["total"]["uses"], stats_of["feedback"]["total"], len(stats_of["trend"])) == (1, 1, 14)
    assert api("GET", f"{here}/production")["model_in_use"] == MODELS[0]

    review = api("POST", f"{here}/reviews", {"model": "openai:gpt-4.1"}, status=201)
    assert api.ended(f"/reviews/{review['id']}")["status"] == "completed"
    drafts = api("POST", f"{here}/case-drafts", {"model": "openai:gpt-4.1", "count": 2}, status=201)
    assert api.ended(f"/case-drafts/{drafts['id']}")["status"] == "completed"

    rated = api("GET", f"/runs/{run}/ratings/next?rater=Ada")
    assert rated["task"]["place"] is not None
    api("PUT", f"/runs/{run}/ratings/{rated['task']['place']}", {"rater": "Ada", "score": 8})
    assert [one["score"] for one in api("GET", f"/runs/{run}/ratings")["items"]] == [8]

    draft = api("POST", f"{here}/versions/draft", {"text": TEXT + "Say grams.\n"}, status=201)
    api("POST", f"{here}/versions/{draft['digest'][:12]}/current")
    assert api("GET", here)["causes"][0]["kind"] == "skill"
    assert [one["name"] if "name" in one else one["skill"] for one in api("GET", "/stale")["skills"]] == [
        "weigh-things"
    ]
    price = api("GET", f"{here}/rebenchmark?cause=skill")
    assert price["calls"] == 22
    second = api("POST", f"{here}/rebenchmark", {"cause": "skill"}, status=201)["id"]
    assert api.events(second)[-1] == ("ended", {"status": "completed"})
    compared = api("GET", f"/runs/{second}/comparison?since={run}")
    assert compared["cases"]["same"] == 11

    gone = api("DELETE", here)
    assert (gone["runs"], gone["feedback"], gone["uses"]) == (2, 1, 1)
    api("GET", here, status=404)
    api("GET", f"/runs/{run}", status=404)


def test_a_zip_is_a_skill_too_and_a_taken_name_is_refused(api: Api) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("weigh/SKILL.md", "---\nname: weigh\ndescription: Weighs an item.\n---\n\nWeigh.\n")
        archive.writestr("weigh/a.bin", b"\x00\xff")
    zipped = {"content-type": "application/zip"}
    assert api.client.post("/v1/skills", content=buffer.getvalue(), headers=zipped).status_code == 201
    file = api("GET", f"/skills/weigh/versions/{api('GET', '/skills/weigh')['version_digest']}/file?path=a.bin")
    assert (file["text"], file["base64"]) == (None, "AP8=")
    other = {"prompt": "---\nname: weigh\ndescription: Weighs an item.\n---\n\nWeigh it well.\n"}
    api("POST", "/skills", other, status=409)
    assert api("POST", "/skills/weigh/versions", other, status=201)["current"]


def test_one_key_sent_twice_at_once_starts_one_run(api: Api) -> None:
    name = "weigh-twice"
    api("POST", "/skills", {"prompt": TEXT.replace("weigh-things", name)}, status=201)
    for one in cases(8):
        api("POST", f"/skills/{name}/cases", one, status=201)
    asked = {"models": MODELS, "judge": "none", "fresh": True}

    def send(_: int) -> httpx.Response:
        return api.client.post(f"/v1/skills/{name}/runs", json=asked, headers={"idempotency-key": "twice"})

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert api("GET", f"/skills/{name}/runs")["total"] == 1
    api.events(made.pop())


def every_cell(api: Api, run: str) -> list[dict[str, Any]]:
    """The cells, a page of 5 at a time."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = api("GET", f"/runs/{run}/cells?limit=5" + (f"&after={after}" if after else ""))
        found += page["items"]
        after = page["next"]
    return found

"""In team mode nobody is told a path of the server or may name a file of it, in the installation's own tenant too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from steelyard.storage.server import Server
from steelyard.storage.tenants import LOCAL_TENANT
from steelyard.vault.ring import new_key
from tests.integration.api.conftest import program_of
from tests.integration.services.made import checked
from tests.integration.services.test_run_shares import started
from tests.integration.web.teams import Browser, TeamSite, team_site_of
from tests.modelserver import ModelServer


@dataclass
class Own:
    """The installation's own tenant with a skill whose last benchmark was of a provider that it has no more."""

    team: TeamSite
    program: httpx.AsyncClient
    member: Browser
    skill: str


@pytest.fixture
async def own(server: Server, server_home: Path) -> AsyncIterator[Own]:
    env = {"STEELYARD_SECRET_KEY": new_key(), "STEELYARD_ALLOW_PRIVATE": "127.0.0.0/8"}
    async with team_site_of(server_home, LOCAL_TENANT, env=env, shared=None) as team:
        skill = f"weigh-{uuid4().hex[:8]}"
        with ModelServer() as models:
            put = team.workbench.tenant_providers.put
            await put(LOCAL_TENANT, "workshop", "openai-compatible", models.openai_url, "sk-workshop-0123456789")
            cases = [checked(number) for number in range(3)]
            run_id = await started(team.workbench, LOCAL_TENANT, skill, cases, model="workshop:model-a")
            await _ended(team, run_id)
        await team.workbench.tenant_providers.remove(LOCAL_TENANT, "workshop")
        yield Own(team, await program_of(team, "run"), await team.member(), skill)


async def _ended(team: TeamSite, run_id: UUID) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(
        team.workbench.work(run_id=run_id, stop=stop, ended=lambda one: stop.set() if one == run_id else None)
    )
    async with asyncio.timeout(60):
        await working


async def test_no_door_tells_where_the_settings_are(own: Own, server_home: Path) -> None:
    body = {"models": ["nope:model-a"], "judge": "none"}
    here = f"/v1/skills/{own.skill}"
    answers = [
        await own.program.post(f"{here}/estimate", json=body),
        await own.program.post(f"{here}/runs", json=body, headers={"Idempotency-Key": uuid4().hex}),
        await own.program.get(f"{here}/rebenchmark"),
        await own.program.get(f"{here}/staleness"),
        await own.member.client.get(f"/skills/{own.skill}/benchmark/causes"),
        await own.member.client.get(f"/skills/{own.skill}/benchmark/again"),
    ]
    assert [answer.status_code for answer in answers[:2]] == [422, 422]
    assert "Settings, Providers" in answers[0].text
    for answer in answers:
        assert answer.status_code in (200, 409, 422), answer.text
        for told in (str(server_home), "settings.toml"):
            assert told not in answer.text, answer.url


async def test_no_file_is_named_as_a_model_whether_it_is_there_or_not(own: Own, tmp_path: Path) -> None:
    there = tmp_path / "there.gguf"
    there.write_bytes(b"GGUF")
    answers: list[tuple[int, str]] = []
    for file in (there, tmp_path / "missing.gguf"):
        for body in (
            {"models": [f"local:{file}"], "judge": "none"},
            {"models": ["local:x"], "judge": f"local:{file}"},
        ):
            for door in ("estimate", "runs"):
                sent = own.program.post(f"/v1/skills/{own.skill}/{door}", json=body)
                answers.append(((answer := await sent).status_code, answer.json()["detail"]))
                assert answer.status_code == 422, answer.text
    half = len(answers) // 2
    assert answers[:half] == answers[half:], "what is there is told from what is not"
    assert "which is the operator's alone" in answers[0][1]

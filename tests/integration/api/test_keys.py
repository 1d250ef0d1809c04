"""/v1/keys: a key is answered once, kept nowhere, and makes none beyond itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.access import Scope, actions_of
from steelyard.domain.actors import Actor, ActorKind, acting_as
from steelyard.domain.api_keys import KEY, ApiKey
from steelyard.domain.errors import Forbidden
from steelyard.services.handing_on import check_handed_on
from tests.integration.api.conftest import program_of
from tests.integration.web.harness import Site
from tests.integration.web.keyed import bearer
from tests.integration.web.teams import TeamSite

NOW = datetime(2026, 3, 1, tzinfo=UTC)
READER = {"name": "dashboard", "scopes": ["read"], "expires_in_days": 10}


async def made(program: httpx.AsyncClient, status: int = 201, **more: Any) -> dict[str, Any]:
    answer = await program.post("/v1/keys", json=READER | more)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_key_is_answered_once_and_lets_in_until_it_is_revoked(
    team: TeamSite, program: httpx.AsyncClient
) -> None:
    answer = await program.post("/v1/keys", json=READER)
    key = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert answer.headers["location"] == f"/v1/keys/{key['id']}"
    assert KEY.fullmatch(key["key"])
    assert key["key"].startswith(key["start"])
    assert (key["created_by"], key["scopes"]) == ("a program (API key)", ["read"])
    reader = team.browser().client
    assert (await reader.get("/v1/skills", headers=bearer(key["key"]))).status_code == 200

    listed, one = await program.get("/v1/keys"), await program.get(answer.headers["location"])
    assert [row["name"] for row in listed.json()["items"]] == ["dashboard", "a program"]
    for later in (listed, one):
        assert key["key"][12:] not in later.text

    assert (await program.delete(f"/v1/keys/{key['id']}")).status_code == 204
    assert (await reader.get("/v1/skills", headers=bearer(key["key"]))).status_code == 401
    assert (await program.get(f"/v1/keys/{key['id']}")).json()["revoked_at"]
    assert (await program.delete(f"/v1/keys/{uuid4()}")).status_code == 404


async def test_a_request_sent_again_makes_no_other_key_and_what_it_is_was_kept_nowhere(
    team: TeamSite, program: httpx.AsyncClient
) -> None:
    headers = {"idempotency-key": "first"}
    first, second = [await program.post("/v1/keys", json=READER, headers=headers) for _ in range(2)]
    assert first.status_code == second.status_code == 201
    assert second.headers["idempotency-replayed"] == "true"
    assert second.json() == first.json() | {"key": None}
    assert len(await team.workbench.api_keys.listed(team.tenant_id)) == 2
    async with team.workbench.database.tenant(team.tenant_id) as connection:
        cursor = await connection.execute("SELECT body, made_id FROM idempotency_keys")
        assert await cursor.fetchall() == [{"body": None, "made_id": UUID(first.json()["id"])}]
    other = await program.post("/v1/keys", json=READER | {"name": "another"}, headers=headers)
    assert other.status_code == 422


async def test_a_key_makes_none_that_lasts_longer_than_itself(program: httpx.AsyncClient) -> None:
    for days in (31, 365, None):
        assert "lasts longer" in (await made(program, 403, expires_in_days=days))["detail"]
    assert (await made(program, expires_in_days=29))["expires_at"]
    lasting = await made(program, scopes=["ingest", "read", "run", "admin"])
    assert lasting["scopes"] == ["ingest", "read", "run", "admin"]


async def test_a_key_that_was_revoked_makes_none_while_a_process_still_lets_it_in(
    team: TeamSite, program: httpx.AsyncClient
) -> None:
    (own,) = await team.workbench.api_keys.listed(team.tenant_id)
    assert (await program.get("/v1/keys")).status_code == 200
    await team.workbench.api_keys.revoke(team.tenant_id, own.id)
    assert (await program.get("/v1/keys")).status_code == 200
    await made(program, 401)
    invited = await program.post("/v1/invitations", json={"email": "eve@example.org", "role": "editor"})
    assert invited.status_code == 401
    assert len(await team.workbench.api_keys.listed(team.tenant_id)) == 1


async def test_a_lesser_key_makes_none_at_all(team: TeamSite) -> None:
    for scope in ("ingest", "read", "run"):
        await made(await program_of(team, scope), 403)
    (runs,) = [key for key in await team.workbench.api_keys.listed(team.tenant_id) if key.scopes == (Scope.RUN,)]
    with acting_as(Actor(ActorKind.KEY, "a program", runs.id)), pytest.raises(Forbidden, match="send uses"):
        await team.workbench.api_keys.make(team.tenant_id, "wider", ["ingest"], expires="1d")


async def test_alone_on_its_machine_the_owner_makes_keys_without_one(site: Site) -> None:
    key = (
        await site.client.post("/v1/keys", json={"name": "ci", "scopes": ["ingest"], "expires_in_days": None})
    ).json()
    assert (key["created_by"], key["expires_at"]) == ("local", None)


SCOPES = st.sets(st.sampled_from(list(Scope)), min_size=1)


@given(SCOPES, SCOPES, st.none() | st.integers(1, 9), st.none() | st.integers(1, 9))
def test_what_a_key_makes_may_no_more_and_lasts_no_longer(
    own: set[Scope], wanted: set[Scope], own_days: int | None, days: int | None
) -> None:
    def after(number: int | None) -> datetime | None:
        return None if number is None else NOW + timedelta(days=number)

    maker = ApiKey(uuid4(), "maker", tuple(own), None, "Ann", NOW, after(own_days), None, None)
    within = actions_of(wanted) <= actions_of(own) and (own_days is None or (days is not None and days <= own_days))
    try:
        check_handed_on(maker, wanted, after(days))
    except Forbidden:
        assert not within
    else:
        assert within

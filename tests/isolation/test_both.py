"""Somebody of two tenants sees the one they are in, and nothing once they are out of it."""

from __future__ import annotations

import httpx
import pytest

from steelyard.domain.access import Role, Scope
from steelyard.domain.actors import LOCAL, acting_as
from steelyard.storage import memberships
from steelyard.storage.server import Server
from steelyard.web.access import ACCESS
from tests.isolation.asks import asks, routes
from tests.isolation.rows import digests_of, texts_of
from tests.isolation.twins import SHARED_KEY, Secrets, Twin, Twins

pytestmark = pytest.mark.asyncio(loop_scope="module")


def readings(twin: Twin, *, api: bool | None = None) -> list[str]:
    """An address of each page, file and document there is to read of a tenant."""
    found = {line: route for line, route in routes().items() if line.startswith("GET ")}
    wanted = [line for line in found if api in (None, " /v1/" in line) and not line.endswith("/events")]
    return [next(asks(line, found[line], twin, twin)).path for line in wanted]


async def tells(client: httpx.AsyncClient, paths: list[str], secrets: Secrets) -> list[str]:
    told: list[str] = []
    for path in paths:
        answer = await client.get(path)
        assert answer.status_code != 500, path
        told += [f"{path}: {found}" for found in [secrets.told_by(answer)] if found]
    return told


async def test_a_member_of_both_sees_the_tenant_they_are_in_alone(twins: Twins, server: Server) -> None:
    site, a, b = twins.site, twins.a, twins.b
    email = await site.user(Role.ADMIN, tenant_id=a.tenant_id)
    user_id = (await site.workbench.members.called(a.tenant_id, email)).user_id
    async with site.workbench.database.tenant(b.tenant_id) as connection:
        await memberships.add_membership(connection, b.tenant_id, user_id, Role.ADMIN)
    browser = site.browser()
    await browser.sign_in(email)
    for here, there in ((b, a), (a, b)):
        moved = await browser.post("/tenant", {"tenant": str(here.tenant_id)}, page="/models")
        assert moved.status_code == 303
        assert (await browser.get(f"/runs/{there.own.run}")).status_code == 404
        # The name of the other tenant stands where one goes there, on every page.
        hidden = [row for row in texts_of(server, there.tenant_id) if f"Works {there.word}" not in row]
        secrets = Secrets.of(f"-{there.word}", hidden, texts_of(server, here.tenant_id))
        own = (await browser.get("/")).text
        assert here.own.name in own
        assert there.own.name not in own
        id_there = str(there.tenant_id)
        told = await tells(
            browser.client, readings(here, api=False), Secrets(secrets.word, secrets.tokens - {id_there, id_there[:8]})
        )
        assert told == []


async def test_whoever_is_out_sees_nothing_any_more(twins: Twins, server: Server) -> None:
    site, a = twins.site, twins.a
    email = await site.user(Role.ADMIN, tenant_id=a.tenant_id)
    user_id = (await site.workbench.members.called(a.tenant_id, email)).user_id
    browser = site.browser()
    await browser.sign_in(email)
    assert (await browser.get(f"/skills/{a.own.name}/details")).status_code == 200
    key = await site.workbench.api_keys.make(a.tenant_id, "to be revoked", ["admin", "read", "run", "ingest"])
    program = site.browser().client
    program.headers["authorization"] = f"Bearer {key.text}"
    assert (await program.get(f"/v1/skills/{a.own.name}")).status_code == 200
    # The request that was answered in this very task has left its key as whoever acts.
    with acting_as(LOCAL):
        await site.workbench.members.remove(a.tenant_id, user_id)
    await site.workbench.api_keys.revoke(a.tenant_id, key.id)
    site.app.state.keys.forget()
    before, secrets = digests_of(server, a.tenant_id), Secrets.of(a.word, texts_of(server, a.tenant_id), ())
    for client in (browser.client, program):
        for path in readings(a, api=None if client is browser.client else True):
            answer = await client.get(path)
            # A key that was refused often is told to wait.
            assert answer.status_code in (303, 401, 429), path
            assert answer.headers.get("location", "/sign-in").startswith("/sign-in"), path
            assert secrets.told_by(answer) == [], path
    assert digests_of(server, a.tenant_id) == before


async def test_a_session_or_key_is_of_its_own_tenant_whatever_the_request_says(twins: Twins) -> None:
    a, b = twins.a, twins.b
    claimed = {
        name: str(a.tenant_id) for name in ("x-tenant-id", "x-tenant", "tenant", "x-forwarded-tenant", "tenant-id")
    }
    browser, program = await twins.browser(b), twins.program(b, Scope.ADMIN)
    for client, path in ((browser.client, "/"), (program, "/v1/skills")):
        plain = (await client.get(path)).text
        told = (await client.get(path, headers=claimed, params={"tenant": str(a.tenant_id), "tenant_id": a.word})).text
        assert b.own.name in plain
        assert b.own.name in told
        assert a.own.name not in told


async def test_a_request_under_anothers_idempotency_key_is_ones_own(twins: Twins) -> None:
    a, b, bench = twins.a, twins.b, twins.site.workbench
    key = await bench.api_keys.make(b.tenant_id, "new", ["run"])
    program = twins.site.browser().client
    program.headers.update({"authorization": f"Bearer {key.text}", "idempotency-key": SHARED_KEY})
    made = await program.post("/v1/skills/weigh/suggestions", json={"title": "Name the unit"})
    assert (made.status_code, made.headers.get("idempotency-replayed")) == (201, None)
    again = await program.post("/v1/skills/weigh/suggestions", json={"title": "Name the unit"})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert a.word not in made.text + again.text
    assert (
        len(await bench.suggestions.list(b.tenant_id, b.alike.id))
        == len(await bench.suggestions.list(a.tenant_id, a.alike.id)) + 1
    )


async def test_an_invitation_tells_nothing_of_another_tenants_member(twins: Twins, server: Server) -> None:
    """Not even that there is an account (tests/attacks/test_accounts.py): its owner has to prove to be that."""
    a, b = twins.a, twins.b
    before, theirs = digests_of(server, a.tenant_id), a.people[Role.VIEWER]
    browser = await twins.browser(b)
    sent = {"email": theirs.email, "role": "viewer"}
    shown = await browser.post("/members/invite", sent, page="/members")
    _, _, link = shown.text.partition("/join/")
    assert link
    page = await twins.site.browser().get(f"/join/{link[:43]}")
    for answer in (shown, page, await browser.get("/members")):
        assert answer.status_code == 200
        for secret in (theirs.name, str(theirs.id), f"Works {a.word}", a.people[Role.ADMIN].email):
            assert secret not in answer.text
    assert digests_of(server, a.tenant_id) == before
    assert "GET /join/{token}" not in ACCESS

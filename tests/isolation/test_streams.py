"""A run's progress as it goes on is told to its own tenant alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest

from steelyard.api import runs as api_runs
from steelyard.domain.access import Role, Scope
from steelyard.domain.errors import NotFound
from steelyard.domain.people import Proof
from steelyard.services.live import LiveRuns
from steelyard.storage.server import Server
from steelyard.web.pages import run as run_page
from tests.isolation.rows import digests_of
from tests.isolation.twins import Twins

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_stream_is_not_there_for_another_tenant_while_its_own_watches(twins: Twins, server: Server) -> None:
    bench, a, b = twins.site.workbench, twins.a, twins.b
    run_id, before = UUID(a.alike.ids["running"]), digests_of(server, a.tenant_id)
    own = bench.live.subscribe(a.tenant_id, run_id)
    assert (await anext(own)).under_way
    for role in Role:
        answer = await (await twins.browser(b, role)).get(f"/runs/{run_id}/events")
        assert answer.status_code == 404
        assert a.word not in answer.text
    for path in (f"/v1/runs/{run_id}/events", f"/v1/runs/{run_id}/progress"):
        answer = await twins.program(b, Scope.READ).get(path)
        assert answer.status_code == 404
    with pytest.raises(NotFound):
        await anext(bench.live.subscribe(b.tenant_id, run_id))
    assert bench.live.watched == 1, "its own viewers go on"
    await own.aclose()
    assert digests_of(server, a.tenant_id) == before


@pytest.mark.parametrize("path", ["/runs/{run}/events", "/v1/runs/{run}/events"])
async def test_a_stream_ends_with_the_membership_or_the_move_to_another_tenant(
    twins: Twins, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    site, bench, a, b = twins.site, twins.site.workbench, twins.a, twins.b
    for module in (run_page, api_runs):
        monkeypatch.setattr(module, "RECHECK_S", 0.0)
    bench.live = LiveRuns(bench.run_views, interval_s=0.05, refresh_s=0.05)
    run_id = a.alike.ids["running"]
    for moves in (False, True):
        email = await site.user(Role.VIEWER, tenant_id=a.tenant_id)
        user_id = (await bench.members.called(a.tenant_id, email)).user_id
        browser = site.browser()
        await browser.sign_in(email)
        watching = asyncio.create_task(browser.get(path.format(run=run_id)))
        await asyncio.sleep(0.3)
        assert not watching.done()
        if moves:
            invited = await bench.members.invite(b.tenant_id, email, Role.VIEWER)
            found = await bench.members.invited(invited.token)
            here = await bench.sign_in.find(browser.client.cookies["steelyard_session"])
            assert here is not None
            await bench.members.accept(found, Proof(user_id, session_id=here.session_id))
            moved = await browser.post("/tenant", {"tenant": str(b.tenant_id)}, page="/models")
            assert moved.status_code == 303
        else:
            await bench.members.remove(a.tenant_id, user_id)
        try:
            async with asyncio.timeout(60):
                assert (await watching).status_code == 200
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

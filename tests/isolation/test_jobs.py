"""Jobs: what is queued under one tenant with the ids of another reads, changes and calls nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import pytest

from steelyard.domain.calls import ModelRequest
from steelyard.domain.errors import NotFound
from steelyard.domain.models import ModelRef
from steelyard.execution.drafter import Drafter
from steelyard.execution.engine import Engine
from steelyard.execution.paid_job import always_fit
from steelyard.execution.reviewer import Reviewer
from steelyard.execution.tie_breaker import TieBreaker
from steelyard.judging import Judge
from steelyard.storage.server import Server
from tests.integration.execution.bench import Caller, fit, price
from tests.isolation.rows import digests_of
from tests.isolation.twins import SkillOf, Twin, Twins

pytestmark = pytest.mark.asyncio(loop_scope="module")

Job = Callable[[UUID, SkillOf], Awaitable[object]]


def make_judge(ref: ModelRef) -> Judge:
    return Judge(ref, ref.text)


def engine(twins: Twins, caller: Caller) -> Engine:
    return Engine(twins.site.workbench.database, caller, price, make_judge, unfit=fit)


def jobs(twins: Twins, caller: Caller, engine: Engine) -> Mapping[str, Job]:
    """The handlers of the queue's jobs, each for a tenant and the ids of a skill."""
    database = twins.site.workbench.database
    reviewer = Reviewer(database, caller, price, unfit=always_fit)
    drafter = Drafter(database, caller, price, unfit=always_fit)
    breaker = TieBreaker(database, caller, price, make_judge, unfit=always_fit, stopping=lambda: False)
    return {
        "a batch of a run": lambda tenant, of: engine.run_batch(tenant, UUID(of.ids["running"]), 0, 0),
        "a review": lambda tenant, of: reviewer.run(tenant, UUID(of.ids["waiting review"])),
        "drafts": lambda tenant, of: drafter.run(tenant, UUID(of.ids["drafts"])),
        "a tie-break": lambda tenant, of: breaker.run(tenant, UUID(of.ids["tie-break"])),
    }


def both_ways(twins: Twins) -> tuple[tuple[Twin, Twin], tuple[Twin, Twin]]:
    return (twins.a, twins.b), (twins.b, twins.a)


async def test_a_job_under_another_tenant_calls_and_changes_nothing(twins: Twins, server: Server) -> None:
    caller = Caller()
    before = [digests_of(server, twin.tenant_id) for twin in (twins.a, twins.b)]
    async with engine(twins, caller) as running:
        for of, other in both_ways(twins):
            for skill in of.skills:
                for job in jobs(twins, caller, running).values():
                    await job(other.tenant_id, skill)
    assert caller.calls == {}
    assert [digests_of(server, twin.tenant_id) for twin in (twins.a, twins.b)] == before


async def test_nor_does_it_while_the_worker_has_the_same_run_in_hand_for_its_own_tenant(
    twins: Twins, server: Server
) -> None:
    a, b = twins.a, twins.b
    run_id, out = UUID(a.own.ids["running"]), asyncio.Event()

    def reply(request: ModelRequest) -> str:
        out.set()
        return "120 g"

    caller, before = Caller(reply, delay_s=0.3), digests_of(server, b.tenant_id)
    async with engine(twins, caller) as running:
        own = asyncio.create_task(running.run_batch(a.tenant_id, run_id, 0, 0))
        await asyncio.wait_for(out.wait(), 20)
        await running.run_batch(b.tenant_id, run_id, 1, 0)
        await own
        called = caller.calls.total()
        # The other lane is to be done still.
        await running.run_batch(a.tenant_id, run_id, 1, 0)
        assert caller.calls.total() > called
    assert digests_of(server, b.tenant_id) == before


async def test_a_scheduled_check_is_of_one_tenant_alone(twins: Twins, server: Server) -> None:
    bench, (a, b) = twins.site.workbench, (twins.a, twins.b)
    before = digests_of(server, a.tenant_id)
    async with bench.providers.serving(b.tenant_id):
        checked = await bench.scheduled_check.run(b.tenant_id, asked=True)
        assert checked is not None
        own = {skill.id for skill in b.skills}
        assert {one.skill_id for one in checked.stale} <= own
        assert a.word not in repr(checked)
        await bench.rebenchmarks.begin_next(b.tenant_id)
        for skill in a.skills:
            with pytest.raises(NotFound):
                await bench.stale_checks.check(b.tenant_id, skill.id)
    for requeue in (bench.reviews.requeue, bench.tie_breaks.requeue, bench.case_drafts.requeue):
        await requeue(b.tenant_id)
    assert digests_of(server, a.tenant_id) == before


async def test_the_same_jobs_under_their_own_tenant_are_done(twins: Twins, server: Server) -> None:
    """Or the others would show nothing. It is the last: nothing waits any more."""
    before = digests_of(server, twins.b.tenant_id)
    caller = Caller()
    async with engine(twins, caller) as running:
        for name, job in jobs(twins, caller, running).items():
            made, changed = caller.calls.total(), digests_of(server, twins.a.tenant_id)
            await job(twins.a.tenant_id, twins.a.alike)
            assert caller.calls.total() > made or name == "a tie-break", name
            assert digests_of(server, twins.a.tenant_id) != changed, name
    assert digests_of(server, twins.b.tenant_id) == before

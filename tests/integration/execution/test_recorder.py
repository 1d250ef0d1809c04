"""One tenant's writes are committed in groups, and wait for nobody else's."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from steelyard.domain.runs import CellState
from steelyard.execution import recorder
from steelyard.execution.plan import Plan
from steelyard.execution.recorder import Recorder, Spending
from steelyard.storage import claims, runs
from steelyard.storage.database import Connection, Database
from steelyard.storage.refusals import Refused
from steelyard.storage.results import AnswerWrite
from steelyard.storage.tenants import ensure_tenant
from tests.integration.execution.bench import Bench, request_of

# For what is over in a moment, on a machine ten times slower.
_PATIENCE_S = 60


@pytest.fixture
async def other(bench: Bench) -> Bench:
    other = replace(bench, tenant_id=uuid4())
    async with bench.database.tenant(other.tenant_id) as connection:
        await ensure_tenant(connection, other.tenant_id, "other")
    return other


@asynccontextmanager
async def _recording(database: Database) -> AsyncGenerator[Recorder]:
    async with Recorder(database, claims.new_worker_key(), lambda run_id, state: None) as recording:
        yield recording


async def _writes(bench: Bench, count: int) -> tuple[UUID, list[AnswerWrite]]:
    """A run, and answers to as many cells of it."""
    run_id = await bench.start(request_of(cases=count, models=1))
    async with bench.database.tenant(bench.tenant_id) as connection:
        plan = Plan.from_json((await runs.get_run(connection, run_id)).plan)
    blank = AnswerWrite(
        id=uuid4(),
        model_name="test:m0",
        model_provider="test",
        arm="with_skill",
        trial=0,
        test_case_index=0,
        case_id=plan.case_ids[0],
        cell_digest="",
        grading_digest="graded so",
        state=CellState.ANSWERED,
        input_used="Weigh it.",
        output_produced="120 g",
        expected_output="120 g",
    )
    return run_id, [
        replace(blank, id=uuid4(), test_case_index=place, case_id=case_id, cell_digest=f"cell {place}")
        for place, case_id in enumerate(plan.case_ids)
    ]


async def _spent(bench: Bench, run_id: UUID) -> int:
    async with bench.database.tenant(bench.tenant_id) as connection:
        return (await runs.get_run(connection, run_id)).spent_microcents


async def test_a_locked_run_holds_up_no_other_tenants_answers(bench: Bench, other: Bench) -> None:
    held, (write, *_) = await _writes(bench, 1)
    free, writes = await _writes(other, 40)
    async with _recording(bench.database) as recording, asyncio.timeout(_PATIENCE_S):
        async with bench.database.tenant(bench.tenant_id) as connection:
            await runs.lock_run(connection, held)
            waiting = asyncio.create_task(recording.answer(bench.tenant_id, held, write, Spending(7)))
            for at in range(0, 40, 10):
                # Several groups, one after the other, while the first tenant's only one waits.
                await asyncio.gather(
                    *(recording.answer(other.tenant_id, free, one, Spending(1)) for one in writes[at : at + 10])
                )
            assert not waiting.done()
        assert await waiting == write.id
    assert (await _spent(bench, held), await _spent(other, free)) == (7, 40)


async def test_a_write_the_database_refuses_fails_by_itself_and_the_rest_of_its_group_is_committed(
    bench: Bench, other: Bench
) -> None:
    run_id, writes = await _writes(bench, 6)
    free, (apart, *_) = await _writes(other, 1)
    # Longer than any entry of an index may be.
    writes[3] = replace(writes[3], model_name=secrets.token_hex(10_000))
    async with _recording(bench.database) as recording, asyncio.timeout(_PATIENCE_S):
        came = await asyncio.gather(
            *(recording.answer(bench.tenant_id, run_id, write, Spending(1)) for write in writes),
            recording.answer(other.tenant_id, free, apart, Spending(1)),
            return_exceptions=True,
        )
    refused = came[3]
    assert isinstance(refused, Refused)
    assert "index row" in str(refused)
    assert [*came[:3], *came[4:]] == [write.id for write in [*writes[:3], *writes[4:], apart]]
    assert await _spent(bench, run_id) == 5


async def test_a_fault_of_ours_in_a_write_is_its_own_and_what_comes_after_is_committed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, writes = await _writes(bench, 3)
    sound = recorder.results.write_answers

    async def broken(
        connection: Connection, tenant_id: UUID, run_id: UUID, answers: Sequence[AnswerWrite]
    ) -> list[UUID | None]:
        if any(answer.cell_digest == "cell 1" for answer in answers):
            raise AssertionError("a bug")
        return await sound(connection, tenant_id, run_id, answers)

    monkeypatch.setattr(recorder.results, "write_answers", broken)
    async with _recording(bench.database) as recording, asyncio.timeout(_PATIENCE_S):
        came = await asyncio.gather(
            *(recording.answer(bench.tenant_id, run_id, write, Spending(1)) for write in writes[:2]),
            return_exceptions=True,
        )
        assert came[0] == writes[0].id
        assert isinstance(came[1], AssertionError)
        assert await recording.answer(bench.tenant_id, run_id, writes[2], Spending(1)) == writes[2].id
    assert await _spent(bench, run_id) == 2


async def test_what_waits_as_the_recorder_closes_is_committed_and_its_marks_are_forgotten(
    bench: Bench, other: Bench
) -> None:
    mine, theirs = await _writes(bench, 5), await _writes(other, 5)
    async with asyncio.timeout(_PATIENCE_S):
        async with _recording(bench.database) as recording:
            waiting = [
                asyncio.create_task(recording.answer(one.tenant_id, run_id, write, Spending(1)))
                for one, (run_id, writes) in ((bench, mine), (other, theirs))
                for write in writes
            ]
            await asyncio.sleep(0)
        assert None not in await asyncio.gather(*waiting)
    for one in (bench, other):
        async with bench.database.tenant(one.tenant_id) as connection:
            assert await (await connection.execute("SELECT 1 FROM worker_marks")).fetchall() == []

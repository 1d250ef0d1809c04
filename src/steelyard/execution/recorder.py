"""Group commit: every answer and grade is committed before anything is done with it, many at a time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from steelyard.storage import claims, marks, results, spending
from steelyard.storage.database import DATABASE_AWAY, DATABASE_ERROR, Connection, Database
from steelyard.storage.judgements import JurorWrite, KnownJudgement, known_judgements, write_jurors
from steelyard.storage.results import AnswerWrite, GradeWrite, RunState
from steelyard.storage.spending import Payment

# Row ids in the group's order, and how each run stands.
_Written = tuple[list[UUID | None], dict[UUID, RunState]]

GATHER_S = 0.025
_RETRY_S = 1.0


@dataclass(frozen=True)
class Spending:
    """Money to add to the run with this write, in microcents; `known` is False where a price is missing, `judge_known`
    where it is the judge's. `payment` is the same money as the tenant's month has it, None where no call was made."""

    spent: int = 0
    judge_spent: int = 0
    known: bool = True
    payment: Payment | None = None
    judge_known: bool = True


@dataclass
class _Pending:
    tenant_id: UUID
    run_id: UUID
    answer: AnswerWrite | None
    grade: GradeWrite | None
    spending: Spending
    release: str | None
    juror: JurorWrite | None = None
    done: asyncio.Future[UUID | None] = field(default_factory=asyncio.Future[UUID | None])


class Recorder:
    """Writes answers and grades in groups, each one transaction of one tenant, of which each tenant has one at a time.

    A write returns when it is committed. While the database is away writes wait and are tried again:
    what was paid for is kept in memory until it is on disk. What holds up one tenant's, the lock on a run's row above
    all, holds up nobody else's.
    """

    def __init__(self, database: Database, worker_key: int, on_state: Callable[[UUID, RunState], None]) -> None:
        """`on_state` hears how a run stands after each commit."""
        self._database = database
        self._worker_key = worker_key
        self._on_state = on_state
        self._waiting: defaultdict[UUID, list[_Pending]] = defaultdict(list)
        # One task for each tenant of whom something waits or is being written.
        self._serving: dict[UUID, asyncio.Task[None]] = {}
        self._closing = False
        # The last mark left for each tenant served.
        self._marks: dict[UUID, int] = {}

    async def __aenter__(self) -> Recorder:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Flush what waits, then stop."""
        self._closing = True
        while self._serving:
            await asyncio.wait(self._serving.values())
        # A mark left behind is a row too many, and not worth waiting for a database that is away.
        with suppress(*DATABASE_ERROR):
            for tenant_id in self._marks:
                async with self._database.tenant(tenant_id) as connection:
                    await marks.forget_marks(connection, self._worker_key)

    async def answer(
        self, tenant_id: UUID, run_id: UUID, answer: AnswerWrite, spending: Spending, *, release: str | None = None
    ) -> UUID | None:
        """Commit an answer or failure; its row id, or None when the cell had an answer already."""
        return await self._put(_Pending(tenant_id, run_id, answer, None, spending, release))

    async def grade(
        self, tenant_id: UUID, run_id: UUID, grade: GradeWrite, spending: Spending, *, release: str | None
    ) -> None:
        """Commit a grade and give back the cell's claim with it."""
        await self._put(_Pending(tenant_id, run_id, None, grade, spending, release))

    async def juror(self, tenant_id: UUID, run_id: UUID, juror: JurorWrite, spending: Spending) -> None:
        """Commit what one judge of a jury came to; the cell is graded once all have."""
        await self._put(_Pending(tenant_id, run_id, None, None, spending, None, juror))

    async def known(
        self, tenant_id: UUID, result_id: UUID, cell_digest: str, gradings: Sequence[str], *, elsewhere: bool
    ) -> dict[str, KnownJudgement]:
        """By grading digest, what judges have said of this answer; with `elsewhere` in other runs too."""
        async with self._database.tenant(tenant_id) as connection:
            return await known_judgements(connection, result_id, cell_digest, gradings, elsewhere=elsewhere)

    async def id_of(self, tenant_id: UUID, run_id: UUID, cell_digest: str) -> UUID:
        """The row of a cell that is known to have one."""
        async with self._database.tenant(tenant_id) as connection:
            return (await results.own_cells(connection, run_id, [cell_digest]))[cell_digest].id

    async def _put(self, pending: _Pending) -> UUID | None:
        tenant_id = pending.tenant_id
        self._waiting[tenant_id].append(pending)
        if tenant_id not in self._serving:
            self._serving[tenant_id] = asyncio.create_task(self._serve(tenant_id), name="recorder")
        # A cancelled cell must not take its paid answer with it: the write goes on.
        return await asyncio.shield(pending.done)

    async def _serve(self, tenant_id: UUID) -> None:
        """Commit what waits of one tenant, group after group, until nothing does."""
        try:
            while tenant_id in self._waiting:
                if not self._closing:
                    await asyncio.sleep(GATHER_S)
                await self._commit(tenant_id, self._waiting.pop(tenant_id))
        finally:
            # Nothing is awaited since nothing waited: whoever comes next finds either this task or none.
            del self._serving[tenant_id]

    async def _commit(self, tenant_id: UUID, group: Sequence[_Pending]) -> None:
        mark = self._marks[tenant_id] = self._marks.get(tenant_id, 0) + 1
        written: _Written | None = None
        while True:
            try:
                async with self._database.tenant(tenant_id) as connection:
                    if await marks.leave_mark(connection, tenant_id, self._worker_key, mark) or written is None:
                        written = await self._write(connection, tenant_id, group)
                break
            except DATABASE_AWAY:
                await asyncio.sleep(_RETRY_S)
            except Exception as error:
                if len(group) == 1:
                    _settle(group[0], error)
                    return
                # One value that the database refuses, or that no code of ours was meant for, must not take the
                # others' paid answers with it.
                for pending in group:
                    await self._commit(tenant_id, [pending])
                return
        ids, states = written
        for run_id, state in states.items():
            self._on_state(run_id, state)
        for pending, row_id in zip(group, ids, strict=True):
            _settle(pending, row_id)

    async def _write(self, connection: Connection, tenant_id: UUID, group: Sequence[_Pending]) -> _Written:
        ids: dict[int, UUID | None] = {}
        states: dict[UUID, RunState] = {}
        for run_id, writes in _by_run(group).items():
            answers = [(index, p.answer) for index, p in writes if p.answer is not None]
            written = await results.write_answers(connection, tenant_id, run_id, [answer for _, answer in answers])
            ids |= {index: row_id for (index, _), row_id in zip(answers, written, strict=True)}
            await write_jurors(connection, tenant_id, [p.juror for _, p in writes if p.juror is not None])
            await results.write_grades(connection, tenant_id, [p.grade for _, p in writes if p.grade is not None])
            states[run_id] = await results.add_spending(
                connection,
                run_id,
                spent=sum(p.spending.spent for _, p in writes),
                judge_spent=sum(p.spending.judge_spent for _, p in writes),
                lower_bound=not all(p.spending.known for _, p in writes),
                judge_lower_bound=not all(p.spending.judge_known for _, p in writes),
            )
        await claims.release_claims(connection, self._worker_key, [p.release for p in group if p.release is not None])
        paid = [p.spending.payment for p in group if p.spending.payment is not None]
        await spending.pay(connection, tenant_id, paid)
        return [ids.get(index) for index in range(len(group))], states


def _settle(pending: _Pending, outcome: UUID | Exception | None) -> None:
    if pending.done.done():
        return
    if isinstance(outcome, Exception):
        pending.done.set_exception(outcome)
    else:
        pending.done.set_result(outcome)


def _by_run(group: Sequence[_Pending]) -> dict[UUID, list[tuple[int, _Pending]]]:
    runs: dict[UUID, list[tuple[int, _Pending]]] = defaultdict(list)
    for index, pending in enumerate(group):
        runs[pending.run_id].append((index, pending))
    return dict(sorted(runs.items()))

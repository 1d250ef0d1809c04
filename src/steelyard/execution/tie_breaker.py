"""Breaks ties: a judge is tried on junk, then asked about every pair, each reply committed before it is read."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID, uuid4

from steelyard.domain.calls import CallError, FailureKind, ModelResponse, Usage
from steelyard.domain.errors import NotFound
from steelyard.domain.masking import masked
from steelyard.domain.models import ModelRef
from steelyard.domain.spending import SpendKind
from steelyard.domain.tie_breaks import UNDER_WAY, Preference, TieBreakStatus
from steelyard.execution.callers import ModelCaller, Pricer
from steelyard.execution.context import Stopped
from steelyard.execution.payer import Keep, Payer
from steelyard.execution.tied import read_meetings, tied_models
from steelyard.execution.ties import TieMeetings, result_of
from steelyard.execution.till import Tab, Till
from steelyard.judging import Judge
from steelyard.judging.pair_gate import Gate, GateResult, judged_gate
from steelyard.judging.pairs import Duel, PairJudge
from steelyard.storage import pair_comparisons, runs, spending, tie_breaks
from steelyard.storage.database import DATABASE_AWAY, Connection, Database
from steelyard.storage.pair_comparisons import PairCall, PairPlace, PairRow
from steelyard.storage.queue import LeftToOthers
from steelyard.storage.runs import RunRow
from steelyard.storage.served import TIE_BREAKS, note_left
from steelyard.storage.spending import Account
from steelyard.storage.tie_breaks import TieBreakRow, TieBreakState

# The judge and its digest as a judge of pairs.
TieBreakUnfit = Callable[[ModelRef, str], str | None]

logger = logging.getLogger(__name__)

_AWAY_S = 1.0
_HOLD_POLL_S = 0.2
# Comparisons in hand at once; how many calls are out is for the provider's slots to say.
_AT_ONCE = 64

Written = TypeVar("Written")


@dataclass
class _Work:
    """One tie-break in one worker. `uncommitted` is money of finished calls whose commit is under way.

    `out` counts the comparisons in hand, for which a budget keeps back what a call has cost on average.
    """

    tenant_id: UUID
    row: TieBreakRow
    run: RunRow
    judge: PairJudge
    worker_stopping: Callable[[], bool]
    status: str
    spent: int
    budget: int | None
    calls: int
    uncommitted: int = 0
    out: int = 0
    came_back: asyncio.Event = field(default_factory=asyncio.Event)
    month_refusal: str | None = None

    @property
    def account(self) -> Account:
        """For whom its calls are paid."""
        return Account(self.tenant_id, self.run.skill_id, self.row.starter)

    def refuse(self, refusal: str) -> None:
        """The tenant's month pays for no further call, and why."""
        self.month_refusal = refusal

    @property
    def over_budget(self) -> bool:
        return self.budget is not None and self.spent + self.uncommitted >= self.budget

    @property
    def room(self) -> bool:
        """Whether the budget has room for another comparison beside those in hand.

        What one costs is not known before the first is back: until then it is alone.
        """
        if self.budget is None or not self.out:
            return True
        if not self.calls:
            return False
        return self.spent + self.uncommitted + self.out * self.spent / self.calls < self.budget

    def check(self) -> None:
        """Raises Stopped when no further call may be started."""
        refused = self.over_budget or self.month_refusal is not None
        if self.worker_stopping() or self.status not in UNDER_WAY or refused:
            raise Stopped

    def observe(self, state: TieBreakState) -> None:
        """Take in how the tie-break stands in the database."""
        self.status, self.calls = state.status, state.calls
        self.spent, self.budget = state.spent_microcents, state.budget_microcents

    def place(self, digest: str) -> PairPlace:
        return PairPlace(self.run.skill_id, self.judge.digest, digest)


class TieBreaker:
    """One per worker process. `run` is the handler of the queue's tie-breaks."""

    def __init__(
        self,
        database: Database,
        caller: ModelCaller,
        price: Pricer,
        make_judge: Callable[[ModelRef], Judge],
        *,
        unfit: TieBreakUnfit,
        stopping: Callable[[], bool],
    ) -> None:
        """`unfit` says why a judge cannot be asked here as it was asked for, `stopping` whether to start no call."""
        self._database = database
        self._till = Till(database, caller, price)
        self._price = price
        self._make_judge = make_judge
        self._unfit = unfit
        self._stopping = stopping
        self._left: set[UUID] = set()

    @property
    def left_tie_breaks(self) -> frozenset[UUID]:
        """Those this worker found it cannot make as they were asked for."""
        return frozenset(self._left)

    async def run(self, tenant_id: UUID, tie_break_id: UUID) -> None:
        """Bring a tie-break to its end; one that has ended, or whose skill is gone, is left as it is.

        Raises LeftToOthers where it cannot be made here (why is then on it, unless another worker is at it), and where
        this worker stops.
        """
        while True:
            try:
                await self._run(tenant_id, tie_break_id)
            except DATABASE_AWAY:
                await asyncio.sleep(_AWAY_S)
            except NotFound:
                # Its skill was deleted in between.
                return
            else:
                return
            finally:
                await self._till.settle(tenant_id)

    async def _run(self, tenant_id: UUID, tie_break_id: UUID) -> None:
        async with self._database.tenant(tenant_id) as connection:
            found = await tie_breaks.find_tie_break(connection, tie_break_id)
            if found is None or found.status not in UNDER_WAY:
                return
            model = ModelRef.parse(found.judge)
            why = self._unfit(model, found.judge_digest)
            if why is not None and not await tie_breaks.is_in_hand(connection, tie_break_id):
                await note_left(connection, tie_break_id, masked(why), TIE_BREAKS)
            run = await runs.get_run(connection, found.benchmark_run_id)
        if why is not None:
            self._left.add(tie_break_id)
            raise LeftToOthers(why)
        self._left.discard(tie_break_id)
        judge = PairJudge.like(self._make_judge(model))
        work = _Work(
            tenant_id,
            found,
            run,
            judge,
            self._stopping,
            TieBreakStatus.RUNNING,
            found.spent_microcents,
            found.budget_microcents,
            found.calls,
        )
        async with self._database.session() as session:
            await tie_breaks.take_in_hand(session, tie_break_id)
            async with self._database.tenant(tenant_id) as connection:
                await tie_breaks.start_tie_break(connection, tie_break_id)
            await self._see_through(work, session)

    async def _see_through(self, work: _Work, session: Connection) -> None:
        """Break it, and end it whatever comes of that. Raises LeftToOthers, DATABASE_AWAY, NotFound."""
        try:
            await self._break(work, session)
        except Stopped:
            await self._stopped(work)
        except CallError as error:
            await self._end(work, TieBreakStatus.FAILED, f"{work.row.judge}: {error.message}")
        except (*DATABASE_AWAY, NotFound):
            raise
        except Exception as error:
            # The boundary of one tie-break: a fault of ours in it is its named failure and nobody else's.
            logger.exception("A tie-break failed for a fault of Steelyard's own.")
            message = masked(f"Steelyard failed on this tie-break: {type(error).__name__}: {error}")
            await self._end(work, TieBreakStatus.FAILED, message)

    async def _break(self, work: _Work, session: Connection) -> None:
        """From the answers to the result. Raises Stopped, CallError of a gate that could not be asked, NotFound."""
        if tied_models(work.run) != tuple(work.row.models):
            message = "The run was taken up again, and its tie is no longer the one this was asked about."
            await self._end(work, TieBreakStatus.FAILED, message)
            return
        async with self._database.tenant(work.tenant_id) as connection:
            tied = await read_meetings(connection, work.run, work.row.models)
        await _hold(session, work)
        rows = await self._rows(work, tied.duels)
        known = _known(rows)
        await self._commit(
            work,
            lambda connection: tie_breaks.note_progress(connection, work.row.id, len(tied.duels), len(known)),
        )
        gate = await self._judged_gate(work, tied, rows) if tied.gate else None
        if gate is not None and gate.result is GateResult.FAILED:
            message = f"The judge {work.row.judge} may not compare: {gate.sentence}"
            await self._end(work, TieBreakStatus.REFUSED, message)
            return
        # The gate's were asked for just now.
        left = [digest for digest in tied.duels if digest not in known and digest not in tied.gate_digests]
        random.Random(work.run.seed).shuffle(left)  # noqa: S311 - an order, not a secret
        failures = await self._ask_all(work, {digest: tied.duels[digest] for digest in left}, rows)
        result = result_of(tied, _known(await self._rows(work, tied.duels)))
        message = None
        if failures:
            first = next(iter(failures.values()))
            message = f"{len(failures):,} of {len(tied.duels):,} comparisons could not be made: {first}"
        json = result.to_json()
        await self._commit(
            work,
            lambda connection: tie_breaks.end_tie_break(
                connection, work.row.id, TieBreakStatus.COMPLETED, message=message, result=json
            ),
        )

    async def _judged_gate(self, work: _Work, tied: TieMeetings, rows: Mapping[str, PairRow]) -> Gate:
        """What the judge makes of junk. Raises CallError where it could not be asked, and Stopped."""
        duels = {one.duel.digest: one.duel for one in tied.gate}
        failures = await self._ask_all(work, {k: v for k, v in duels.items() if k not in _known(rows)}, rows)
        if failures:
            raise CallError(FailureKind.JUDGE, f"it could not be tried on junk: {next(iter(failures.values()))}")
        gate = judged_gate(tied.gate, _known(await self._rows(work, duels)))
        await self._commit(work, lambda connection: tie_breaks.store_gate(connection, work.row.id, gate.to_json()))
        return gate

    async def _ask_all(self, work: _Work, duels: Mapping[str, Duel], rows: Mapping[str, PairRow]) -> dict[str, str]:
        """Why those that came to nothing did, by digest. Raises Stopped once what was out is safe."""
        left = iter(duels.items())
        failures: dict[str, str] = {}

        async def one_after_another() -> None:
            for digest, duel in left:
                await _room(work)
                try:
                    message = await self._ask(work, digest, duel, rows.get(digest))
                finally:
                    work.out -= 1
                    work.came_back.set()
                if message is not None:
                    failures[digest] = message

        if not duels:
            return failures
        await self._commit(work, lambda connection: tie_breaks.note_calling(connection, work.row.id, True))
        asking = [one_after_another() for _ in range(min(_AT_ONCE, len(duels)))]
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        # Nothing is out any more: each has come back and is kept, or has failed.
        await self._commit(work, lambda connection: tie_breaks.note_calling(connection, work.row.id, False))
        raised = [outcome for outcome in outcomes if outcome is not None]
        # Raised only now, when the siblings' paid replies are safe; a fault rather than the stop that came of it.
        for outcome in sorted(raised, key=lambda one: isinstance(one, Stopped)):
            raise outcome
        return failures

    async def _ask(self, work: _Work, digest: str, duel: Duel, row: PairRow | None) -> str | None:
        """One comparison, kept; why it came to nothing, else None. Raises Stopped."""
        place = work.place(digest)
        stored = [] if row is None or row.failure is not None else list(row.replies)
        try:
            with self._till.tab(work.account, work.refuse) as tab:
                payer = Payer(tab, work.check, self._keeper(work, place, tab), stored)
                preference = await work.judge.compare(payer, duel)
        except CallError as error:
            message = error.message
            await self._commit(work, lambda connection: pair_comparisons.fail_comparison(connection, place, message))
            return message

        async def write(connection: Connection) -> None:
            if await pair_comparisons.store_preference(connection, place, preference):
                await tie_breaks.count_done(connection, work.row.id)

        await self._commit(work, write)
        return None

    def _keeper(self, work: _Work, place: PairPlace, tab: Tab) -> Keep:
        """Commits a call's reply and price, and its money on the tie-break, all at once."""

        async def keep(response: ModelResponse | None, usage: Usage, *, known: bool, anew: bool) -> None:
            cost = self._price(usage, work.judge.model, datetime.now(UTC).date()) if usage != Usage() else None
            amount = cost.microcents if cost else 0
            known = known and (cost is not None or usage == Usage())
            call = PairCall(
                reply=None
                if response is None
                else {"output": response.output, "stop_reason": response.stop_reason.value},
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cost_microcents=amount,
                cost_known=known,
                price_version=cost.price_version if cost else None,
                price_date=cost.price_date if cost else None,
            )
            key = uuid4()
            payment = tab.payment(SpendKind.TIE_BREAKS, work.row.judge, amount, known=known)

            async def write(connection: Connection) -> TieBreakState:
                if await pair_comparisons.record_call(
                    connection, work.tenant_id, place, key, call, judge=work.row.judge, anew=anew
                ):
                    await tie_breaks.add_call(
                        connection,
                        work.row.id,
                        amount,
                        known=known,
                        price_version=call.price_version,
                        price_date=call.price_date,
                    )
                    await spending.pay(connection, work.tenant_id, [payment])
                return await tie_breaks.tie_break_state(connection, work.row.id)

            work.uncommitted += amount
            try:
                state = await self._commit(work, write)
            finally:
                work.uncommitted -= amount
            tab.paid(payment)
            work.observe(state)

        return keep

    async def _rows(self, work: _Work, digests: Iterable[str]) -> dict[str, PairRow]:
        async with self._database.tenant(work.tenant_id) as connection:
            return await pair_comparisons.pair_rows(connection, work.run.skill_id, work.judge.digest, list(digests))

    async def _stopped(self, work: _Work) -> None:
        """End it where its budget is spent; what stopped because this worker does is for the next one."""
        if work.status not in UNDER_WAY:
            return
        if work.over_budget or work.month_refusal is not None:
            spent = work.month_refusal or "The budget is spent."
            message = f"{spent} What was compared is kept, and not paid again when it goes on."
            await self._end(work, TieBreakStatus.STOPPED, message)
            return
        raise LeftToOthers

    async def _end(self, work: _Work, status: TieBreakStatus, message: str) -> None:
        await self._commit(
            work, lambda connection: tie_breaks.end_tie_break(connection, work.row.id, status, message=message)
        )

    async def _commit(self, work: _Work, write: Callable[[Connection], Awaitable[Written]]) -> Written:
        """Write until it is known to be on disk; `write` done twice must do what it does done once."""
        while True:
            try:
                async with self._database.tenant(work.tenant_id) as connection:
                    return await write(connection)
            except DATABASE_AWAY:
                await asyncio.sleep(_AWAY_S)


async def _hold(session: Connection, work: _Work) -> None:
    """Have the judge's comparisons on the skill to oneself until the session ends. Raises Stopped while it waits."""
    while not await tie_breaks.try_hold(session, work.tenant_id, work.run.skill_id, work.judge.digest):
        work.check()
        await asyncio.sleep(_HOLD_POLL_S)


async def _room(work: _Work) -> None:
    """Wait until the budget has room for one more comparison, then count it as in hand. Raises Stopped."""
    work.check()
    while not work.room:
        work.came_back.clear()
        await work.came_back.wait()
        work.check()
    work.out += 1


def _known(rows: Mapping[str, PairRow]) -> dict[str, Preference]:
    return {digest: Preference(row.preference) for digest, row in rows.items() if row.preference is not None}

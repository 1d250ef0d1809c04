"""The one way to paid calls: asks leave of the tenant's month before each, and keeps what was held until it is paid."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import TracebackType
from uuid import UUID, uuid4

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, Usage
from steelyard.domain.spending import SpendKind, month_spent, unpriced
from steelyard.execution.callers import Gate, ModelCaller, Pricer
from steelyard.execution.context import Stopped
from steelyard.storage import spending
from steelyard.storage.database import DATABASE_ERROR, Database
from steelyard.storage.spending import Account, Asked, Granted, Leave, Payment

# How long a worker goes by it that a tenant has no budget before it asks again.
_FREE_S = 1.0
# How long a call that found no room waits at most: room may be made by another worker.
_WAIT_S = 0.5
_RENEW_S = spending.LEASE_S / 4
# A token is rarely fewer bytes than this in any script; and what a vendor puts around a request.
_BYTES_A_TOKEN = 2
_AROUND_TOKENS = 100


class MonthSpent(Stopped):
    """The tenant's budget of the month covers no such call any more. `refusal` says so in a sentence."""

    def __init__(self, refusal: str) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class _NoRoom(Exception):
    """Not now: what is held for calls that are out may come back."""


@dataclass(frozen=True)
class _Hold:
    id: UUID
    month: date


@dataclass(frozen=True)
class _Waiting:
    asked: Asked
    model: str
    answer: asyncio.Future[_Hold | None]


class Till:
    """One per worker or kind of job. Those who ask at once are answered by one transaction.

    A tenant without a budget is asked about once a second, and nothing is held for its calls.
    """

    def __init__(self, database: Database, caller: ModelCaller, price: Pricer) -> None:
        self._database = database
        self.caller = caller
        self._price = price
        self._worker = uuid4()
        self._waiting: defaultdict[UUID, list[_Waiting]] = defaultdict(list)
        self._serving: dict[UUID, asyncio.Task[None]] = {}
        self._free_until: dict[UUID, float] = {}
        # By tenant, what is held for calls that are out, and what is to be given back.
        self._held: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._strays: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._came_back: defaultdict[UUID, asyncio.Event] = defaultdict(asyncio.Event)
        self._renewing: asyncio.Task[None] | None = None

    def tab(self, account: Account, refused: Callable[[str], None] | None = None) -> Tab:
        """The calls of one task, which are paid in one transaction or a few. `refused` hears that the month is spent.

        To be used as a context: what it has not paid when it is left may have been paid for by the tenant.
        """
        return Tab(self, account, refused)

    async def settle(self, tenant_id: UUID) -> None:
        """Give back what is held for nothing of the tenant's; for calls that are out it stays held, and is renewed.

        Waits for the tenant's own questions alone: another's may wait for a lock.
        """
        serving = self._serving.get(tenant_id)
        if serving is not None:
            # Not gathered: whoever breaks this off leaves the questions of the tenant's other jobs to be answered.
            await asyncio.wait({serving})
        if self._strays.get(tenant_id):
            with suppress(*DATABASE_ERROR):
                await self._give_back(tenant_id)
        if not any(self._held.values()):
            await self._renew_no_more()

    async def aclose(self) -> None:
        """The same for all tenants, and hold nothing any more; safe to call twice."""
        await asyncio.gather(*(self.settle(tenant_id) for tenant_id in {*self._serving, *self._strays}))
        await self._renew_no_more()

    async def leave(self, tenant_id: UUID, request: ModelRequest) -> _Hold | None:
        """Money held for one call; None where nothing has to be. Raises _NoRoom, MonthSpent, DATABASE_AWAY."""
        if time.monotonic() < self._free_until.get(tenant_id, 0.0):
            return None
        most = self._most(request)
        if most == 0:
            return None
        waiting = _Waiting(Asked(uuid4(), most), request.model.text, asyncio.get_running_loop().create_future())
        self._waiting[tenant_id].append(waiting)
        self._see_to(tenant_id)
        try:
            return await waiting.answer
        except asyncio.CancelledError:
            # It may be held by now, or be so in a moment.
            self.drop(tenant_id, [waiting.asked.id])
            raise

    def drop(self, tenant_id: UUID, holds: Collection[UUID]) -> None:
        """What is held for calls that were not made, or cost nothing, is given back soon."""
        self._held[tenant_id].difference_update(holds)
        self._strays[tenant_id].update(holds)
        self._see_to(tenant_id)

    def forget(self, tenant_id: UUID, holds: Collection[UUID]) -> None:
        """What is held for them is paid, or will lapse and count as what may have been."""
        self._held[tenant_id].difference_update(holds)
        self._came_back[tenant_id].set()

    async def room(self, tenant_id: UUID) -> None:
        """Wait until something has come back, or a moment."""
        came_back = self._came_back[tenant_id]
        came_back.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_WAIT_S):
                await came_back.wait()

    def _see_to(self, tenant_id: UUID) -> None:
        serving = self._serving.get(tenant_id)
        if serving is None or serving.done():
            self._serving[tenant_id] = asyncio.create_task(self._serve(tenant_id), name="till")

    async def _serve(self, tenant_id: UUID) -> None:
        while self._waiting.get(tenant_id) or self._strays[tenant_id]:
            asking = [one for one in self._waiting.pop(tenant_id, ()) if not one.answer.done()]
            strays = set(self._strays[tenant_id])
            try:
                async with self._database.tenant(tenant_id) as connection:
                    granted = await spending.ask(
                        connection, tenant_id, self._worker, [one.asked for one in asking], drop=strays
                    )
            except Exception as error:
                # It may have been committed all the same.
                self._strays[tenant_id].update(one.asked.id for one in asking)
                for one in asking:
                    if not one.answer.done():
                        one.answer.set_exception(error)
                if asking or self._waiting.get(tenant_id):
                    continue
                # They are given back with the next question, or as this closes.
                return
            self._strays[tenant_id] -= strays
            if strays:
                self._came_back[tenant_id].set()
            if granted is None:
                self._free_until[tenant_id] = time.monotonic() + _FREE_S
            for place, one in enumerate(asking):
                self._answer(tenant_id, one, granted, Leave.FREE if granted is None else granted.leaves[place])

    def _answer(self, tenant_id: UUID, one: _Waiting, granted: Granted | None, leave: Leave) -> None:
        if one.answer.done():
            # Nobody waits any more: what is held for it was given to the strays.
            return
        if granted is None or leave is Leave.FREE:
            one.answer.set_result(None)
        elif leave is Leave.HELD:
            self._held[tenant_id].add(one.asked.id)
            if self._renewing is None or self._renewing.done():
                self._renewing = asyncio.create_task(self._renew(), name="till leases")
            one.answer.set_result(_Hold(one.asked.id, granted.month))
        elif leave is Leave.WAIT:
            one.answer.set_exception(_NoRoom())
        elif leave is Leave.UNPRICED:
            one.answer.set_exception(MonthSpent(unpriced(one.model)))
        else:
            most = one.asked.microcents or 0
            refusal = month_spent(granted.month, granted.budget, granted.spent, granted.lost, most)
            one.answer.set_exception(MonthSpent(refusal))

    async def _give_back(self, tenant_id: UUID) -> None:
        strays = set(self._strays[tenant_id])
        async with self._database.tenant(tenant_id) as connection:
            await spending.give_back(connection, strays)
        self._strays[tenant_id] -= strays

    async def _renew_no_more(self) -> None:
        renewing, self._renewing = self._renewing, None
        if renewing is not None:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def _renew(self) -> None:
        while any(self._held.values()):
            await asyncio.sleep(_RENEW_S)
            for tenant_id, held in list(self._held.items()):
                known = set(held)
                if not known:
                    continue
                with suppress(*DATABASE_ERROR):
                    async with self._database.tenant(tenant_id) as connection:
                        await spending.renew(connection, self._worker, known)

    def _most(self, request: ModelRequest) -> int | None:
        """What a call costs at most, in microcents; None where its model's price is not known."""
        schema = "" if request.json_schema is None else json.dumps(request.json_schema)
        sent = sum(len(text.encode("utf-8", "replace")) for text in (request.system, request.prompt, schema))
        usage = Usage(sent // _BYTES_A_TOKEN + _AROUND_TOKENS, request.max_tokens)
        cost = self._price(usage, request.model, datetime.now(UTC).date())
        return None if cost is None else cost.microcents


class Tab:
    """Calls that are paid together."""

    def __init__(self, till: Till, account: Account, refused: Callable[[str], None] | None) -> None:
        self._till = till
        self._account = account
        self._tenant_id = account.tenant_id
        self._refused = refused
        self._holds: list[_Hold] = []

    def __enter__(self) -> Tab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._till.forget(self._tenant_id, [hold.id for hold in self._holds])

    async def complete(
        self, request: ModelRequest, *, priority: int = 0, before_call: Gate | None = None
    ) -> ModelResponse:
        """One reply. Raises CallError, what `before_call` raises, and MonthSpent; waits while there is no room.

        Without `before_call` it follows a call that is not paid yet: what is refused then is a CallError, and nothing
        is waited for, as all who wait might wait for each other.
        """
        while True:
            taken: list[_Hold] = []
            try:
                response = await self._once(request, priority, before_call, taken)
            except _NoRoom:
                self._drop(taken)
                if before_call is None:
                    raise CallError(FailureKind.JUDGE, "This month's budget has no room to ask once more.") from None
                before_call()
                await self._till.room(self._tenant_id)
            except Stopped as stopped:
                self._drop(taken)
                if isinstance(stopped, MonthSpent):
                    if before_call is None:
                        raise CallError(FailureKind.JUDGE, stopped.refusal) from stopped
                    if self._refused is not None:
                        self._refused(stopped.refusal)
                raise
            except CallError as error:
                if error.wasted == Usage() and error.wasted_known:
                    self._drop(taken)
                else:
                    self._holds += taken
                raise
            except BaseException:
                # Out as it was broken off, it may have been paid for.
                self._till.forget(self._tenant_id, [hold.id for hold in taken])
                raise
            else:
                self._holds += taken
                return response

    async def _once(
        self, request: ModelRequest, priority: int, before_call: Gate | None, taken: list[_Hold]
    ) -> ModelResponse:
        async def leave(paid: bool) -> None:
            if before_call is not None:
                before_call()
            # One attempt after others that cost nothing has what was held for them.
            if taken and not paid:
                return
            hold = await self._till.leave(self._tenant_id, request)
            if hold is not None:
                taken.append(hold)
            if before_call is not None:
                before_call()

        return await self._till.caller.complete(request, priority=priority, before_call=leave)

    def payment(
        self,
        kind: SpendKind,
        model: str,
        microcents: int,
        *,
        calls: int = 1,
        known: bool = True,
    ) -> Payment:
        """What the calls since the last one came to, to be written with what they gave, and then told to `paid`."""
        holds, self._holds = self._holds, []
        return Payment(
            account=self._account,
            kind=kind,
            model=model,
            microcents=microcents,
            calls=calls,
            unknown=0 if known else 1,
            month=holds[0].month if holds else None,
            holds=tuple(hold.id for hold in holds),
        )

    def paid(self, payment: Payment) -> None:
        """Its transaction is committed."""
        self._till.forget(self._tenant_id, payment.holds)

    def _drop(self, taken: Collection[_Hold]) -> None:
        if taken:
            self._till.drop(self._tenant_id, [hold.id for hold in taken])

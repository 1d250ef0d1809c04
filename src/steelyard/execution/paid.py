"""One call of a review or of drafts: asked for, then its reply and its price committed before anything is read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

from steelyard.domain.calls import CallError, ModelRequest, ModelResponse, Usage
from steelyard.domain.models import ModelRef
from steelyard.domain.spending import SpendKind
from steelyard.execution.callers import ModelCaller, Pricer
from steelyard.execution.till import MonthSpent, Tab, Till
from steelyard.storage import spending
from steelyard.storage.database import DATABASE_AWAY, Connection, Database
from steelyard.storage.paid_jobs import PaidCall
from steelyard.storage.spending import Account

AWAY_S = 1.0

# Says before a call that it is out, and after one of which nothing is to be kept that it is not.
Calling = Callable[[Connection, bool], Awaitable[None]]
# Keeps a call under a key, and says whether it was new: done twice it must do what it does done once.
Record = Callable[[Connection, UUID, PaidCall], Awaitable[bool]]


class PaidCalls:
    """Makes calls whose replies are kept as they come."""

    def __init__(self, database: Database, caller: ModelCaller, price: Pricer) -> None:
        self._database = database
        self._till = Till(database, caller, price)
        self.price = price

    async def call(
        self, account: Account, kind: SpendKind, request: ModelRequest, record: Record, calling: Calling
    ) -> ModelResponse:
        """One call, its reply and its price committed. Raises CallError, what it wasted committed too, and MonthSpent.

        `record` also says that it is out no more.
        """
        tenant_id = account.tenant_id
        await self.commit(tenant_id, lambda connection: calling(connection, True))
        with self._till.tab(account) as tab:
            try:
                response = await tab.complete(request, before_call=_always)
            except CallError as error:
                if error.wasted != Usage() or not error.wasted_known:
                    paid = self._paid(request.model, error.wasted, None, known=error.wasted_known)
                    await self._keep(tenant_id, kind, request.model, record, paid, tab)
                else:
                    await self.commit(tenant_id, lambda connection: calling(connection, False))
                raise
            except MonthSpent:
                await self.commit(tenant_id, lambda connection: calling(connection, False))
                raise
            known = response.usage_known and response.wasted_known
            paid = self._paid(request.model, response.usage + response.wasted, response, known=known)
            await self._keep(tenant_id, kind, request.model, record, paid, tab)
        return response

    async def settle(self, tenant_id: UUID) -> None:
        """Give back what is held for nothing of the tenant's."""
        await self._till.settle(tenant_id)

    async def commit(self, tenant_id: UUID, write: Callable[[Connection], Awaitable[None]]) -> None:
        """Write until it is known to be on disk; `write` done twice must do what it does done once."""
        while True:
            try:
                async with self._database.tenant(tenant_id) as connection:
                    await write(connection)
            except DATABASE_AWAY:
                await asyncio.sleep(AWAY_S)
            else:
                return

    async def _keep(
        self, tenant_id: UUID, kind: SpendKind, model: ModelRef, record: Record, call: PaidCall, tab: Tab
    ) -> None:
        key = uuid4()
        payment = tab.payment(kind, model.text, call.cost_microcents or 0, known=call.cost_known)

        async def write(connection: Connection) -> None:
            if await record(connection, key, call):
                await spending.pay(connection, tenant_id, [payment])

        await self.commit(tenant_id, write)
        tab.paid(payment)

    def _paid(self, model: ModelRef, usage: Usage, response: ModelResponse | None, *, known: bool) -> PaidCall:
        cost = self.price(usage, model, datetime.now(UTC).date()) if usage != Usage() else None
        return PaidCall(
            raw_reply=None if response is None else response.output,
            stop_reason=None if response is None else response.stop_reason.value,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_microcents=None if cost is None else cost.microcents,
            cost_known=known and cost is not None,
            price_version=None if cost is None else cost.price_version,
            price_date=None if cost is None else cost.price_date,
            latency_ms=None if response is None else response.latency_ms,
        )


def _always() -> None:
    """What is asked for once is asked for whatever happens meanwhile."""

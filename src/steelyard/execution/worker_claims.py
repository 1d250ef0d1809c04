"""What one worker has claimed: by a lock of its own and leases it renews, trusted no longer than it can tell."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

from steelyard.execution.callers import Gate
from steelyard.execution.context import Stopped
from steelyard.storage import claims, spending
from steelyard.storage.database import DATABASE_AWAY, Database

# A claim is trusted a good while shorter than its lease lasts, so that a frozen worker finds out in time.
_TRUST_S = claims.LEASE_S * 0.75
_AWAY_S = 1.0


class WorkerClaims:
    """One per worker process. A claim says besides that calls may be out for it, should this worker be gone."""

    def __init__(self, database: Database) -> None:
        self.key = claims.new_worker_key()
        self._database = database
        self._trusted_until = 0.0
        # Claims made in an earlier epoch are not to be trusted: the worker was frozen or lost its lock.
        self._epoch = 0
        # Each tenant's claims that its tasks ask for or work under: no other task of this process may ask for them.
        self._in_hand: defaultdict[UUID, set[str]] = defaultdict(set)
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        """Take the worker's lock."""
        await self._take_lock()
        self._trusted_until = _now() + _TRUST_S

    async def aclose(self) -> None:
        """Let go of the lock, and so of all claims."""
        await self._stack.aclose()

    @asynccontextmanager
    async def in_hand(self, tenant_id: UUID, keys: Collection[str]) -> AsyncGenerator[set[str]]:
        """Those of the keys that no other task of this process has, for this one alone while the context lasts."""
        in_hand = self._in_hand[tenant_id]
        free = set(keys) - in_hand
        in_hand.update(free)
        try:
            yield free
        finally:
            in_hand.difference_update(free)

    @asynccontextmanager
    async def taken(self, tenant_id: UUID, run_id: UUID, keys: Collection[str]) -> AsyncGenerator[set[str]]:
        """Those of the keys nobody else works under, claimed for the run; what is not released is as the context ends.

        Runs are marked whose calls went with the worker that held a key. Raises DATABASE_AWAY. Whoever is broken off
        keeps the claims: its calls may have been paid for.
        """
        async with self.in_hand(tenant_id, keys) as free:
            mine = sorted(free)
            if not mine:
                # Whoever waits for another task of this process asks again several times a second.
                yield set()
                return
            async with self._database.tenant(tenant_id) as connection:
                lost = await claims.mark_lost_calls(connection, run_id, mine, worker_key=self.key)
                got = await claims.take_claims(connection, tenant_id, run_id, mine, self.key)
                await spending.mark_lost(connection, tenant_id, lost)
            try:
                yield got
            except Exception:
                await self._release(tenant_id, got)
                raise
            await self._release(tenant_id, got)

    def gate(self, check: Gate) -> Gate:
        """What `check` lets through while claims made from now on can be trusted; else it raises Stopped."""
        epoch = self._epoch

        def trusted() -> None:
            check()
            if epoch != self._epoch or _now() > self._trusted_until:
                raise Stopped

        return trusted

    def beat(self) -> float:
        """When a pulse begins, for `trust`; claims that had gone without one for too long are void."""
        began = _now()
        if began > self._trusted_until:
            self._epoch += 1
        return began

    def trust(self, began: float) -> None:
        """The pulse that began then has done all it had to."""
        self._trusted_until = began + _TRUST_S

    async def renew(self) -> None:
        """Keep the lock, taking it anew where its session was lost, which voids claims; and push the leases out."""
        try:
            await self._session.execute("SELECT 1")
        except DATABASE_AWAY:
            self._epoch += 1
            await self._stack.aclose()
            await self._take_lock()
        for tenant_id, keys in list(self._in_hand.items()):
            if keys:
                async with self._database.tenant(tenant_id) as connection:
                    await claims.renew_claims(connection, self.key, keys)

    async def _release(self, tenant_id: UUID, keys: Collection[str]) -> None:
        """Waits for the database where it is away: a claim left to lapse would say that a call was lost."""
        while True:
            try:
                async with self._database.tenant(tenant_id) as connection:
                    await claims.release_claims(connection, self.key, sorted(keys))
            except DATABASE_AWAY:
                await asyncio.sleep(_AWAY_S)
            else:
                return

    async def _take_lock(self) -> None:
        self._session = await self._stack.enter_async_context(self._database.session())
        await claims.hold_worker_lock(self._session, self.key)


def _now() -> float:
    """Seconds that go on while the process or the whole machine is asleep, where the system can tell."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)

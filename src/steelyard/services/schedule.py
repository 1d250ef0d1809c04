"""What a worker does by the clock: checks that are due, messages to be sent, runs to be begun."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from uuid import UUID

from steelyard.domain.actors import SCHEDULE, acting_as
from steelyard.domain.notices import NoticeSettings
from steelyard.services.deliveries import Deliveries, settle
from steelyard.services.rebenchmarks import Rebenchmarks
from steelyard.services.scheduled_check import ScheduledCheck
from steelyard.storage import schedule
from steelyard.storage.database import DATABASE_AWAY, Database

logger = logging.getLogger(__name__)

LOOK_S = 5.0
# How soon it is looked again whether the scheduled run under way has ended.
_RUN_AGAIN_S = 30
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Schedule:
    """Looks after every tenant. Any number of processes may do so at once: what one has in hand the others leave."""

    def __init__(
        self,
        database: Database,
        check: ScheduledCheck,
        deliveries: Deliveries,
        rebenchmarks: Rebenchmarks,
        settings: NoticeSettings,
        *,
        serving: Callable[[UUID], AbstractAsyncContextManager[None]] = nullcontext,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Each tenant is looked after within `serving` it."""
        self._database = database
        self._check = check
        self._deliveries = deliveries
        self._rebenchmarks = rebenchmarks
        self._settings = settings
        self._serving = serving
        self._now = now

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. What fails is told in the log, and tried again."""
        while not stop.is_set():
            try:
                await self.look()
            except DATABASE_AWAY:
                pass
            except Exception:
                # A fault in here must not end the worker, whose runs have nothing to do with it.
                logger.exception("The schedule met a fault.")
            try:
                await asyncio.wait_for(stop.wait(), LOOK_S)
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Do all that is due now."""
        now, checks = self._now(), self._settings.checks
        slot = checks.last_slot(now) if checks.on else _LONG_AGO
        for tenant_id in await schedule.tenants_due(self._database, slot, now):
            try:
                with acting_as(SCHEDULE):
                    async with self._serving(tenant_id):
                        if checks.on:
                            await self._check.run(tenant_id)
                        await self.work(tenant_id)
            except DATABASE_AWAY:
                raise
            except Exception:
                # One tenant's fault is not another's.
                logger.exception("The schedule met a fault with one tenant.")

    async def work(self, tenant_id: UUID) -> None:
        """Send what is due and begin what is to be run again."""
        await self._deliveries.send_due(tenant_id)
        begun, more = await self._rebenchmarks.begin_next(tenant_id)
        if begun is not None:
            logger.info("Testing %s again by schedule, run %s.", begun.skill, str(begun.run_id)[:8])
        again = self._now() + timedelta(seconds=_RUN_AGAIN_S) if more else None
        await settle(self._database, tenant_id, again)

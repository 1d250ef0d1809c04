"""The check of all of a tenant's benchmarks: what is new is stored with the messages that tell of it, in one go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from steelyard.domain.errors import NotFound, SteelyardError
from steelyard.domain.notices import STALE, NoticeSettings, StaleNotice
from steelyard.services.deliveries import Deliveries
from steelyard.services.housekeeping import CHORES, Chore
from steelyard.services.notice_words import payloads
from steelyard.services.rebenchmarks import Rebenchmarks
from steelyard.services.stale_check import Checked, StaleChecks
from steelyard.services.stale_watch import StaleWatch
from steelyard.storage import notices, schedule
from steelyard.storage.database import DATABASE_AWAY, Database
from steelyard.storage.notices import FoundRow

logger = logging.getLogger(__name__)

# A check that was not heard of for so long was killed.
LEASE_S = 600
_HELD_AGAIN_S = 60


@dataclass(frozen=True)
class CheckResult:
    """What one check came to: every stale skill, what is new of them, and how many messages were stored to tell it."""

    stale: tuple[Checked, ...]
    new: tuple[StaleNotice, ...]
    unchecked: int
    messages: int


class ScheduledCheck:
    """Checks one tenant at a time; several processes at once do each check once."""

    def __init__(
        self,
        database: Database,
        watch: StaleWatch,
        checks: StaleChecks,
        rebenchmarks: Rebenchmarks,
        deliveries: Deliveries,
        settings: NoticeSettings,
        *,
        chores: Sequence[Chore] = CHORES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._watch = watch
        self._checks = checks
        self._rebenchmarks = rebenchmarks
        self._deliveries = deliveries
        self._settings = settings
        self._chores = chores
        self._now = now

    async def run(self, tenant_id: UUID, *, asked: bool = False) -> CheckResult | None:
        """The check of the latest time of the schedule, or of now where it is `asked` for.

        None where it was done, or another process is at it.
        """
        now = self._now()
        slot = self._settings.checks.last_slot(now)
        until = now + timedelta(seconds=LEASE_S)
        async with self._database.tenant(tenant_id) as connection:
            if not await schedule.claim_check(connection, None if asked else slot, now, until):
                return None
        try:
            result = await self._run(tenant_id, slot)
        except BaseException as error:
            # What was only broken off another may do at once; what failed is tried again when the lease ends.
            if asked or isinstance(error, asyncio.CancelledError):
                with suppress(*DATABASE_AWAY):
                    async with self._database.tenant(tenant_id) as connection:
                        await schedule.leave_check(connection)
            raise
        for chore in self._chores:
            try:
                await chore(self._database, tenant_id, now)
            except SteelyardError as error:
                logger.warning("A daily chore was not done: %s", error)
        return result

    async def _run(self, tenant_id: UUID, slot: datetime) -> CheckResult:
        stale: list[Checked] = []
        unchecked: list[UUID] = []
        held = self._now()
        async for _, skill_id in self._watch.suspects(tenant_id):
            try:
                checked = await self._checks.check(tenant_id, skill_id)
            except NotFound:
                continue
            except SteelyardError as error:
                logger.warning("A benchmark could not be checked: %s", error)
                unchecked.append(skill_id)
                continue
            if checked.causes:
                stale.append(checked)
            if self._now() > held + timedelta(seconds=_HELD_AGAIN_S):
                held = self._now()
                async with self._database.tenant(tenant_id) as connection:
                    await schedule.hold_check(connection, held + timedelta(seconds=LEASE_S))
        outlooks = await self._rebenchmarks.outlooks(tenant_id, stale)
        now = self._now()
        rows = [
            FoundRow(one.skill_id, cause.kind.value, one.run_id, cause.evidence, cause.since)
            for one in stale
            if one.run_id is not None
            for cause in one.causes
        ]
        async with self._database.tenant(tenant_id) as connection:
            fresh = await notices.keep_found(connection, tenant_id, rows, unchecked, now)
            new = [
                StaleNotice(
                    one.name,
                    str(one.run_id),
                    [cause for cause in one.causes if (one.skill_id, cause.kind.value) in fresh],
                    outlooks.get(one.skill_id),
                )
                for one in stale
                if any((one.skill_id, cause.kind.value) in fresh for cause in one.causes)
            ]
            stored = 0
            for payload in payloads(new, self._settings.base_url, now):
                stored += len(await self._deliveries.store(connection, tenant_id, STALE, payload, now))
            if outlooks:
                await schedule.work_by(connection, now)
            await schedule.end_check(connection, slot, now)
        return CheckResult(tuple(stale), tuple(new), len(unchecked), stored)

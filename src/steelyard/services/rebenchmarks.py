"""Testing again without being asked: what a month's budget allows, the gravest and oldest first, one at a time."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from steelyard.domain import actors
from steelyard.domain.errors import Conflict, InputError, SteelyardError
from steelyard.domain.money import MICROCENTS_PER_USD, dollars
from steelyard.domain.stale_causes import CauseKind
from steelyard.services.benchmarks import BenchmarkService
from steelyard.services.estimates import Estimate
from steelyard.services.run_request import RunRequest
from steelyard.services.stale_check import Checked, StaleChecks
from steelyard.storage import notices, scheduled_runs
from steelyard.storage.database import Connection, Database
from steelyard.storage.notices import OpenNotice
from steelyard.storage.scheduled_runs import SCHEDULE, Allowance

logger = logging.getLogger(__name__)

# Days after a scheduled run that was not completed whole before another of that skill.
BACK_OFF_DAYS = 7
MOST_USD = 1_000_000


class NotBegun(Conflict):
    """A scheduled run may not begin now. `busy`: another one has to end first; `said`: the notice has it already."""

    def __init__(self, message: str, *, busy: bool = False, said: bool = False) -> None:
        super().__init__(message)
        self.busy = busy
        self.said = said


@dataclass(frozen=True)
class Budget:
    """Of a UTC month, in microcents. `held` is what scheduled runs under way may spend yet."""

    budget_microcents: int
    spent_microcents: int
    held_microcents: int

    @property
    def left_microcents(self) -> int:
        return max(0, self.budget_microcents - self.spent_microcents - self.held_microcents)


@dataclass(frozen=True)
class Begun:
    """A scheduled run that was queued."""

    skill: str
    run_id: UUID


@dataclass(frozen=True)
class _Candidate:
    skill_id: UUID
    skill: str
    kinds: tuple[CauseKind, ...]
    since: datetime

    @property
    def place(self) -> tuple[int, datetime, str]:
        """By the gravest cause, then the oldest."""
        return min(list(CauseKind).index(kind) for kind in self.kinds), self.since, self.skill


class Rebenchmarks:
    """Begins runs within the budget, for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        benchmarks: BenchmarkService,
        checks: StaleChecks,
        estimate: Callable[[UUID, RunRequest], Awaitable[Estimate]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._benchmarks = benchmarks
        self._checks = checks
        self._estimate = estimate
        self._now = now

    async def set_allowance(self, tenant_id: UUID, usd: str | None, causes: Collection[str]) -> None:
        """US dollars a month and the kinds of causes; None or blank runs nothing of itself. Raises InputError."""
        budget = None
        if usd is not None and usd.strip():
            budget = _microcents(usd.strip().removeprefix("$"))
        unknown = next((cause for cause in causes if cause not in {kind.value for kind in CauseKind}), None)
        if unknown is not None:
            raise InputError(
                f"'{unknown[:40]}' is no cause.", field="causes", next_step=f"Give some of: {', '.join(CauseKind)}."
            )
        if budget is not None and not causes:
            raise InputError("No cause is chosen.", field="causes", next_step="Choose one at least.")
        chosen = [kind.value for kind in CauseKind if kind.value in causes] if budget is not None else []
        async with self._database.tenant(tenant_id) as connection:
            await scheduled_runs.set_allowance(connection, budget, chosen)

    async def standing(self, tenant_id: UUID) -> tuple[Allowance, Budget | None]:
        """What is set, and how this month stands; None where nothing is run of itself."""
        async with self._database.tenant(tenant_id) as connection:
            allowed = await scheduled_runs.allowance(connection)
            return allowed, await self._budget(connection, allowed)

    async def outlooks(self, tenant_id: UUID, stale: Sequence[Checked]) -> Mapping[UUID, str]:
        """What is to be expected for each of these skills, in a sentence; empty where nothing is run of itself.

        Estimates are added up in the order in which the runs begin. Whether a run begins is decided when it would.
        """
        async with self._database.tenant(tenant_id) as connection:
            allowed = await scheduled_runs.allowance(connection)
            budget = await self._budget(connection, allowed)
            known = {(one.skill_id, one.cause): one for one in await notices.open_notices(connection)}
        if budget is None:
            return {}
        said: dict[UUID, str] = {}
        planned: list[_Candidate] = []
        for one in stale:
            kinds = [cause for cause in one.causes if cause.kind.value in allowed.causes]
            if not kinds:
                said[one.skill_id] = "Not tested again by itself: none of its causes is chosen for that."
                continue
            free = [cause for cause in kinds if self._why_rests(known.get((one.skill_id, cause.kind.value))) is None]
            if not free:
                said[one.skill_id] = self._why_rests(known[one.skill_id, kinds[0].kind.value]) or ""
                continue
            since = min(cause.since for cause in free)
            planned.append(_Candidate(one.skill_id, one.name, tuple(cause.kind for cause in free), since))
        # What is held by a run under way is, as a rule, not all spent: what comes of that is known later.
        left = budget.budget_microcents - budget.spent_microcents
        for one in sorted(planned, key=lambda one: one.place):
            try:
                _, estimate = await self._request(tenant_id, one)
                async with self._database.tenant(tenant_id) as connection:
                    await self._check_runs(connection, one.skill_id)
            except SteelyardError as error:
                said[one.skill_id] = f"Not tested again by itself: {_lower(error.message)}"
                continue
            if estimate.cost_microcents > left:
                said[one.skill_id] = _no_money(estimate.cost_microcents, left, budget.budget_microcents)
            else:
                left -= estimate.cost_microcents
                said[one.skill_id] = (
                    f"It is tested again by itself, for about {dollars(estimate.cost_microcents)} of this month's"
                    f" {dollars(budget.budget_microcents)}."
                )
        return said

    async def begin_next(self, tenant_id: UUID) -> tuple[Begun | None, bool]:
        """Queue the next run that is due and allowed; and whether it is worth asking again soon.

        Only one is under way at a time, as it may spend all that is left. Two processes at once never begin two.
        """
        async with self._database.tenant(tenant_id) as connection:
            allowed = await scheduled_runs.allowance(connection)
            if allowed.budget_microcents is None:
                return None, False
            if (await scheduled_runs.spending(connection, self._month())).under_way:
                return None, True
            open_ones = await notices.open_notices(connection)
        for one in sorted(self._candidates(open_ones, allowed), key=lambda one: one.place):
            try:
                with actors.acting_as(actors.SCHEDULE):
                    return await self._begin(tenant_id, one), True
            except NotBegun as error:
                if error.busy:
                    return None, True
                if not error.said:
                    logger.warning("%r is not tested again by itself: %s", one.skill, error.message)
            except SteelyardError as error:
                logger.warning("%r cannot be tested again by itself: %s", one.skill, error.message)
        return None, False

    async def _begin(self, tenant_id: UUID, one: _Candidate) -> Begun:
        # What the check found may be cured by now.
        checked = await self._checks.check(tenant_id, one.skill_id, retests=False)
        kinds = tuple(kind for kind in one.kinds if kind in {cause.kind for cause in checked.causes})
        if not kinds:
            raise NotBegun("Its causes are gone.")
        request, estimate = await self._request(tenant_id, replace(one, kinds=kinds))

        async def allow(connection: Connection, skill_id: UUID) -> int:
            await scheduled_runs.lock_spending(connection, tenant_id)
            await self._check_runs(connection, skill_id)
            budget = await self._budget(connection, await scheduled_runs.allowance(connection))
            if budget is None:
                raise NotBegun("Nothing is run by itself any more.")
            if budget.held_microcents:
                raise NotBegun("Another scheduled run is under way.", busy=True)
            left = budget.left_microcents
            if not left or estimate.cost_microcents > left:
                raise NotBegun(_no_money(estimate.cost_microcents, left, budget.budget_microcents), said=True)
            return left

        async def begun(connection: Connection, run_id: UUID) -> None:
            await notices.note_rebenchmark(connection, one.skill_id, [kind.value for kind in kinds], run_id)

        run_id = await self._benchmarks.start_allowed(tenant_id, request, allow=allow, begun=begun)
        return Begun(one.skill, run_id)

    async def _request(self, tenant_id: UUID, one: _Candidate) -> tuple[RunRequest, Estimate]:
        """Raises SteelyardError, NotBegun where what it would cost is not known."""
        request = await self._checks.request(tenant_id, one.skill_id, one.kinds, triggered_by=SCHEDULE)
        estimate = await self._estimate(tenant_id, request)
        if estimate.cost_is_lower_bound:
            raise NotBegun(f"The price of {', '.join(estimate.unpriced)} is not known, so no budget can hold it.")
        if estimate.judge_fails is not None:
            raise NotBegun(f"The judge is known to fail its examination: {estimate.judge_fails}")
        return request, estimate

    async def _check_runs(self, connection: Connection, skill_id: UUID) -> None:
        latest = await scheduled_runs.latest_runs(connection, skill_id)
        if latest.busy:
            raise NotBegun("A run of the skill is under way.")
        if latest.failed_at is not None and latest.failed_at > self._now() - timedelta(days=BACK_OFF_DAYS):
            raise NotBegun(
                f"Its last scheduled run was not completed ({latest.failed_how}, {latest.failed_at:%Y-%m-%d}):"
                f" the next one begins {BACK_OFF_DAYS} days after it at the earliest."
            )

    async def _budget(self, connection: Connection, allowed: Allowance) -> Budget | None:
        if allowed.budget_microcents is None:
            return None
        spent = await scheduled_runs.spending(connection, self._month())
        return Budget(allowed.budget_microcents, spent.spent_microcents, spent.held_microcents)

    def _candidates(self, open_ones: Sequence[OpenNotice], allowed: Allowance) -> list[_Candidate]:
        by_skill: dict[UUID, list[OpenNotice]] = {}
        for one in open_ones:
            if one.cause in allowed.causes and self._why_rests(one) is None:
                by_skill.setdefault(one.skill_id, []).append(one)
        return [
            _Candidate(
                skill_id,
                found[0].skill_name,
                tuple(CauseKind(one.cause) for one in found),
                min(one.since for one in found),
            )
            for skill_id, found in by_skill.items()
        ]

    def _why_rests(self, notice: OpenNotice | None) -> str | None:
        """Why nothing is run because of a cause now, though it is there."""
        if notice is None or notice.rebenchmark_run_id is None or notice.rebenchmark_at is None:
            return None
        day = f"{notice.rebenchmark_at:%Y-%m-%d}"
        if notice.rebenchmark_whole:
            return f"It was tested again by itself on {day}, and the cause stayed: that is not repeated."
        if notice.rebenchmark_at > self._now() - timedelta(days=BACK_OFF_DAYS):
            return (
                f"A run by itself of {day} is under way or was not completed: the next one waits {BACK_OFF_DAYS} days."
            )
        return None

    def _month(self) -> datetime:
        return self._now().astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _no_money(cost: int, left: int, budget: int) -> str:
    return (
        f"Not tested again by itself for want of budget: about {dollars(cost)} are needed, and of this month's"
        f" {dollars(budget)} there are {dollars(max(0, left))} left."
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _microcents(text: str) -> int:
    try:
        usd = float(text)
    except ValueError:
        usd = 0.0
    # Also where it is NaN.
    if not 0 < usd <= MOST_USD or not round(usd * MICROCENTS_PER_USD):
        raise InputError(
            f"'{text[:20]}' is no budget of a month.",
            field="budget",
            next_step="Give US dollars above 0, as 20 or 7.50.",
        )
    return round(usd * MICROCENTS_PER_USD)

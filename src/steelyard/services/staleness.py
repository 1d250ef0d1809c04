"""Whether a skill's benchmark still speaks for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.staleness import STALE_AFTER_DAYS, BenchmarkFacts, Staleness, staleness_of
from steelyard.storage.catalogue import SkillGlance, find_glance
from steelyard.storage.database import Database
from steelyard.storage.staleness import AgeLimits, age_limits, set_age_limit

MOST_DAYS = 36_500


class StalenessService:
    """Finds the causes for one tenant at a time. `limit_days` is the age at which a benchmark is too old."""

    def __init__(
        self,
        database: Database,
        *,
        limit_days: int = STALE_AFTER_DAYS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self.limit_days = limit_days
        self._now = now

    async def of(self, tenant_id: UUID, skill_id: UUID) -> Staleness:
        """The state and its causes. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            glance = await find_glance(connection, skill_id=skill_id)
        if glance is None:
            raise NotFound("No such skill.")
        return staleness_of(facts_of(glance), now=self._now(), limit_days=glance.stale_after_days or self.limit_days)

    async def limits(self, tenant_id: UUID, skill_id: UUID | None = None) -> AgeLimits:
        """The days set for a skill and for its tenant; where neither is, `limit_days` hold."""
        async with self._database.tenant(tenant_id) as connection:
            return await age_limits(connection, skill_id)

    async def set_limit(self, tenant_id: UUID, days: str | None, skill_id: UUID | None = None) -> None:
        """The days of a skill, or of the tenant where none is named; None or blank sets none.

        Raises InputError for what is no whole number of 1 to 36,500, NotFound.
        """
        chosen = age_limit_of(days) if days is not None and days.strip() else None
        async with self._database.tenant(tenant_id) as connection:
            await set_age_limit(connection, chosen, skill_id)


def age_limit_of(days: str) -> int:
    """Days as somebody wrote them. Raises InputError for what is no whole number of 1 to 36,500."""
    typed = days.strip()
    if not typed.isdecimal() or not 1 <= int(typed[:8]) <= MOST_DAYS:
        raise InputError(
            f"'{typed[:20]}' is no limit of age.", field="days", next_step=f"Give whole days, 1 to {MOST_DAYS:,}."
        )
    return int(typed)


def facts_of(glance: SkillGlance) -> BenchmarkFacts:
    """What a skill's row says of its benchmark."""
    return BenchmarkFacts(
        current_version_id=glance.current_version_id,
        version_since=glance.version_since,
        cases_changed_at=glance.cases_changed_at,
        benchmarked_version_id=glance.last_run_version_id,
        planned_at=glance.last_run_planned_at,
        benchmarked_at=glance.benchmarked_at,
        answers_since=glance.answers_since,
        same_cases=glance.same_cases,
    )

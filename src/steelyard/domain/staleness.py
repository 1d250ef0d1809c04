"""Whether a benchmark still speaks for its skill, and what speaks against it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal
from uuid import UUID

STALE_AFTER_DAYS = 90


@dataclass(frozen=True)
class BenchmarkAge:
    """The oldest answer the benchmark rests on is older than the limit, in days."""

    answers_since: datetime
    days: int
    limit_days: int
    kind: Literal["age"] = "age"

    @property
    def since(self) -> datetime:
        return self.answers_since + timedelta(days=self.limit_days)

    @property
    def sentence(self) -> str:
        days = "1 day" if self.days == 1 else f"{self.days:,} days"
        return f"The oldest answer of the last benchmark is {days} old; the limit is {self.limit_days:,}."


@dataclass(frozen=True)
class SkillChange:
    """The skill's current version is not the one that was benchmarked; it became current at `changed_at`."""

    changed_at: datetime
    kind: Literal["skill"] = "skill"

    @property
    def sentence(self) -> str:
        return f"The skill has changed since it was benchmarked: its current version is of {_day(self.changed_at)}."


@dataclass(frozen=True)
class CasesChange:
    """Golden cases were added, edited or taken out after the benchmark was planned, the last at `changed_at`."""

    changed_at: datetime
    kind: Literal["cases"] = "cases"

    @property
    def sentence(self) -> str:
        return f"The golden cases have changed since the benchmark: last on {_day(self.changed_at)}."


Cause = BenchmarkAge | SkillChange | CasesChange


@dataclass(frozen=True)
class BenchmarkFacts:
    """What staleness is read from. All but `current_version_id` may be None: no benchmark, or no cases.

    `answers_since`: the oldest answer of the benchmark is of then. `same_cases`: changed or not meanwhile, the
    accepted cases are those it was planned with.
    """

    current_version_id: UUID | None
    version_since: datetime | None
    cases_changed_at: datetime | None
    benchmarked_version_id: UUID | None
    planned_at: datetime | None
    benchmarked_at: datetime | None
    answers_since: datetime | None = None
    same_cases: bool = False


@dataclass(frozen=True)
class Staleness:
    """`never`: no benchmark of record yet, which is not stale; `fresh`; `stale` with at least one cause."""

    state: Literal["never", "fresh", "stale"]
    causes: tuple[Cause, ...] = ()


def staleness_of(facts: BenchmarkFacts, *, now: datetime, limit_days: int = STALE_AFTER_DAYS) -> Staleness:
    """The causes, gravest first. A benchmark is too old once its oldest answer is a whole `limit_days` days old."""
    if facts.benchmarked_at is None:
        return Staleness("never")
    causes: list[Cause] = []
    if facts.current_version_id != facts.benchmarked_version_id and facts.version_since is not None:
        causes.append(SkillChange(facts.version_since))
    if (
        facts.cases_changed_at is not None
        and facts.planned_at is not None
        and facts.cases_changed_at > facts.planned_at
        and not facts.same_cases
    ):
        causes.append(CasesChange(facts.cases_changed_at))
    since = facts.answers_since or facts.benchmarked_at
    if since <= oldest_fresh(now, limit_days):
        causes.append(BenchmarkAge(since, (now - since).days, limit_days))
    return Staleness("stale" if causes else "fresh", tuple(causes))


@dataclass(frozen=True)
class CaseStep:
    """One change of the accepted cases: the case that came among them, the one that left them, or both in an edit."""

    at: datetime
    came: UUID | None
    left: UUID | None


def cases_differ_since(planned: Collection[UUID], steps: Sequence[CaseStep]) -> datetime | None:
    """Since when the accepted cases have been others than the planned ones, by what has changed since, in order.

    None where they are the same after all steps. Steps of one moment are one.
    """
    before, now = set(planned), set(planned)
    since: datetime | None = None
    for at, together in groupby(steps, key=lambda step: step.at):
        for step in together:
            # An edit of a case that was not accepted makes none.
            edit = step.came is not None and step.left is not None
            if step.came is not None and (not edit or step.left in now):
                now.add(step.came)
            if step.left is not None:
                now.discard(step.left)
        since = None if now == before else since or at
    return since


def oldest_fresh(now: datetime, limit_days: int) -> datetime:
    """An answer given then or earlier is too old."""
    return now - timedelta(days=limit_days)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"

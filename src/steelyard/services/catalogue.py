"""The skills a page at a time, each with its standing, and one skill by its name or id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, get_args
from uuid import UUID

from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.staleness import STALE_AFTER_DAYS, Cause, Staleness, staleness_of
from steelyard.services.staleness import facts_of
from steelyard.services.tokens import no_such_page, read_token, text_in, write_token
from steelyard.storage import catalogue
from steelyard.storage.catalogue import Filter, Position, SkillGlance, Sort
from steelyard.storage.database import Database

MAX_LIMIT = 200
_MAX_QUERY = 200


@dataclass(frozen=True)
class CatalogueRow:
    """One skill at a glance.

    `verdict_kind` (best, tied, not_enough, single), `best_model` (the best, else the leading one), its quality 0-100
    with the 95% interval and its average cost per case in microcents are of the last completed run of record, all
    None before there is one (`stale` is empty then: never benchmarked is not stale). `judge_marked`: that run's judge
    was accepted although it did not pass its examination. `cases` counts the accepted golden cases,
    `feedback_positive_percent` is None where no feedback can be positive or negative.
    """

    id: UUID
    name: str
    description: str
    source: str | None
    created_at: datetime
    updated_at: datetime
    version_id: UUID
    version_digest: str
    version_since: datetime
    verdict_kind: str | None
    best_model: str | None
    quality: float | None
    quality_low: float | None
    quality_high: float | None
    avg_cost_microcents: int | None
    judge_marked: bool
    feedback_total: int
    feedback_positive_percent: float | None
    benchmarked_at: datetime | None
    last_run_id: UUID | None
    cases: int
    staleness: Staleness
    cases_changed_at: datetime | None = None

    @property
    def stale(self) -> tuple[Cause, ...]:
        return self.staleness.causes


@dataclass(frozen=True)
class CataloguePage:
    """Some rows, the token of the next page (None on the last), and how many skills match in all."""

    rows: tuple[CatalogueRow, ...]
    next: str | None
    total: int


class SkillCatalogue:
    """Looks up skills for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        *,
        stale_after_days: int = STALE_AFTER_DAYS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._limit_days = stale_after_days
        self._now = now

    async def page(
        self,
        tenant_id: UUID,
        *,
        q: str = "",
        sort: Sort = "name",
        descending: bool = False,
        stale_only: bool = False,
        never_only: bool = False,
        after: str | None = None,
        limit: int = 50,
    ) -> CataloguePage:
        """The skills whose name or description holds `q`, whatever its case, from where `after` left off.

        Skills without a value in the sorted column come last in either direction. Raises InputError on a token that
        is not one of this very list. `never_only`: those not benchmarked yet.
        """
        text = q.strip()
        if len(text) > _MAX_QUERY:
            raise InputError(f"The text to search for is {len(text):,} characters long; {_MAX_QUERY} are the most.")
        if not 1 <= limit <= MAX_LIMIT:
            raise InputError(f"A page has 1 to {MAX_LIMIT} skills, not {limit:,}.")
        position = None if after is None else _read_token(after, sort, descending)
        now = self._now()
        chosen = Filter(text, now if stale_only else None, self._limit_days, never_only)
        async with self._database.tenant(tenant_id) as connection:
            found = await catalogue.page_of_skills(
                connection, chosen, sort=sort, descending=descending, after=position, limit=limit + 1
            )
            total = found.total
            if total is None:
                total = await catalogue.count_skills(connection, chosen)
        more = len(found.skills) > limit
        return CataloguePage(
            tuple(self._row(glance, now) for glance in found.skills[:limit]),
            _token(found.places[limit - 1], sort, descending) if more else None,
            total,
        )

    async def find(self, tenant_id: UUID, ref: str) -> CatalogueRow:
        """The skill of that name, else of that id. Raises NotFound."""
        try:
            skill_id = UUID(ref)
        except ValueError:
            skill_id = None
        async with self._database.tenant(tenant_id) as connection:
            glance = await catalogue.find_glance(connection, name=ref, skill_id=skill_id)
        if glance is None:
            raise NotFound(f"No skill '{ref}'.", next_step="`steelyard skills list` shows those there are.")
        return self._row(glance, self._now())

    def _row(self, glance: SkillGlance, now: datetime) -> CatalogueRow:
        return CatalogueRow(
            id=glance.id,
            name=glance.name,
            description=glance.description,
            source=glance.source,
            created_at=glance.created_at,
            updated_at=glance.updated_at,
            version_id=glance.current_version_id,
            version_digest=glance.version_digest,
            version_since=glance.version_since,
            verdict_kind=glance.verdict_kind,
            best_model=glance.best_model,
            quality=glance.quality,
            quality_low=glance.quality_low,
            quality_high=glance.quality_high,
            avg_cost_microcents=glance.avg_cost_microcents,
            judge_marked=glance.judge_marked,
            feedback_total=glance.feedback_total,
            feedback_positive_percent=glance.feedback_positive_percent,
            benchmarked_at=glance.benchmarked_at,
            last_run_id=glance.last_run_id,
            cases=glance.accepted_cases,
            staleness=staleness_of(facts_of(glance), now=now, limit_days=glance.stale_after_days or self._limit_days),
            cases_changed_at=glance.cases_changed_at,
        )


def _token(position: Position, sort: Sort, descending: bool) -> str:
    value = position.value.isoformat() if isinstance(position.value, datetime) else position.value
    return write_token([sort, descending, value, position.name, str(position.id)])


def _read_token(token: str, sort: Sort, descending: bool) -> Position:
    try:
        of_sort, of_direction, value, name, skill_id = read_token(token, 5)
        if of_sort not in get_args(Sort) or not isinstance(skill_id, str):
            raise ValueError
        if of_sort != sort or of_direction is not descending:
            raise InputError(
                "This page of the list belongs to another sorting.", next_step="Begin at the first page again."
            )
        return Position(_value(sort, value), text_in(name), UUID(skill_id))
    except (ValueError, OverflowError) as error:
        raise no_such_page() from error


def _value(sort: Sort, value: Any) -> Any:
    """A token's value as the sorted column has it. Raises ValueError."""
    if value is None and sort != "name":
        return None
    match sort:
        case "name":
            return text_in(value)
        case "quality" | "feedback":
            if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
                return float(value)
        case "cost":
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
                return value
        case "benchmarked":
            if isinstance(value, str):
                moment = datetime.fromisoformat(value)
                if moment.tzinfo is not None and moment.year > 1:
                    return moment
    raise ValueError("not a value of this column")

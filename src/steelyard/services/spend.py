"""What a month's money went to: the report that page, terminal, file and JSON share."""

from __future__ import annotations

import calendar
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.storage import rollup, spend_view, spending
from steelyard.storage.database import Database
from steelyard.storage.spend_view import By, MonthRow, Slice, SpendDifference, SpendRow
from steelyard.storage.spending import MonthStanding

SCHEMA = "steelyard.spend/1"
SHOWN = 50
MONTHS_SHOWN = 12
FIRST_PROJECTED_DAY = 3
MOST_DIFFERENCES = 1_000


@dataclass(frozen=True)
class Split:
    """The dearest lines of a split, and what the others come to together. Money in microcents."""

    lines: tuple[Slice, ...]
    others: int
    others_microcents: int
    all_microcents: int

    def share(self, line: Slice) -> float | None:
        """Of the split's money, 0-1; None where there is none."""
        return line.spent_microcents / self.all_microcents if self.all_microcents else None

    def to_json(self) -> dict[str, Any]:
        return {
            "lines": [
                {
                    "key": line.key,
                    "name": line.name,
                    "spent_microcents": line.spent_microcents,
                    "share": self.share(line),
                    "calls": line.calls,
                    "unknown_calls": line.unknown_calls,
                }
                for line in self.lines
            ],
            "others": self.others,
            "others_microcents": self.others_microcents,
        }


@dataclass(frozen=True)
class SpendReport:
    """A month. `projected_microcents`: what it comes to if it goes on as so far, None before its third day and of
    another month than this one. `months` are the newest there are, from `months_before` on where it is given."""

    stands: MonthStanding
    current: bool
    projected_microcents: int | None
    splits: dict[By, Split]
    months: tuple[MonthRow, ...]
    older_months: bool

    def to_json(self) -> dict[str, Any]:
        """The documented form; money in microcents, what is not set or not known is null."""
        stands = self.stands
        return {
            "schema": SCHEMA,
            "month": f"{stands.month:%Y-%m}",
            "spent_microcents": stands.spent,
            "spent_is_lower_bound": stands.is_lower_bound,
            "held_microcents": stands.held,
            "lost_microcents": stands.lost,
            "calls": stands.calls,
            "unknown_calls": stands.unknown_calls,
            "budget_microcents": stands.budget.month_microcents,
            "left_microcents": stands.left if self.current else None,
            "projected_microcents": self.projected_microcents,
            "by": {by: split.to_json() for by, split in self.splits.items()},
        }


@dataclass(frozen=True)
class SpendVerified:
    """What a recount of all months found: skills whose money differs, and months whose total does."""

    differences: tuple[SpendDifference, ...]
    months: tuple[date, ...]

    @property
    def exact(self) -> bool:
        return not self.differences and not self.months

    def to_json(self) -> dict[str, Any]:
        return {
            "exact": self.exact,
            "months": [f"{month:%Y-%m}" for month in self.months],
            "differences": [asdict(one) | {"skill_id": str(one.skill_id)} for one in self.differences],
        }


class SpendService:
    """Reads of what was spent, for one tenant at a time."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def report(
        self, tenant_id: UUID, month: date | None = None, *, months_before: date | None = None
    ) -> SpendReport:
        """A month, this one where none is given. All of it as of one moment."""
        now = self._now().astimezone(UTC)
        this = now.date().replace(day=1)
        asked = month or this
        async with self._database.tenant(tenant_id) as connection:
            await rollup.one_moment(connection)
            stands = await spending.standing(connection, asked)
            splits = {by: _split(await spend_view.split(connection, asked, by, limit=SHOWN)) for by in get_args(By)}
            known = await spend_view.months(connection, before=months_before, limit=MONTHS_SHOWN + 1)
        projected = projected_end(stands.spent, now) if asked == this else None
        return SpendReport(
            stands, asked == this, projected, splits, tuple(known[:MONTHS_SHOWN]), len(known) > MONTHS_SHOWN
        )

    async def rows(self, tenant_id: UUID, month: date) -> AsyncIterator[SpendRow]:
        """Every row of a month, for a file."""
        async with self._database.tenant(tenant_id) as connection:
            async for row in spend_view.rows(connection, month):
                yield row

    async def verify(self, tenant_id: UUID) -> SpendVerified:
        """Recount the money of every skill that is here, all months together, and of every month."""
        async with self._database.tenant(tenant_id) as connection:
            await rollup.one_moment(connection)
            return SpendVerified(
                tuple(await spend_view.differences(connection, limit=MOST_DIFFERENCES)),
                tuple(await spend_view.unbalanced_months(connection)),
            )

    def month_of(self, typed: str) -> date:
        """`2026-11` as the first day of it. Raises InputError."""
        try:
            month = datetime.strptime(typed.strip(), "%Y-%m").replace(tzinfo=UTC).date()
        except ValueError:
            month = None
        if month is None or month.year < 2000 or month > self._now().astimezone(UTC).date():
            raise InputError(
                f"'{typed[:20]}' is no month that has begun.",
                field="month",
                next_step="Give one as 2026-11.",
            )
        return month


def projected_end(spent_microcents: int, now: datetime) -> int | None:
    """What a UTC month comes to if the rest of it goes on as so far: spent / (share of the month gone by).

    None before its third day, when a single run would decide it.
    """
    if now.day < FIRST_PROJECTED_DAY:
        return None
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    days = calendar.monthrange(now.year, now.month)[1]
    return round(spent_microcents * (timedelta(days=days) / (now - begin)))


def _split(lines: Sequence[Slice]) -> Split:
    if not lines:
        return Split((), 0, 0, 0)
    first = lines[0]
    shown = sum(line.spent_microcents for line in lines)
    return Split(tuple(lines), first.of_all - len(lines), first.all_microcents - shown, first.all_microcents)

"""Whether the daily sums of use are what the uses add up to; and how long uses are kept one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from steelyard.domain.errors import Conflict, InputError
from steelyard.domain.usage import KEPT_MONTHS
from steelyard.storage import rollup
from steelyard.storage.database import Database
from steelyard.storage.rollup import Difference

FEWEST_MONTHS = 2
MOST_DIFFERENCES = 1_000


@dataclass(frozen=True)
class Verified:
    """What a comparison of so many kept `uses` found, of `months` (their first days), none before `kept_from`.

    At most 1,000 `differences` are named for each month; `repaired` counts the months that were written anew.
    """

    months: tuple[date, ...]
    uses: int
    kept_from: date | None
    differences: tuple[Difference, ...]
    repaired: int = 0


@dataclass(frozen=True)
class LetGo:
    """What retention did: `months` went, of all tenants, and `unmatched` uses of skills that are not here."""

    kept_from: date
    months: int
    unmatched: int


class RollupService:
    """Use cases on the rollup. What is compared is one tenant's; retention is of all."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def verify(self, tenant_id: UUID, *, repair: bool = False, before: date | None = None) -> Verified:
        """Recount every month whose uses are kept, those before `before` if given, and compare to the last digit.

        All of it as of one moment, whatever comes in meanwhile. `repair` writes the months that differ anew.
        """
        async with self._database.tenant(tenant_id) as connection:
            await rollup.one_moment(connection)
            span = await rollup.span(connection)
            found: list[Difference] = []
            months: list[date] = []
            wrong: list[date] = []
            uses = 0
            for month in _months(span, before):
                months.append(month)
                counted, differences = await rollup.compare_month(
                    connection, month, _after(month), most=MOST_DIFFERENCES
                )
                uses += counted
                found += differences
                wrong += [month] if differences else []
        if repair:
            for month in wrong:
                await self._repair(tenant_id, month)
        return Verified(tuple(months), uses, span.kept_from, tuple(found), len(wrong) if repair else 0)

    async def _repair(self, tenant_id: UUID, month: date) -> None:
        async with self._database.tenant(tenant_id) as connection:
            await rollup.hold_rollup(connection)
            line = (await rollup.span(connection)).kept_from
            # Its uses may have been let go since it was compared.
            if line is None or month >= line:
                await rollup.recount_month(connection, month, _after(month))

    async def retain(self, tenant_id: UUID, months: int = KEPT_MONTHS) -> LetGo:
        """Let go of the uses before the last so many whole months, of all tenants; their daily sums stay.

        This tenant's sums of what goes are compared first: afterwards nothing can tell. Run again, it does nothing
        more. Raises InputError below two months, Conflict where sums differ, or where it would have to wait long.
        """
        if months < FEWEST_MONTHS:
            raise InputError(f"Uses are kept for at least {FEWEST_MONTHS} whole months, not {months}.", field="months")
        line = self.line(months)
        compared = await self.verify(tenant_id, before=line)
        if compared.differences:
            raise Conflict(
                f"The daily sums of {len(compared.differences):,} days are not those of the uses that would go.",
                kept="No use was let go.",
                next_step="Look at them with `steelyard rollup verify`, and mend them with --repair.",
            )
        try:
            async with self._database.tenant(tenant_id) as connection:
                dropped = await rollup.drop_partitions(connection, line)
        except rollup.UsesHeld:
            raise Conflict(
                "Uses were being written or read for more than ten seconds, so that none could be let go.",
                kept="No use was let go.",
                next_step="Run it again later.",
            ) from None
        async with self._database.tenant(tenant_id) as connection:
            # Fewer months may have been kept before: what went does not come back.
            line = (await rollup.span(connection)).kept_from or line
            return LetGo(line, dropped, await rollup.drop_unmatched(connection, line))

    def line(self, months: int) -> date:
        """The first day of which uses are kept."""
        today = self._now().astimezone(UTC).date()
        back = today.year * 12 + today.month - 1 - months
        return date(back // 12, back % 12 + 1, 1)


def differing_skills(differences: Sequence[Difference]) -> int:
    """How many skills they are of."""
    return len({difference.skill_id for difference in differences})


def _months(span: rollup.Span, before: date | None) -> Iterator[date]:
    month = max(span.first, span.kept_from or span.first).replace(day=1)
    while month <= span.last and (before is None or month < before):
        yield month
        month = _after(month)


def _after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)

"""What made a skill's use cost more or less than in the days before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.domain.errors import InputError, ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.pricing import Cost
from steelyard.services.cost_split import ModelPeriod, SplitParts, split_cost
from steelyard.storage import production
from steelyard.storage.database import Database
from steelyard.storage.production import ModelStretch

Pricer = Callable[[Usage, ModelRef, date], Cost | None]

# An average in whole tokens is at most so much off what it is the average of; another tier is further.
_ROUNDING = 0.02


@dataclass(frozen=True)
class TrendSplit:
    """The change from `half` days to the `half` days after them, up to and with today.

    `uses_before` and `uses_after` are those of known cost that are in it. `left_out` are uses of days, models and
    versions with an unknown cost among them; what is known of theirs is no part of the change either.
    """

    half: int
    uses_before: int
    uses_after: int
    left_out: int
    parts: SplitParts

    @property
    def both(self) -> bool:
        """Whether there were uses in both periods, so that there is something to compare."""
        return bool(self.uses_before and self.uses_after)


class CostTrends:
    """Use cases on the change of cost, for one tenant at a time."""

    def __init__(
        self, database: Database, price: Pricer, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._price = price
        self._now = now

    async def split(self, tenant_id: UUID, skill_id: UUID, days: int) -> TrendSplit:
        """The later half of the last `days` UTC days (2 to 3,650) against the half before. Raises InputError."""
        if not 2 <= days <= 3650:
            raise InputError(f"A trend has 2 to 3,650 days, not {days:,}.")
        half, last = days // 2, self._now().astimezone(UTC).date()
        middle = last - timedelta(days=half - 1)
        async with self._database.tenant(tenant_id) as connection:
            rows = await production.model_stretches(
                connection, skill_id, first=middle - timedelta(days=half), middle=middle, last=last
            )
        before, after = _periods(rows, later=False), _periods(rows, later=True)
        return TrendSplit(
            half,
            sum(one.uses for one in before.values()),
            sum(one.uses for one in after.values()),
            sum(row.other_uses for row in rows),
            split_cost(before, after, self._reference(before, after, last)),
        )

    def _reference(
        self, before: Mapping[str, ModelPeriod], after: Mapping[str, ModelPeriod], day: date
    ) -> dict[str, tuple[int, int]]:
        """What each model's uses would cost in both periods at the prices of one day; models of known price alone."""
        found: dict[str, tuple[int, int]] = {}
        for name in {*before, *after}:
            costs = [self._at(name, period.get(name), day) for period in (before, after)]
            if costs[0] is not None and costs[1] is not None:
                found[name] = (costs[0], costs[1])
        return found

    def _at(self, name: str, period: ModelPeriod | None, day: date) -> int | None:
        return 0 if period is None else cost_of_uses(self._price, name, period.tokens, period.uses, day)


def cost_of_uses(price: Pricer, name: str, tokens: Usage, uses: int, day: date) -> int | None:
    """What so many uses of these tokens together cost at a day's prices, microcents; None where they are not known.

    A price by the token is that of all tokens at once; one that goes by the length of a call is that of the average
    use, so many times.
    """
    try:
        model = ModelRef.parse(name)
    except ModelRefError:
        return None
    average, whole = price(_mean(tokens, uses), model, day), price(tokens, model, day)
    if average is None or whole is None:
        return None
    each = average.microcents * uses
    return whole.microcents if abs(whole.microcents - each) <= _ROUNDING * each else each


def _mean(tokens: Usage, uses: int) -> Usage:
    """The average of so many uses, in whole tokens."""
    return Usage(
        round(tokens.input_tokens / uses),
        round(tokens.output_tokens / uses),
        round(tokens.cache_read_tokens / uses),
        round(tokens.cache_write_tokens / uses),
        round(tokens.reasoning_tokens / uses),
    )


def _periods(rows: Sequence[ModelStretch], *, later: bool) -> dict[str, ModelPeriod]:
    return {
        row.model_name: ModelPeriod(row.uses, _tokens(row), row.cost_microcents)
        for row in rows
        if row.later is later and row.uses
    }


def _tokens(row: ModelStretch) -> Usage:
    return Usage(
        row.input_tokens, row.output_tokens, row.cache_read_tokens, row.cache_write_tokens, row.reasoning_tokens
    )

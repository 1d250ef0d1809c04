"""Uses whose price was not known when they came, priced once it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.pricing import Cost
from steelyard.storage import unpriced
from steelyard.storage.database import Database
from steelyard.storage.unpriced import Pricing, UnpricedUse

Pricer = Callable[[Usage, ModelRef, date], Cost | None]

BATCH = 2_000


@dataclass(frozen=True)
class PricedModel:
    """One model: how many uses were priced now, for how many microcents, and how many still have no known price."""

    model: str
    priced: int
    microcents: int
    unknown: int


@dataclass(frozen=True)
class PricedLater:
    """What became of the uses without a cost; `unmatched` counts those priced of skills that are not here."""

    models: tuple[PricedModel, ...]
    unmatched: int

    @property
    def priced(self) -> int:
        return sum(model.priced for model in self.models)

    @property
    def unknown(self) -> int:
        return sum(model.unknown for model in self.models)


class LaterPrices:
    """Prices uses of one tenant at a time. Safe to run at any time and again: a cost that is known is never changed."""

    def __init__(self, database: Database, price: Pricer) -> None:
        self._database = database
        self._price = price

    async def price(self, tenant_id: UUID) -> PricedLater:
        """Price what can be, each use by the prices of its day; some thousands are committed at a time.

        A use and its daily sum change in one transaction. Raises nothing of its own.
        """
        async with self._database.tenant(tenant_id) as connection:
            days = await unpriced.unpriced_days(connection)
        found: dict[str, PricedModel] = {}
        for one in days:
            done, cost, unknown = 0, 0, one.uses
            if self._cost(Usage(1, 1), one.model_name, one.day) is not None:
                done, cost, unknown = await self._day(tenant_id, one.model_name, one.day)
            before = found.get(one.model_name, PricedModel(one.model_name, 0, 0, 0))
            found[one.model_name] = PricedModel(
                one.model_name,
                before.priced + done,
                before.microcents + cost,
                before.unknown + unknown,
            )
        return PricedLater(tuple(found.values()), await self._unmatched(tenant_id))

    async def _day(self, tenant_id: UUID, model: str, day: date) -> tuple[int, int, int]:
        """(uses priced, microcents, uses without a price) of a model's day; what others price meanwhile is neither."""
        done = cost = unknown = 0
        after: UnpricedUse | None = None
        while True:
            async with self._database.tenant(tenant_id) as connection:
                uses = await unpriced.unpriced_uses(connection, model, day, after=after, limit=BATCH)
                pricings = self._pricings([(model, use) for use in uses])
                written, microcents = await unpriced.give_costs(connection, pricings) if pricings else (0, 0)
            done, cost, unknown = done + written, cost + microcents, unknown + len(uses) - len(pricings)
            if len(uses) < BATCH:
                return done, cost, unknown
            after = uses[-1]

    async def _unmatched(self, tenant_id: UUID) -> int:
        done = 0
        after: UnpricedUse | None = None
        while True:
            async with self._database.tenant(tenant_id) as connection:
                found = await unpriced.unpriced_unmatched(connection, after=after, limit=BATCH)
                pricings = self._pricings(found)
                done += await unpriced.give_costs_to_unmatched(connection, pricings) if pricings else 0
            if len(found) < BATCH:
                return done
            after = found[-1][1]

    def _pricings(self, uses: Sequence[tuple[str, UnpricedUse]]) -> list[Pricing]:
        costs = [(use, self._cost(use.usage, model, use.measured_at.astimezone(UTC).date())) for model, use in uses]
        return [Pricing(use.id, use.measured_at, cost) for use, cost in costs if cost is not None]

    def _cost(self, usage: Usage, model: str, day: date) -> Cost | None:
        try:
            return self._price(usage, ModelRef.parse(model), day)
        except ModelRefError:
            return None

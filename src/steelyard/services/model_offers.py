"""The models to choose from: used before, on this machine, and the vendors' current ones, each with its price."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, Protocol
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.domain.models import ModelRef
from steelyard.pricing import Price
from steelyard.providers.catalogue import CATALOGUE
from steelyard.providers.known import known_models
from steelyard.providers.local import installed_models
from steelyard.providers.settings import LOCAL, ProviderSettings
from steelyard.storage import model_stats
from steelyard.storage.database import Database
from steelyard.storage.model_stats import ModelSeen

MOST_SEEN = 30
RUNS_LOOKED_AT = 1_000
NEWEST_PER_VENDOR = 4

PriceFinder = Callable[[ModelRef, date], Price | None]
Group = Literal["used before", "chosen", "on this machine", "current"]


class ModelChecker(Protocol):
    """Tells whether a model can be called."""

    def check(self, ref: ModelRef) -> None:
        """Raises ModelRefError or MissingKey."""


@dataclass(frozen=True)
class OfferedModel:
    """One model to choose. `price` is today's in US dollars per million tokens, None where it is not known.

    A model that is not `usable` says why in `reason`, and in `remedy` what to do about it. `runs` are counted among the
    newest 1,000.
    """

    model: str
    provider: str
    group: Group
    price: Price | None
    usable: bool
    reason: str | None
    remedy: str | None
    runs: int = 0
    last_used: datetime | None = None


class ModelOffers:
    """Collects what can be chosen, for one tenant at a time."""

    def __init__(
        self, database: Database, settings: ProviderSettings, checker: ModelChecker, price: PriceFinder
    ) -> None:
        self._database = database
        self._settings = settings
        self._checker = checker
        self._price = price

    async def offers(self, tenant_id: UUID, *, also: Sequence[str] = ()) -> tuple[OfferedModel, ...]:
        """Used before (newest first, then those of `also`), on this machine, then each provider's current ones.

        No model is named twice. A provider without a key shows its models with the reason; so do local models that are
        not installed.
        """
        async with self._database.tenant(tenant_id) as connection:
            seen = await model_stats.models_seen(connection, limit=MOST_SEEN, newest_runs=RUNS_LOOKED_AT)
        # The first time, pydantic-ai and the prices are imported.
        return await asyncio.to_thread(self._collect, seen, also)

    def _collect(self, seen: Sequence[ModelSeen], also: Sequence[str]) -> tuple[OfferedModel, ...]:
        found: dict[str, OfferedModel] = {}
        today = datetime.now(UTC).date()

        def add(text: str, group: Group, runs: int = 0, last_used: datetime | None = None) -> None:
            if text in found:
                return
            try:
                ref = ModelRef.parse(text)
            except InputError:
                return
            problem: InputError | None = None
            try:
                self._checker.check(ref)
            except InputError as error:
                problem = error
            found[ref.text] = OfferedModel(
                model=ref.text,
                provider=ref.provider,
                group=group,
                price=self._price(ref, today),
                usable=problem is None,
                reason=problem.message if problem else None,
                remedy=problem.next_step if problem else None,
                runs=runs,
                last_used=last_used,
            )

        for one in seen:
            add(one.model, "used before", one.runs, one.last_used)
        for text in also:
            add(text, "chosen")
        here = installed_models(self._settings.home)
        for name in sorted({*here, *CATALOGUE}, key=lambda name: (name not in here, name)):
            add(f"{LOCAL}:{name}", "on this machine")
        for name in self._current():
            add(name, "current")
        return tuple(found.values())

    def _current(self) -> list[str]:
        """The newest of each vendor, and what the settings file has a price for."""
        known = known_models()
        names: list[str] = []
        for endpoint in self._settings.endpoints.values():
            if endpoint.has_vendors_models:
                vendor = known.get(endpoint.kind, ())
                names += [f"{endpoint.name}:{name}" for name in vendor[:NEWEST_PER_VENDOR]]
        return [*names, *self._settings.prices]

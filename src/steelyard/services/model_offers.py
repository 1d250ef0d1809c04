"""The models to choose from: used before, on this machine, and the vendors' current ones, each with its price."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, Protocol
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.domain.models import ModelRef
from steelyard.pricing import Price
from steelyard.providers.catalogue import CATALOGUE
from steelyard.providers.known import known_models
from steelyard.providers.listing import Listing, listed_models
from steelyard.providers.local import installed_models
from steelyard.providers.settings import LOCAL, Endpoint, ProviderSettings
from steelyard.storage import model_stats
from steelyard.storage.database import Database
from steelyard.storage.model_stats import ModelSeen

MOST_SEEN = 30
RUNS_LOOKED_AT = 1_000
NEWEST_PER_VENDOR = 4
MOST_LISTED = 60
# How long a server's list is taken for its list, and how long one that gave none is left alone.
LISTED_FOR_S = 600.0
SILENT_FOR_S = 20.0

Lister = Callable[[Endpoint], Awaitable[Listing]]
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


@dataclass(frozen=True)
class OwnAddress:
    """A server of one's own in a provider's place. `asked` whether it was for its models, of which it has `listed`;
    without any `why` says what came of it.
    """

    provider: str
    address: str
    asked: bool
    listed: int = 0
    why: str | None = None


class ModelOffers:
    """Collects what can be chosen, for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        settings: ProviderSettings,
        checker: ModelChecker,
        price: PriceFinder,
        lister: Lister = listed_models,
        *,
        tenants: Callable[[], ProviderSettings] | None = None,
    ) -> None:
        """`tenants` gives the settings of the tenant that is being served, where they are not `settings`."""
        self._now = tenants or (lambda: settings)
        self._database = database
        self._settings = settings
        self._checker = checker
        self._price = price
        self._lister = lister
        # By endpoint, for another's provider of the same name is another server: until when it stands, what it listed.
        self._listings: dict[Endpoint, tuple[float, Listing]] = {}
        self._asking = asyncio.Lock()

    def addresses(self) -> tuple[OwnAddress, ...]:
        """The servers of one's own that can be called, as far as they were asked; nothing is asked here."""
        return tuple(self._address(endpoint) for endpoint in self._own())

    async def ask(self) -> tuple[OwnAddress, ...]:
        """Ask those servers for their models, unless they were asked lately; takes seconds where one is silent."""
        async with self._asking:
            now = time.monotonic()
            unknown = [end for end in self._own() if self._listings.get(end, (0.0,))[0] <= now]
            for endpoint, listing in zip(unknown, await asyncio.gather(*map(self._lister, unknown)), strict=True):
                kept_s = LISTED_FOR_S if listing.names else SILENT_FOR_S
                self._listings[endpoint] = (time.monotonic() + kept_s, listing)
        return self.addresses()

    def listed(self, provider: str) -> tuple[str, ...]:
        """What the server of one's own in a provider's place listed when it was last asked; nothing is asked here."""
        endpoint = self._now().endpoints.get(provider)
        if endpoint is None:
            return ()
        until, listing = self._listings.get(endpoint, (0.0, Listing(())))
        return listing.names if until > time.monotonic() else ()

    def _own(self) -> list[Endpoint]:
        return [end for end in self._now().endpoints.values() if end.usable and not end.has_vendors_models]

    def _address(self, endpoint: Endpoint) -> OwnAddress:
        until, listing = self._listings.get(endpoint, (0.0, Listing(())))
        asked = until > time.monotonic()
        return OwnAddress(endpoint.name, endpoint.base_url or "", asked, len(listing.names), listing.why)

    async def offers(self, tenant_id: UUID, *, also: Sequence[str] = ()) -> tuple[OfferedModel, ...]:
        """Used before (newest first, then those of `also`), on this machine, then each provider's current ones.

        No model is named twice. A provider without a key shows its models with the reason; so do local models that are
        not installed. A server of one's own has those it listed when it was last asked.
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
        if self._now().local:
            here = installed_models(self._settings.home)
            for name in sorted({*here, *CATALOGUE}, key=lambda name: (name not in here, name)):
                add(f"{LOCAL}:{name}", "on this machine")
        for name in self._current():
            add(name, "current")
        return tuple(found.values())

    def _current(self) -> list[str]:
        """The newest of each vendor, what servers of one's own listed, and what somebody gave a price for."""
        known = known_models()
        names: list[str] = []
        for endpoint in self._now().endpoints.values():
            if endpoint.has_vendors_models:
                vendor = known.get(endpoint.kind, ())
                names += [f"{endpoint.name}:{name}" for name in vendor[:NEWEST_PER_VENDOR]]
            elif endpoint in self._listings:
                _, listing = self._listings[endpoint]
                names += [f"{endpoint.name}:{name}" for name in listing.names[:MOST_LISTED]]
        now = self._now()
        return [*names, *(name for name in (*now.dated, *self._settings.prices) if name.partition(":")[0] in now.names)]

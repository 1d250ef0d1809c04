"""What every service of a process is made of: where it lives, its models, their prices, its database."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path
    from uuid import UUID

    from steelyard.domain.calls import Trouble
    from steelyard.domain.models import ModelRef
    from steelyard.domain.usage import Usage
    from steelyard.judging import Judge
    from steelyard.judging.default import DefaultJudge
    from steelyard.pricing import Cost, Price
    from steelyard.providers.own_prices import OwnPrices
    from steelyard.providers.settings import ProviderSettings
    from steelyard.providers.settings_watch import SettingsWatch
    from steelyard.providers.tenants import TenantProviders
    from steelyard.services.metrics import Metrics
    from steelyard.services.provider_prices import ProviderPriceService
    from steelyard.services.rotation import Rotation
    from steelyard.services.secret_keeping import SecretKeeping
    from steelyard.services.tenant_providers import TenantProviderService
    from steelyard.storage.database import Database
    from steelyard.storage.queue import Queue


@dataclass
class Base:
    """Fields and what needs nothing beyond them. `settings` are the server's; `providers` answer for the tenant that is
    being served."""

    home: Path
    tenant_id: UUID
    settings: ProviderSettings
    providers: TenantProviders
    database: Database
    queue: Queue
    concurrency: int
    embedded: bool
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @cached_property
    def own_prices(self) -> OwnPrices:
        from steelyard.providers.own_prices import OwnPrices

        return OwnPrices(self.home, self.settings.prices)

    @cached_property
    def settings_watch(self) -> SettingsWatch:
        from steelyard.providers.settings_watch import SettingsWatch

        return SettingsWatch(self.home, self.env, self.settings)

    def price(self, usage: Usage, model: ModelRef, when: date) -> Cost | None:
        """What a call of the tenant being served costs; None when its price is not known.

        By the tenant's own prices, else the operator's, else the known ones. Whatever prices a call does it here.
        """
        from steelyard.pricing import cost

        return cost(usage, model, when, self.own_prices.current(), self.providers.settings().dated)

    def price_today(self, model: ModelRef, when: date) -> Price | None:
        """The rates of `model` on `when`, as `price` uses them."""
        from steelyard.pricing import price_of

        return price_of(model, when, self.own_prices.current(), self.providers.settings().dated)

    def judge(self, model: ModelRef) -> Judge:
        """The judge that asks `model`, bound to where that model is served from."""
        from steelyard.judging import Judge

        return Judge(model, self.providers.identity(model))

    @cached_property
    def metrics(self) -> Metrics:
        """What this process counts; model calls from when it is first asked for."""
        from steelyard.services.metrics import Metrics

        metrics = Metrics(self.database, self.price, lambda: self.in_flight, self.settings.names)
        self.providers.on_ended = metrics.call
        return metrics

    @property
    def in_flight(self) -> int:
        """Calls this process is waiting for; one that waits for a slot or a retry is not yet, or no longer, out."""
        return self.providers.in_flight

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What this process's calls keep failing with while they are tried again."""
        return self.providers.troubles()

    @property
    def team(self) -> bool:
        """Whether several tenants share this installation."""
        from steelyard.domain.hosting import Mode

        return self.settings.hosting.mode is Mode.TEAM

    @cached_property
    def secrets(self) -> SecretKeeping:
        """Encrypts what tenants must not lose; the home's master key is made where it serves one database alone."""
        from steelyard.services.secret_keeping import SecretKeeping
        from steelyard.vault.keys import key_ring

        may_make = self.embedded or not self.team
        return SecretKeeping(lambda: key_ring(self.home, self.env, may_make=may_make))

    @cached_property
    def rotation(self) -> Rotation:
        """New master keys for all tenants' secrets."""
        from steelyard.services.rotation import Rotation
        from steelyard.vault.keys import key_ring

        return Rotation(self.database, self.secrets, lambda: key_ring(self.home, self.env, may_make=False))

    @cached_property
    def tenant_providers(self) -> TenantProviderService:
        """Providers that tenants set for themselves."""
        from steelyard.domain.hosting import Mode
        from steelyard.domain.reach import ANYWHERE, reach_of
        from steelyard.services.tenant_providers import TenantProviderService
        from steelyard.storage.tenants import LOCAL_TENANT

        mode, allowed = self.settings.hosting.mode, reach_of(self.env)
        shared = mode is Mode.LOCAL if self.settings.shared is None else self.settings.shared
        return TenantProviderService(
            self.database,
            self.secrets,
            self.settings,
            # The owner of the machine may call what is on it. Where no mode was said, another tenant is a team's.
            reach=lambda tenant: (
                ANYWHERE if mode is Mode.LOCAL or (mode is None and tenant == LOCAL_TENANT) else allowed
            ),
            shared_with=lambda tenant: shared or tenant == LOCAL_TENANT,
            # In a team nobody is told of the server's files, or names one: its own tenant may have other members.
            is_servers=lambda tenant: tenant == LOCAL_TENANT and not self.team,
            changed=self.providers.changed,
        )

    @cached_property
    def provider_prices(self) -> ProviderPriceService:
        """Prices that tenants give for the models of their own providers."""
        from steelyard.services.provider_prices import ProviderPriceService

        return ProviderPriceService(self.database, changed=self.providers.changed)

    def default_judge(self, candidates: Iterable[ModelRef]) -> DefaultJudge:
        """The judge to use when none is named: out of the candidates' families where keys allow it."""
        from steelyard.judging.default import choose_judge

        usable = {name: end for name, end in self.providers.settings().endpoints.items() if end.usable}
        vendors = [name for name, end in usable.items() if end.has_vendors_models]
        elsewhere = {name: end.base_url_from for name, end in usable.items() if not end.has_vendors_models}
        return choose_judge(vendors, list(candidates), elsewhere)

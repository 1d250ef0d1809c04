"""The models of whichever tenant is being served: each tenant's providers and keys are its own."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID
from weakref import WeakSet

from steelyard.domain.calls import CallError, ModelRequest, ModelResponse, Trouble
from steelyard.domain.masking import serve_alone, texts_being, texts_of
from steelyard.domain.models import ModelRef
from steelyard.providers.registry import WHOSE, Providers

if TYPE_CHECKING:
    from steelyard.providers.limiter import AdaptiveLimit, CallSlots
    from steelyard.providers.retry import RetryPolicy
    from steelyard.providers.settings import ProviderSettings

# How long what a tenant has set may have been changed by another process before this one takes notice, in seconds.
LOOK_S = 2.0

_serving: ContextVar[Providers] = ContextVar("serving")


class NoTenant(RuntimeError):
    """Models were asked for where nobody has said whose: a fault of ours, and never answered with another's keys."""


@dataclass(frozen=True)
class Found:
    """What a tenant's providers are. `version` compares equal for as long as nothing was changed."""

    version: object
    settings: ProviderSettings


# A tenant's providers as they are now; None where `version` is still theirs.
Find = Callable[[UUID, object], Awaitable[Found | None]]


@dataclass
class _Known:
    version: object
    providers: Providers
    looked: float


class TenantProviders:
    """Answers for the tenant that is being served in the present task, by `serving` or `enter`, and for no other.

    The server's own providers, `own`, answer for a tenant whose settings are the very same; every other tenant has
    connections, keys and troubles to itself. Calls of all share the process's slots.
    """

    def __init__(
        self,
        own: Providers,
        *,
        slots: CallSlots,
        policy: RetryPolicy | None = None,
        look_s: float = LOOK_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.own = own
        # Hears of each call that has ended, attempts taken together.
        self.on_ended: Callable[[ModelRef, ModelResponse | CallError], None] | None = None
        self._slots = slots
        self._policy = policy
        self._look_s = look_s
        self._clock = clock
        self._find: Find | None = None
        self._default: UUID | None = None
        self._known: dict[UUID, _Known] = {}
        self._looking: dict[UUID, asyncio.Lock] = {}
        self._held: Counter[Providers] = Counter()
        self._made: WeakSet[Providers] = WeakSet([own])
        self._closing: set[asyncio.Task[None]] = set()
        own.on_ended = self._tell

    def look_up(self, find: Find, default: UUID | None) -> None:
        """Ask `find` for tenants' providers from now on. Where no tenant is being served, `default` is meant."""
        self._find = find
        self._default = default
        serve_alone(default)

    def require_tenant(self) -> None:
        """From now on it is an error to ask for models where no tenant is being served."""
        self._default = None
        serve_alone(None)

    async def of(self, tenant_id: UUID, *, anew: bool = False) -> Providers:
        """The tenant's providers, at most `look_s` old; with `anew` no older than the question.

        Raises what looking them up raises.
        """
        asked = self._clock()
        # Who asks while another looks waits, and shares what the next one finds.
        oldest = asked if anew else asked - self._look_s
        known = self._known.get(tenant_id)
        if known is not None and known.looked > oldest:
            return known.providers
        async with self._looking.setdefault(tenant_id, asyncio.Lock()):
            known = self._known.get(tenant_id)
            if known is None or known.looked <= oldest:
                known = await self._look(tenant_id, known)
        return known.providers

    @asynccontextmanager
    async def serving(self, tenant_id: UUID) -> AsyncGenerator[None]:
        """Answer for this tenant inside, also in tasks begun there, by its providers as they are at the beginning.

        They are looked up anew: what was set before a job was asked for, a price above all, counts for that job.
        """
        found = await self.of(tenant_id, anew=True)
        token, whose = _serving.set(found), WHOSE.set(tenant_id)
        self._held[found] += 1
        try:
            with texts_being(tenant_id):
                yield
        finally:
            _serving.reset(token)
            WHOSE.reset(whose)
            self._held[found] -= 1
            self._let_go(found)

    async def enter(self, tenant_id: UUID) -> None:
        """Answer for this tenant from now on in the present task: a request, which calls no model itself."""
        texts_of.set(tenant_id)
        _serving.set(await self.of(tenant_id))
        WHOSE.set(tenant_id)

    def changed(self, tenant_id: UUID) -> None:
        """Look up the tenant's providers anew when they are next asked for."""
        known = self._known.get(tenant_id)
        if known is not None:
            known.looked = float("-inf")

    async def aclose(self) -> None:
        """Close all connections; safe to call twice."""
        for providers in [*self._made]:
            await providers.aclose()
        if self._closing:
            await asyncio.wait({*self._closing})

    @property
    def now(self) -> Providers:
        """Those of the tenant being served. Raises NoTenant."""
        found = _serving.get(None)
        if found is not None and found in self._made:
            return found
        if self._default is None:
            raise NoTenant("No tenant is being served here, so no provider's key may be used.")
        known = self._known.get(self._default)
        return self.own if known is None else known.providers

    def settings(self) -> ProviderSettings:
        """What the tenant's providers are made of."""
        return self.now.settings

    async def complete(
        self, request: ModelRequest, *, priority: int = 0, before_call: Callable[[bool], Awaitable[None]] | None = None
    ) -> ModelResponse:
        """As of `Providers`, with the tenant's key."""
        return await self.now.complete(request, priority=priority, before_call=before_call)

    def check(self, ref: ModelRef) -> None:
        """As of `Providers`."""
        self.now.check(ref)

    def identity(self, ref: ModelRef) -> str:
        """As of `Providers`."""
        return self.now.identity(ref)

    def limit(self, ref: ModelRef) -> AdaptiveLimit:
        """As of `Providers`."""
        return self.now.limit(ref)

    def usable(self) -> tuple[str, ...]:
        """As of `Providers`."""
        return self.now.usable()

    def troubles(self) -> tuple[Trouble, ...]:
        """As of `Providers`: those of the tenant's own calls."""
        return self.now.troubles()

    def warm(self, refs: Iterable[ModelRef]) -> None:
        """As of `Providers`."""
        self.now.warm(refs)

    @property
    def in_flight(self) -> int:
        """Calls under way at this moment, of all tenants."""
        return self._slots.in_flight

    async def _look(self, tenant_id: UUID, known: _Known | None) -> _Known:
        if self._find is None:
            raise NoTenant("Tenants' providers cannot be looked up yet.")
        looked = self._clock()
        found = await self._find(tenant_id, None if known is None else known.version)
        if found is None:
            assert known is not None
            known.looked = looked
            return known
        now = self._known[tenant_id] = _Known(found.version, self._make(tenant_id, found.settings), looked)
        if known is not None:
            self._let_go(known.providers)
        return now

    def _make(self, tenant_id: UUID, settings: ProviderSettings) -> Providers:
        if settings == self.own.settings:
            return self.own
        made = Providers(
            settings, slots=self._slots, policy=self._policy, scope=str(tenant_id), lend=self.own.local_models
        )
        made.on_ended = self._tell
        self._made.add(made)
        return made

    def _let_go(self, providers: Providers) -> None:
        """Close what has been replaced, once nothing is done with it any more."""
        if self._held[providers] > 0:
            return
        del self._held[providers]
        if providers is self.own or any(known.providers is providers for known in self._known.values()):
            return
        closing = asyncio.create_task(providers.aclose(), name="closing of replaced providers")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _tell(self, model: ModelRef, ended: ModelResponse | CallError) -> None:
        if self.on_ended is not None:
            self.on_ended(model, ended)

"""The one door to models: finds the provider of a reference, waits for leave to call, retries, and answers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from steelyard import telemetry
from steelyard.domain.calls import CallError, ModelRequest, ModelResponse, Provider, Trouble
from steelyard.domain.errors import MissingKey, ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.providers.limiter import AdaptiveLimit, CallSlots
from steelyard.providers.retry import RetryPolicy, call_with_retries
from steelyard.providers.settings import LOCAL, Endpoint, ProviderSettings
from steelyard.providers.variants import variant_settings

if TYPE_CHECKING:
    from steelyard.providers.local import LocalModels

logger = logging.getLogger(__name__)

# On whose behalf models are called, where several share the same providers; None sees the troubles of all.
WHOSE: ContextVar[object] = ContextVar("whose", default=None)

# What models are called for, a run or whatever else jobs are of: those of one tenant share the calls at once.
CALLED_FOR: ContextVar[object] = ContextVar("called_for", default=None)

DEFAULT_CONCURRENCY = 50
# A call that fails for so long is worth a word; shorter waits are a busy vendor's ordinary way.
TROUBLE_AFTER_S = 3.0


class Providers:
    """Answers requests for the models of every provider.

    `slots` is shared with whatever else of the process calls models; `policy` says how failed calls are tried again.
    `scope` tells its models from those of the same names in others; `lend` gives local models that others use too, and
    that are not closed here.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        slots: CallSlots | None = None,
        policy: RetryPolicy | None = None,
        scope: str = "",
        lend: Callable[[], LocalModels] | None = None,
    ) -> None:
        self._settings = settings
        self._scope = scope
        self._lend = lend
        self._slots = slots or CallSlots(DEFAULT_CONCURRENCY)
        self._policy = policy or RetryPolicy(deadline_s=settings.calls.deadline_s)
        self._gateways: dict[str, Provider] = {}
        self._opening = threading.Lock()
        self._local: LocalModels | None = None
        self._limits: dict[str, AdaptiveLimit] = {}
        # Hears of each call that has ended, attempts taken together.
        self.on_ended: Callable[[ModelRef, ModelResponse | CallError], None] | None = None
        # By ticket, the calls that have failed and are tried again: whose, provider, since when, with what message.
        self._failing: dict[int, tuple[object, str, float, str]] = {}

    async def complete(
        self, request: ModelRequest, *, priority: int = 0, before_call: Callable[[bool], Awaitable[None]] | None = None
    ) -> ModelResponse:
        """One reply; calls of higher `priority` go first, and `before_call` may refuse each attempt by raising.

        It hears whether one since it ran last may have been paid for. Raises CallError; cancellation passes through.
        """
        provider = self._gateways.get(request.model.provider) or await asyncio.to_thread(self._open, request.model)
        limit = self._limit(request.model.provider)
        # Before a slot is held: what takes time here must not keep others from calling.
        await provider.prepare(request)
        ticket = self._slots.ticket()
        name, whose, of = f"{self._scope}\0{request.model.text}", WHOSE.get(), CALLED_FOR.get()

        def failed(error: CallError) -> None:
            began = self._failing[ticket][2] if ticket in self._failing else self._policy.clock()
            self._failing[ticket] = (whose, request.model.provider, began, error.message)

        try:
            with telemetry.model_call(request.model.provider, request.model.name) as note:
                response = await call_with_retries(
                    lambda: provider.complete(request),
                    self._policy,
                    lambda: self._slots.hold(limit, model=name, priority=priority, ticket=ticket, whose=whose, of=of),
                    before_call,
                    failed,
                )
                note("gen_ai.usage.input_tokens", response.usage.input_tokens)
                note("gen_ai.usage.output_tokens", response.usage.output_tokens)
                note("steelyard.attempts", response.attempts)
        except CallError as error:
            self._tell(request.model, error)
            raise
        finally:
            self._failing.pop(ticket, None)
        self._tell(request.model, response)
        return response

    async def aclose(self) -> None:
        """Close connections and unload local models; safe to call twice."""
        gateways, self._gateways = self._gateways, {}
        for name, gateway in gateways.items():
            if name != LOCAL or self._lend is None:
                await gateway.aclose()
        self._local = None

    def check(self, ref: ModelRef) -> None:
        """Whether `ref` can be called at all, as far as can be told without spending.

        Raises ModelRefError (unknown provider, setting or local model) or MissingKey.
        """
        if ref.provider == LOCAL:
            variant_settings(ref, LOCAL)
            self._local_models(ref).check(ref)
            return
        endpoint = self._endpoint(ref.provider)
        variant_settings(ref, endpoint.kind)
        if endpoint.key_problem is not None:
            raise MissingKey(
                f"The key of {ref.provider} cannot be read. {endpoint.key_problem}",
                next_step="An admin enters it anew under Settings, Providers.",
            )
        if not endpoint.usable:
            raise MissingKey(
                f"{ref.text} needs a key, and {endpoint.key_env} is not set.",
                next_step=f"Set {endpoint.key_env}, or name a local model such as local:smollm2-135m.",
            )

    @property
    def in_flight(self) -> int:
        """Calls under way at this moment."""
        return self._slots.in_flight

    def troubles(self, *, after_s: float = TROUBLE_AFTER_S) -> tuple[Trouble, ...]:
        """What calls have been waiting for since more than `after_s`, by provider, the longest wait first.

        Then the models that have not replied for long to calls that are out. Only of calls on behalf of WHOSE.
        """
        now, whose = self._policy.clock(), WHOSE.get()
        by_provider: dict[str, list[tuple[float, str]]] = {}
        for owner, name, began, message in self._failing.values():
            if whose in (None, owner):
                by_provider.setdefault(name, []).append((now - began, message))
        found = [Trouble(name, max(failing)[1], len(failing), max(failing)[0]) for name, failing in by_provider.items()]
        failing = sorted((t for t in found if t.since_s >= after_s), key=lambda trouble: -trouble.since_s)
        silent = [
            Trouble(ModelRef.parse(model).provider, f"{model} does not reply", one.calls, one.since_s, True)
            for one in self._slots.silences(whose)
            for scope, _, model in [one.model.partition("\0")]
            if scope == self._scope
        ]
        return (*failing, *silent)

    @property
    def settings(self) -> ProviderSettings:
        """What these providers were made of."""
        return self._settings

    def local_models(self) -> LocalModels:
        """The models that run in this process, to be lent."""
        return self._local_models()

    def usable(self) -> tuple[str, ...]:
        """The names of the vendors a key is at hand for."""
        return tuple(name for name, endpoint in self._settings.endpoints.items() if endpoint.usable)

    def warm(self, refs: Iterable[ModelRef]) -> None:
        """Import what calling `refs` needs: seconds of CPU, so do it in a thread while something else is waited for."""
        for name in sorted({ref.provider for ref in refs}):
            if name == LOCAL:
                self._local_models()
            else:
                from steelyard.providers import vendors

                vendors.load(self._endpoint(name).kind)

    def identity(self, ref: ModelRef) -> str:
        """A stable text of what answers: provider, model, settings, and the address where it is not the vendor's own.

        For a local model the weights' identity, so that another file under the same name is another model.
        """
        if ref.provider == LOCAL:
            parts: list[object] = [ref.text, self._local_models(ref).identity(ref)]
        else:
            endpoint = self._endpoint(ref.provider)
            parts = [ref.text, endpoint.kind, (endpoint.base_url or "").rstrip("/"), endpoint.structured_output]
        return json.dumps(parts, ensure_ascii=False)

    def provider_key(self, ref: ModelRef) -> str:
        """What shares one limit of calls at once: a provider and its key; the key itself does not show."""
        return self._provider_key(ref.provider)

    def limit(self, ref: ModelRef) -> AdaptiveLimit:
        """The adaptive limit `ref` is called under, to be shown."""
        return self._limit(ref.provider)

    def _tell(self, model: ModelRef, ended: ModelResponse | CallError) -> None:
        if self.on_ended is None:
            return
        try:
            self.on_ended(model, ended)
        except Exception:
            # The reply is paid for: whatever is wrong with counting it, it goes to whoever asked.
            logger.exception("A call of a model could not be counted.")

    def _provider_key(self, name: str) -> str:
        if name == LOCAL:
            return LOCAL
        endpoint = self._endpoint(name)
        secret = f"{endpoint.base_url or endpoint.kind}\0{endpoint.api_key or ''}\0{endpoint.auth_token or ''}"
        return f"{name}:{hashlib.sha256(secret.encode()).hexdigest()[:12]}"

    def _limit(self, name: str) -> AdaptiveLimit:
        limit = self._limits.get(name)
        if limit is None:
            ceiling = self._local_models().parallel if name == LOCAL else None
            limit = self._limits[name] = self._slots.limit(self._provider_key(name), ceiling)
        return limit

    def _endpoint(self, name: str) -> Endpoint:
        endpoint = self._settings.endpoints.get(name)
        if endpoint is None:
            others = f"Others go under [providers.{name}] in {self._settings.home / 'settings.toml'}."
            raise ModelRefError(
                f"There is no provider '{name}'.",
                next_step=f"Known providers: {', '.join(self._settings.names) or 'none'}. "
                f"{self._settings.others or others}",
            )
        return endpoint

    def _open(self, ref: ModelRef) -> Provider:
        """The provider of `ref`; runs in a thread, for what it may have to import."""
        self.warm([ref])
        with self._opening:
            if ref.provider not in self._gateways:
                local = ref.provider == LOCAL
                self._gateways[ref.provider] = self._local_models(ref) if local else self._gateway(ref.provider)
            return self._gateways[ref.provider]

    def _gateway(self, name: str) -> Provider:
        from steelyard.providers.gateway import Gateway

        calls = self._settings.calls
        return Gateway(self._endpoint(name), stream=calls.stream, timeout_s=calls.attempt_timeout_s)

    def _local_models(self, ref: ModelRef | None = None) -> LocalModels:
        """The models of this machine. Raises ModelRefError where these providers have none, or not this file of it."""
        if not self._settings.local:
            raise ModelRefError(
                "Models on the server's own machine are not offered here.", next_step=self._settings.others
            )
        if self._lend is not None:
            if ref is not None and ("/" in ref.name or ref.name.endswith(".gguf")):
                raise ModelRefError(
                    "A local model is named by its path on the server, which is the operator's alone.",
                    next_step="Name one that is installed.",
                )
            return self._lend()
        if self._local is None:
            from steelyard.providers.local import LocalModels

            calls = self._settings.calls
            self._local = LocalModels(
                self._settings.home,
                threads=calls.local_threads,
                context=calls.local_context,
                timeout_s=calls.attempt_timeout_s,
            )
        return self._local

"""What is known of models beyond the runs they were in: whether they can be counted on, and what follows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Protocol

from steelyard.domain.errors import MissingKey, ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.pricing.lineage import is_deprecated, newest_of_line
from steelyard.providers.settings import LOCAL, ProviderSettings


class Models(Protocol):
    """What can be told of models before a call is made."""

    def check(self, ref: ModelRef) -> None:
        """Raises ModelRefError or MissingKey."""

    def identity(self, ref: ModelRef) -> str:
        """The stable text of what answers. Raises ModelRefError."""
        ...


class KnownMarket:
    """Tells by the settings file, the prices' data, and what servers of one's own listed when they were asked last."""

    def __init__(
        self,
        settings: ProviderSettings,
        models: Models,
        listed: Callable[[str], Sequence[str]] = lambda provider: (),
        outdated: Callable[[], str | None] = lambda: None,
        tenants: Callable[[], ProviderSettings] | None = None,
    ) -> None:
        """`outdated` says why the settings read at the start may not be those of today; `tenants` gives the settings of
        the tenant that is being served, where they are not `settings`."""
        self._settings = settings
        self._now = tenants or (lambda: settings)
        self._models = models
        self._listed = listed
        self._outdated = outdated

    def identity(self, ref: ModelRef) -> str:
        """What answers under the name. Raises ModelRefError."""
        return self._models.identity(ref)

    def fate(self, ref: ModelRef) -> str | None:
        """Why the model should be counted on no more, as the end of a sentence; None where it may.

        A key that is not at hand here says nothing of the model.
        """
        mark = self._settings.marks.get(ref.text) or self._settings.marks.get(f"{ref.provider}:{ref.name}")
        if mark is not None:
            return f"is marked as {mark} in the settings file"
        try:
            self._models.check(ref)
        except MissingKey:
            pass
        except ModelRefError as error:
            # The provider may be in the file by now, for whoever was started since.
            if self._outdated() is not None:
                return None
            return f"cannot be called from here ({error.message.rstrip('.')})"
        if self._has_vendors_models(ref):
            return "is deprecated by its vendor" if is_deprecated(ref) else None
        listed = self._listed(ref.provider)
        return "is not on its server's list of models" if listed and ref.name not in listed else None

    def newer(self, ref: ModelRef, when: date) -> ModelRef | None:
        """A later model of the same vendor, family and tier with a known price on `when`; None without one."""
        name = newest_of_line(ref, when) if self._has_vendors_models(ref) else None
        return None if name is None else ModelRef(ref.provider, name, ref.settings)

    def _has_vendors_models(self, ref: ModelRef) -> bool:
        endpoint = self._now().endpoints.get(ref.provider)
        return ref.provider != LOCAL and endpoint is not None and endpoint.has_vendors_models

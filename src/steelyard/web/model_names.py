"""Models' names as people read them: the name, whose it is, and the settings that make it a variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.web.filters import visible


@dataclass(frozen=True)
class ModelName:
    """`text` is the reference itself; `settings` reads `temperature 1, reasoning effort low`, empty without any."""

    text: str
    provider: str
    name: str
    settings: str

    @property
    def full(self) -> str:
        """The provider, then the name with its settings."""
        return f"{self.provider}:{self.short}" if self.provider else self.short

    @property
    def short(self) -> str:
        """The name with its settings, without the provider."""
        return f"{self.name} ({self.settings})" if self.settings else self.name


@lru_cache(2048)
def model_name(text: str) -> ModelName:
    """The parts of a model's reference; a text that is none is a name without a provider."""
    try:
        ref = ModelRef.parse(text)
    except ModelRefError:
        return ModelName(text, "", visible(text), "")
    settings = ", ".join(f"{key.replace('_', ' ')} {_said(value)}" for key, value in ref.settings)
    return ModelName(text, visible(ref.provider), visible(ref.name), visible(settings))


def short_names(texts: Sequence[str]) -> dict[str, str]:
    """Each model without its provider, where that tells it from the others; else its reference."""
    names = {text: model_name(text).short for text in texts}
    short = list(names.values())
    return {text: name if short.count(name) == 1 else visible(text) for text, name in names.items()}


def _said(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)

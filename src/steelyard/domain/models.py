"""Model references: `provider:name?setting=value&...`; settings make a variant, a row of its own."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from urllib.parse import parse_qsl, quote

from steelyard.domain.errors import ModelRefError

Setting = str | int | float | bool

# Of a reference as it is typed and as it is kept, in which signs of a setting's value are three or twelve: it is an
# entry of several indexes, of which none may be too long. Older versions kept longer ones, which are read as they are.
MAX_REFERENCE = 400
_SHOWN = 40


def _setting(text: str) -> Setting:
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    if not isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _spelled(value: Setting) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_length(written: str, given: str) -> None:
    if len(written) > MAX_REFERENCE:
        raise ModelRefError(
            f"The model '{given[:_SHOWN]}…' has {len(written):,} characters as it is kept, with its settings;"
            f" {MAX_REFERENCE} are the most.",
            next_step="Write provider:name, as the provider calls the model, and only settings it needs.",
        )


@dataclass(frozen=True)
class ModelRef:
    """One model as it is to be called.

    Settings are sorted by key, so two spellings of one variant are equal and have one `text`.
    """

    provider: str
    name: str
    settings: tuple[tuple[str, Setting], ...] = ()

    @classmethod
    def typed(cls, text: str) -> ModelRef:
        """The same of what somebody asks for, which is not to be too long to be kept. Raises ModelRefError."""
        text = text.strip()
        _check_length(text, text)
        ref = cls.parse(text)
        _check_length(ref.text, text)
        return ref

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """Read `provider:name?key=value&...`, whatever its length: what is kept. Raises ModelRefError."""
        text = text.strip()
        head, _, query = text.partition("?")
        provider, colon, name = head.partition(":")
        if not (colon and provider and name) or any(c.isspace() for c in head):
            raise ModelRefError(
                f"'{text}' is not a model reference.",
                next_step="Write provider:name, as in anthropic:claude-sonnet-5 or local:smollm2-135m?temperature=1.",
            )
        pairs = parse_qsl(query, keep_blank_values=True)
        if query and (not pairs or any(not value for _, value in pairs)):
            raise ModelRefError(
                f"'{text}' has a setting without a value.", next_step="Write ?key=value&key=value after the name."
            )
        if len({key for key, _ in pairs}) < len(pairs):
            raise ModelRefError(f"'{text}' gives one setting twice.", next_step="Keep one of them.")
        return cls(provider.lower(), name, tuple(sorted((key, _setting(value)) for key, value in pairs)))

    @property
    def text(self) -> str:
        """The canonical spelling, unique per variant; `parse(text)` gives this value back."""
        if not self.settings:
            return f"{self.provider}:{self.name}"
        query = "&".join(f"{quote(key)}={quote(_spelled(value))}" for key, value in self.settings)
        return f"{self.provider}:{self.name}?{query}"

    def __str__(self) -> str:
        return self.text


FAMILIES = {
    "claude": "claude",
    "gpt": "gpt",
    "o1": "gpt",
    "o3": "gpt",
    "o4": "gpt",
    "chatgpt": "gpt",
    "gemini": "gemini",
    "gemma": "gemini",
    "llama": "llama",
    "mistral": "mistral",
    "mixtral": "mistral",
    "qwen": "qwen",
    "deepseek": "deepseek",
    "smollm": "smollm",
    "grok": "grok",
    "command": "command",
}


def model_family(ref: ModelRef) -> str:
    """The family a model belongs to, whoever serves it; a name no rule knows is a family of its own."""
    name = ref.name.rsplit("/", 1)[-1].lower()
    for prefix, family in FAMILIES.items():
        if name.startswith(prefix) or f"-{prefix}" in name or f".{prefix}" in name:
            return family
    return name

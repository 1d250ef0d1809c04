"""Settings in a model reference (`?temperature=1&seed=7`): which are known, and what each vendor calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef, Setting

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True)
class _Known:
    """`reads` gives the value to send, or None when the text is no such value; `what` says what is."""

    reads: Callable[[Setting], Any]
    what: str
    kinds: frozenset[str]


def _number(low: float, high: float) -> Callable[[Setting], float | None]:
    def read(value: Setting) -> float | None:
        if isinstance(value, bool | str) or not low <= value <= high:
            return None
        return float(value)

    return read


def _whole(low: int, high: int = 2**31 - 1) -> Callable[[Setting], int | None]:
    def read(value: Setting) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            return None
        return value

    return read


def _one_of(*options: str) -> Callable[[Setting], str | None]:
    return lambda value: value if isinstance(value, str) and value in options else None


_VENDORS = frozenset({"openai", "anthropic", "google"})
_ALL = _VENDORS | {"local"}

_KNOWN: Mapping[str, _Known] = {
    "temperature": _Known(_number(0, 2), "a number from 0 to 2", _ALL),
    "top_p": _Known(_number(0, 1), "a number from 0 to 1", _ALL),
    "top_k": _Known(_whole(1), "a whole number from 1", frozenset({"anthropic", "google", "local"})),
    "max_tokens": _Known(_whole(1), "a whole number from 1", _ALL),
    "seed": _Known(_whole(0), "a whole number from 0", frozenset({"openai", "google", "local"})),
    "reasoning_effort": _Known(_one_of(*EFFORTS), f"one of {', '.join(EFFORTS)}", _VENDORS),
    "thinking_budget": _Known(_whole(0), "a whole number of tokens", frozenset({"anthropic", "google"})),
    "frequency_penalty": _Known(_number(-2, 2), "a number from -2 to 2", frozenset({"openai", "google", "local"})),
    "presence_penalty": _Known(_number(-2, 2), "a number from -2 to 2", frozenset({"openai", "google", "local"})),
    "verbosity": _Known(_one_of("low", "medium", "high"), "one of low, medium, high", frozenset({"openai"})),
    "min_p": _Known(_number(0, 1), "a number from 0 to 1", frozenset({"local"})),
    "repeat_penalty": _Known(_number(0, 10), "a number from 0 to 10", frozenset({"local"})),
}


def variant_settings(ref: ModelRef, kind: str) -> dict[str, Any]:
    """The settings of `ref`, checked for a provider of `kind` (openai, anthropic, google, local).

    Raises ModelRefError naming the settings that are known there.
    """
    known = sorted(name for name, setting in _KNOWN.items() if kind in setting.kinds)
    values: dict[str, Any] = {}
    for name, value in ref.settings:
        setting = _KNOWN.get(name)
        if setting is None or kind not in setting.kinds:
            raise ModelRefError(
                f"'{ref.text}' has a setting '{name}' that {ref.provider} does not know.",
                next_step=f"Known settings: {', '.join(known)}.",
            )
        read = setting.reads(value)
        if read is None:
            raise ModelRefError(f"'{ref.text}': {name} must be {setting.what}.", next_step="Correct it and run again.")
        values[name] = read
    return values


def wire_settings(name: str, value: Any, kind: str) -> dict[str, Any]:
    """One checked setting in pydantic-ai's names for a vendor of `kind`."""
    if name == "reasoning_effort":
        if kind == "openai":
            return {"openai_reasoning_effort": value}
        return {"thinking": False if value == "none" else value}
    if name == "thinking_budget":
        if kind == "google":
            return {"google_thinking_config": {"thinking_budget": value}}
        thinking = {"type": "enabled", "budget_tokens": value} if value else {"type": "disabled"}
        return {"anthropic_thinking": thinking}
    if name == "verbosity":
        return {"openai_text_verbosity": value}
    return {name: value}

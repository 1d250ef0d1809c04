"""The vendors' current models by name, from the list that pydantic-ai keeps: to be offered, not to limit."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, get_args

# Of the models that answer in text; the list has others.
_NOT_TEXT = re.compile(r"image|audio|realtime|tts|transcribe|embedding|search|live|robotics|computer")


@lru_cache(maxsize=1)
def known_models() -> dict[str, tuple[str, ...]]:
    """By vendor (anthropic, openai, google), the newest version first, by the numbers in their names.

    The first call imports pydantic-ai, which takes about a second of CPU.
    """
    from pydantic_ai.models import KnownModelName

    alias: Any = KnownModelName
    names: tuple[str, ...] = get_args(alias.__value__)
    by_vendor: dict[str, list[str]] = {}
    for text in names:
        vendor, _, name = text.partition(":")
        if vendor in ("anthropic", "openai", "google") and not _NOT_TEXT.search(name):
            by_vendor.setdefault(vendor, []).append(name)
    return {vendor: tuple(sorted(names, key=_newest_first)) for vendor, names in by_vendor.items()}


def _newest_first(name: str) -> tuple[list[int], str]:
    numbers = [int(number) for number in re.findall(r"\d+", name)]
    # A date or a size among the numbers is no version.
    version = [number for number in numbers if number < 100]
    return [-number for number in [*version, 0, 0][:2]], name

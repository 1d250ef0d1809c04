"""Which models follow which, told from their names: a family and tier, and a version that counts up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any

from steelyard.domain.models import ModelRef

_DATE = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{6})$")
_NUMBERED = re.compile(r"([a-z]+)(\d+(?:\.\d+)?)")
_PLACE = "#"
# Names of the same model under another label; a preview is followed by its own release as well.
_LABELS = frozenset({"latest", "preview", "exp"})


@dataclass(frozen=True)
class Lineage:
    """A name with a mark in its version's place, as `("gpt", "#", "mini")`, and the version, as `(5, 4)`."""

    pattern: tuple[str, ...]
    version: tuple[int, int]
    preview: bool = False


def lineage(name: str) -> Lineage | None:
    """What a model's name says of its line; None where it has no version that can be told for certain.

    Dates and labels as `latest` are left aside. Words that are neither, as `mini` or `70b`, are a tier of their own.
    """
    stem = _DATE.sub("", name.lower().rsplit("/", 1)[-1])
    words: list[str] = []
    numbers: list[int] = []
    ended = preview = False
    for word in stem.split("-"):
        if re.fullmatch(r"\d{1,2}(\.\d)?", word) and not ended and len(numbers) < 2:
            if not numbers and words != ["claude"]:
                words.append(_PLACE)
            numbers += [int(part) for part in word.split(".")]
            continue
        if re.fullmatch(r"[\d.]+", word):
            # A snapshot's number, or a second version: nothing that could be counted up.
            if len(word) in (3, 4) and word.isdigit():
                continue
            return None
        ended = bool(numbers)
        preview = preview or word in ("preview", "exp")
        if word in _LABELS:
            continue
        joined = _NUMBERED.fullmatch(word) if not numbers and word.startswith("o") else None
        if joined:
            words.append(joined[1])
            numbers += [int(part) for part in joined[2].split(".")]
            ended = True
        else:
            words.append(word)
    if not words or not numbers or len(numbers) > 2:
        return None
    if words[0] == "claude":
        # The version stood before the tier once, and stands behind it now.
        words = [word for word in words if word != _PLACE]
    return Lineage(tuple(words), (numbers[0], numbers[1] if len(numbers) > 1 else 0), preview)


def newest_of_line(model: ModelRef, when: date) -> str | None:
    """The name of the newest model of the same vendor, family and tier that is later than `model`; None without one.

    Only of those genai-prices has a price of for `when`, previews and deprecated ones left out.
    """
    own = lineage(model.name)
    if own is None:
        return None
    found = _lines(model.provider, when).get(own.pattern)
    if found is None:
        return None
    version, name = found
    return name if version > own.version else None


def is_deprecated(model: ModelRef) -> bool:
    """Whether genai-prices marks the model as deprecated by its vendor."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, known = get_snapshot().find_provider_model(model.name, None, model.provider, None)
    except LookupError:
        return False
    return bool(known.deprecated)


@lru_cache(maxsize=64)
def _lines(provider: str, when: date) -> dict[tuple[str, ...], tuple[tuple[int, int], str]]:
    """By pattern, the newest model of that vendor: its version and its name."""
    from genai_prices.data_snapshot import get_snapshot

    noon = datetime.combine(when, time(12), UTC)
    found: dict[tuple[str, ...], tuple[tuple[int, int], str]] = {}
    models: list[Any] = [model for one in get_snapshot().providers if one.id == provider for model in one.models]
    for model in models:
        line = lineage(model.id)
        if line is None or line.preview or model.deprecated:
            continue
        price = model.get_prices(noon)
        if price.input_mtok is None or price.output_mtok is None:
            continue
        if line.pattern not in found or found[line.pattern][0] < line.version:
            found[line.pattern] = (line.version, model.id)
    return found

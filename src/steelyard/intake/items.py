"""One use of a skill as a JSON object or a row of a CSV file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, cast
from uuid import UUID, uuid5

from steelyard.domain.calls import Usage
from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.domain.money import MICROCENTS_PER_USD
from steelyard.intake.refused import Refused

FIELDS = frozenset(
    {
        "key", "skill", "skill_version", "model", "measured_at", "input_tokens", "output_tokens", "cache_read_tokens",
        "cache_write_tokens", "reasoning_tokens", "input_excludes_cache", "cost_usd", "latency_ms", "source",
    }
)  # fmt: skip
REQUIRED = ("key", "skill", "model", "measured_at", "input_tokens", "output_tokens")
LONGEST_KEY = 200
LONGEST_NAME = 200
_MOST_TOKENS = 10**12
_MOST_USD = 10**7
MOST_LATENCY_MS = 10**10
_UNKEEPABLE = re.compile("[\x00-\x1f\ud800-\udfff]")
# Any fixed one: what a key becomes must be the same in every process.
_KEYS = UUID("8b0f7bb5-0e0b-4b1c-9a55-6f6d0f3a6f10")


@dataclass(frozen=True)
class Use:
    """One use of the skill of that name. `skill_version` is the start of a digest, `cost_microcents` None is unknown.

    Two uses of one `id` are one.
    """

    id: UUID
    skill: str
    skill_version: str | None
    model: ModelRef
    measured_at: datetime
    usage: Usage
    cost_microcents: int | None
    latency_ms: float | None
    source: str


def read_item(item: object) -> Use:
    """Read one item. Numbers may be text, as CSV has them; an empty text is a field left out.

    `key` tells repeats apart and is required: what is sent again under one key counts once. Cache reads and writes are
    part of `input_tokens` unless `input_excludes_cache`; reasoning is part of `output_tokens`. Raises Refused.
    """
    if not isinstance(item, Mapping):
        raise Refused("item", "It is no object.")
    fields = cast("Mapping[Any, Any]", item)
    given: dict[str, Any] = {str(key): value for key, value in fields.items() if value is not None and value != ""}
    unknown = sorted(given.keys() - FIELDS)
    if unknown:
        raise Refused(unknown[0][:LONGEST_NAME], "There is no such field.")
    key = text_field(given, "key", LONGEST_KEY)
    when = _moment(text_field(given, "measured_at", 64))
    try:
        model = _model(text_field(given, "model", LONGEST_NAME))
    except ModelRefError as error:
        raise Refused("model", error.message) from None
    return Use(
        id=key_id(key),
        skill=text_field(given, "skill", LONGEST_NAME),
        skill_version=_version(given),
        model=model,
        measured_at=when,
        usage=_usage(given),
        cost_microcents=_cost(given),
        latency_ms=_number(given, "latency_ms", MOST_LATENCY_MS),
        source=text_field(given, "source", LONGEST_NAME, "api"),
    )


@lru_cache(maxsize=1024)
def _model(text: str) -> ModelRef:
    """Batches name the same few again and again. Raises ModelRefError."""
    return ModelRef.typed(text)


def key_id(key: str) -> UUID:
    """The id of a use that was sent under this key: the same in every process."""
    return uuid5(_KEYS, key)


def is_version(text: str) -> bool:
    """Whether it can be the start of a version's digest."""
    return 6 <= len(text) <= 64 and set(text.lower()) <= set("0123456789abcdef")


def _usage(given: Mapping[str, Any]) -> Usage:
    read, write = _tokens(given, "cache_read_tokens", 0), _tokens(given, "cache_write_tokens", 0)
    told, output = _tokens(given, "input_tokens"), _tokens(given, "output_tokens")
    reasoning = _tokens(given, "reasoning_tokens", 0)
    apart = given.get("input_excludes_cache", False)
    if apart not in (True, False, "true", "false"):
        raise Refused("input_excludes_cache", "It is true or false.")
    if apart in (True, "true"):
        told += read + write
    elif told < read + write:
        raise Refused(
            "input_tokens",
            "It is less than what was read from and written to the cache, which is part of it. Where it is counted"
            " apart, send input_excludes_cache: true.",
        )
    if reasoning > output:
        raise Refused("reasoning_tokens", "It is more than output_tokens, of which it is a part.")
    return Usage(told, output, read, write, reasoning)


def text_field(given: Mapping[str, Any], name: str, longest: int, default: str | None = None) -> str:
    """A text of 1 to `longest` characters, none of them a control character. Raises Refused."""
    value = given.get(name, default)
    if value is None:
        raise Refused(name, "It is missing.")
    if not isinstance(value, str) or not value.strip():
        raise Refused(name, "It is no text.")
    if len(value) > longest:
        raise Refused(name, f"It has more than {longest:,} characters.")
    if _UNKEEPABLE.search(value):
        raise Refused(name, "It holds control characters or half a surrogate pair.")
    return value.strip()


def _version(given: Mapping[str, Any]) -> str | None:
    if "skill_version" not in given:
        return None
    version = text_field(given, "skill_version", 64).lower()
    if not is_version(version):
        raise Refused("skill_version", "It is the start of a version's digest, of at least 6 hexadecimal digits.")
    return version


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("measured_at", "It is no ISO 8601 time, as 2026-01-31T12:00:00Z is.") from None
    if moment.tzinfo is None:
        raise Refused("measured_at", "It has no time zone. Send it as 2026-01-31T12:00:00Z.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Refused("measured_at", "It is out of range.") from None


def _tokens(given: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = given.get(name, default)
    if value is None:
        raise Refused(name, "It is missing.")
    found = int(value) if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20 else value
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= _MOST_TOKENS:
        raise Refused(name, f"It is no whole number from 0 to {_MOST_TOKENS:,}.")
    return found


def _number(given: Mapping[str, Any], name: str, most: float) -> float | None:
    found = _decimal(given, name, most)
    return None if found is None else float(found)


def _cost(given: Mapping[str, Any]) -> int | None:
    usd = _decimal(given, "cost_usd", _MOST_USD)
    return None if usd is None else round(usd * MICROCENTS_PER_USD)


def _decimal(given: Mapping[str, Any], name: str, most: float) -> Decimal | None:
    """By its digits: as a float a sum of money would lose some."""
    if name not in given:
        return None
    value = given[name]
    try:
        found = Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite() or not 0 <= found <= most:
        raise Refused(name, f"It is no number from 0 to {most:,.0f}.")
    return found

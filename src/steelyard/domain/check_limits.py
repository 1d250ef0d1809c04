"""How large a deterministic check may be: others wait while what a case says is worked on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from steelyard.domain.cases import Check, CheckKind
from steelyard.domain.errors import CaseError

MOST_CHECKS = 100
MOST_PATTERN_CHARACTERS = 5_000
MOST_VALUE_CHARACTERS = 100_000
MOST_SCHEMA_PARTS = 2_000
MOST_SCHEMA_DEPTH = 60
MOST_REFERENCES = 200

_PATTERNS = (CheckKind.REGEX, CheckKind.NOT_REGEX)


class TooMuch(ValueError):
    """A check over a limit; the message says which, in one sentence without its end."""


def refuse_large(checks: Sequence[Check]) -> None:
    """Raises CaseError, of the field `checks`, where they are too many or one of them is too large."""
    try:
        refuse_many(checks)
        for check in checks:
            refuse_large_check(check.kind, check.value)
    except TooMuch as error:
        raise CaseError(
            f"The checks of the case cannot be kept: {error}.",
            field="checks",
            next_step="Make the check smaller, or split the case.",
        ) from None


def refuse_many(checks: Sequence[Check]) -> None:
    """Raises TooMuch."""
    if len(checks) > MOST_CHECKS:
        raise TooMuch(f"there are {len(checks):,} of them, and {MOST_CHECKS} are the most")


def refuse_large_check(kind: CheckKind, value: Any) -> None:
    """Raises TooMuch."""
    if kind in _PATTERNS:
        _refuse_pattern(str(value))
        return
    length = len(value) if isinstance(value, str) else _length(value)
    if length > MOST_VALUE_CHARACTERS:
        raise TooMuch(f"a value has {length:,} characters, and {MOST_VALUE_CHARACTERS:,} are the most")
    if kind is CheckKind.JSON_SCHEMA:
        _refuse_schema(value)


def _refuse_pattern(pattern: str) -> None:
    if len(pattern) > MOST_PATTERN_CHARACTERS:
        raise TooMuch(f"a pattern has {len(pattern):,} characters, and {MOST_PATTERN_CHARACTERS:,} are the most")


def _length(value: Any) -> int:
    try:
        return len(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):
        raise TooMuch("a value is nested too deeply") from None


def _refuse_schema(schema: Any) -> None:
    parts = references = 0
    waiting: list[tuple[Any, int]] = [(schema, 1)]
    while waiting:
        part, depth = waiting.pop()
        parts += 1
        if depth > MOST_SCHEMA_DEPTH:
            raise TooMuch(f"a schema is nested more than {MOST_SCHEMA_DEPTH} levels deep")
        if parts + len(waiting) > MOST_SCHEMA_PARTS:
            raise TooMuch(f"a schema has more than {MOST_SCHEMA_PARTS:,} parts, names and values counted")
        if isinstance(part, Mapping):
            mapping = cast("Mapping[str, Any]", part)
            references += sum(key in ("$ref", "$dynamicRef", "$recursiveRef") for key in mapping)
            if references > MOST_REFERENCES:
                raise TooMuch(f"a schema has more than {MOST_REFERENCES} references")
            for pattern in _patterns_in(mapping):
                _refuse_pattern(pattern)
            waiting.extend((value, depth + 1) for value in mapping.values())
        elif isinstance(part, list):
            waiting.extend((value, depth + 1) for value in cast("list[Any]", part))


def _patterns_in(schema: Mapping[str, Any]) -> Iterable[str]:
    if isinstance(pattern := schema.get("pattern"), str):
        yield pattern
    if isinstance(patterns := schema.get("patternProperties"), Mapping):
        yield from cast("Mapping[str, Any]", patterns)

"""Two JSON texts compared by path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, cast

_LONGEST = 500_000
_LONGEST_VALUE = 400
_PLAIN_KEY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


@dataclass(frozen=True)
class JsonChange:
    """One value that differs: its path (`$.items[2].price`), and it as JSON on either side, None where there is none.

    Values are cut at 400 characters.
    """

    path: str
    expected: str | None
    output: str | None


def parsed_pair(expected: str, output: str) -> tuple[Any, Any] | None:
    """Both texts parsed, if each is a JSON object or array and of at most 500,000 characters."""
    first = _parsed(expected)
    second = _parsed(output) if first is not None else None
    return None if first is None or second is None else (first, second)


def json_changes(expected: Any, output: Any, most: int = 1_000) -> list[JsonChange]:
    """The first `most` places where two parsed values differ, in the order of the expected one.

    Numbers are equal by value, never to booleans.

    Works without recursion: a parsed value may be nested a thousand deep.
    """
    changes: list[JsonChange] = []
    pending: list[tuple[Any, Any, Any]] = [(None, expected, output)]
    while pending and len(changes) < most:
        path, first, second = pending.pop()
        if isinstance(first, dict) and isinstance(second, dict):
            pending += reversed(list(_members(path, cast("dict[str, Any]", first), cast("dict[str, Any]", second))))
        elif isinstance(first, list) and isinstance(second, list):
            pending += reversed(list(_items(path, cast("list[Any]", first), cast("list[Any]", second))))
        elif not _same(first, second):
            changes.append(JsonChange(_path(path), _written(first), _written(second)))
    return changes


def _path(path: Any) -> str:
    """Written from nested pairs of (the path before, key or index); None is the whole value."""
    keys: list[str] = []
    while path is not None:
        path, key = path
        if isinstance(key, int):
            keys.append(f"[{key}]")
        else:
            keys.append(f".{key}" if key and _PLAIN_KEY.issuperset(key) else f"[{json.dumps(key, ensure_ascii=False)}]")
    return "$" + "".join(reversed(keys))


class _Absent:
    """In place of a value that one side does not have."""


_ABSENT = _Absent()


def _members(path: Any, first: dict[str, Any], second: dict[str, Any]) -> Iterator[tuple[Any, Any, Any]]:
    for key in [*first, *(key for key in second if key not in first)]:
        yield (path, key), first.get(key, _ABSENT), second.get(key, _ABSENT)


def _items(path: Any, first: list[Any], second: list[Any]) -> Iterator[tuple[Any, Any, Any]]:
    for index in range(max(len(first), len(second))):
        yield (
            (path, index),
            first[index] if index < len(first) else _ABSENT,
            second[index] if index < len(second) else _ABSENT,
        )


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, (dict, list)) or isinstance(second, (dict, list)):
        return False
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)


def _written(value: Any) -> str | None:
    if value is _ABSENT:
        return None
    if isinstance(value, (dict, list)):
        held = cast("dict[str, Any] | list[Any]", value)
        written = _short(held)
    else:
        written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= _LONGEST_VALUE else f"{written[:_LONGEST_VALUE]}…"


def _short(value: dict[str, Any] | list[Any]) -> str:
    """A container that only one side has: in full where it is small, else by its size."""
    try:
        written = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        written = ""
    if 0 < len(written) <= _LONGEST_VALUE:
        return written
    return f"{{{len(value):,} members}}" if isinstance(value, dict) else f"[{len(value):,} items]"


def _parsed(text: str) -> Any:
    if len(text) > _LONGEST or not text.strip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text, parse_constant=_refused, strict=False)
    except (ValueError, RecursionError):
        return None


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON.")

"""JSON found in a model's text: extracted without trusting it, compared as JSON compares."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, cast

from steelyard.domain.calls import MOST_OF_A_FORM, too_long_for_a_form

Kind = Literal["object", "array"]

# Each try may read to the end of the text, so their number is bounded, and what those that fail read together: so many
# characters, or so many times the text.
_MOST_TRIES = 200
_MOST_READ = 2_000_000
_MOST_TIMES = 3
_STARTS = {
    "object": re.compile(r'\{\s*["}]'),
    "array": re.compile(r'\[\s*(?:["\[\]{0-9-]|true|false|null)'),
}
_FENCE_NAMES = ("json", "jsonc", "")


def find_json(text: str, wanted: Kind | None = None) -> tuple[bool, Any]:
    """(whether there is any, the value): the whole text, else a fenced block, else an object or array in prose.

    `wanted` is looked for first, so that a list's checkbox or a citation such as `[1]` is not taken for an object; in
    prose nothing else is looked for. NaN, infinities and numbers too large for a float are not JSON here.
    """
    found, value = _read(text.strip())
    if found:
        return True, value
    fallback: tuple[bool, Any] = (False, None)
    for block in _fenced(text):
        found, value = _read(block.strip())
        if found and (wanted is None or kind_of(value) == wanted):
            return True, value
        if found and not fallback[0]:
            fallback = (True, value)
    for value in _in_prose(text, ("object", "array") if wanted is None else (wanted,)):
        return True, value
    return fallback


def only_object(text: str) -> dict[str, Any]:
    """The one JSON object of a reply. ValueError where there is none, or more than one, or it is longer than any.

    Prose that quotes another object beside its own is ambiguous: the quoted one may be the candidate's forgery.
    """
    if len(text) > MOST_OF_A_FORM:
        raise ValueError(too_long_for_a_form(text))
    found, value = _read(text.strip())
    if found and isinstance(value, dict):
        return cast("dict[str, Any]", value)
    objects: list[dict[str, Any]] = list(_in_prose(text, ("object",)))
    if not objects:
        raise ValueError("broken JSON" if "{" in text else "prose instead of JSON")
    if len(objects) > 1:
        raise ValueError("several JSON objects instead of one")
    return objects[0]


def same_json(one: Any, other: Any) -> bool:
    """Equality as JSON has it: 1 is 1.0, true is not 1, keys in any order. No depth is too deep."""
    pairs = [(one, other)]
    while pairs:
        mine, theirs = pairs.pop()
        if isinstance(mine, bool) or isinstance(theirs, bool):
            if mine is not theirs:
                return False
        elif isinstance(mine, dict) and isinstance(theirs, dict):
            left, right = cast("dict[str, Any]", mine), cast("dict[str, Any]", theirs)
            if left.keys() != right.keys():
                return False
            pairs.extend((left[key], right[key]) for key in left)
        elif isinstance(mine, list) and isinstance(theirs, list):
            items, others = cast("list[Any]", mine), cast("list[Any]", theirs)
            if len(items) != len(others):
                return False
            pairs.extend(zip(items, others, strict=True))
        elif isinstance(mine, dict | list) or isinstance(theirs, dict | list) or mine != theirs:
            return False
    return True


def kind_of(value: Any) -> Kind | None:
    """Whether a value is an object or an array; None for anything else."""
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else None


def _read(text: str) -> tuple[bool, Any]:
    try:
        return True, _DECODER.decode(text)
    except (ValueError, RecursionError):
        return False, None


def _in_prose(text: str, kinds: tuple[Kind, ...]) -> Iterator[Any]:
    """Each object or array that can be read, but for those inside another."""
    starts = sorted(match.start() for kind in kinds for match in islice(_STARTS[kind].finditer(text), _MOST_TRIES))
    left = max(_MOST_READ, _MOST_TIMES * len(text))
    end = 0
    for start in starts[:_MOST_TRIES]:
        if start < end:
            continue
        if left <= 0:
            return
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            left -= _read_until(error, text) - start
        else:
            yield value


def _read_until(error: Exception, text: str) -> int:
    """How far a try came, or the end of the text where that is not said, or is said of where a string begins."""
    if isinstance(error, json.JSONDecodeError) and not error.msg.startswith("Unterminated"):
        return error.pos
    return len(text)


def _fenced(text: str) -> Iterator[str]:
    """The contents of ``` blocks that may hold JSON, by lines; the last may lack its end."""
    block: list[str] | None = None
    wanted = False
    for line in text.splitlines():
        mark = line.strip()
        if not mark.startswith("```"):
            if block is not None:
                block.append(line)
        elif block is None:
            block, wanted = [], mark[3:].strip().lower() in _FENCE_NAMES
        else:
            if wanted:
                yield "\n".join(block)
            block = None
    if block is not None and wanted:
        yield "\n".join(block)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant, strict=False)

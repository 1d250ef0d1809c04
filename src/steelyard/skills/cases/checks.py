"""Typed assertions as deterministic checks, whatever a dialect calls them."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, cast

from steelyard.domain.cases import Check, CheckKind
from steelyard.domain.check_limits import refuse_large_check
from steelyard.skills.cases.patience import looking

_KINDS = {
    "exact": CheckKind.EXACT,
    "exact_match": CheckKind.EXACT,
    "equals": CheckKind.EXACT,
    "equal": CheckKind.EXACT,
    "contains": CheckKind.CONTAINS,
    "includes": CheckKind.CONTAINS,
    "icontains": CheckKind.CONTAINS,
    "regex": CheckKind.REGEX,
    "regex_match": CheckKind.REGEX,
    "json_equal": CheckKind.JSON_EQUAL,
    "json_equals": CheckKind.JSON_EQUAL,
    "json_schema": CheckKind.JSON_SCHEMA,
    "is_json": CheckKind.JSON_SCHEMA,
    "number": CheckKind.NUMBER,
    "numeric": CheckKind.NUMBER,
}
_OPPOSITE = {CheckKind.CONTAINS: CheckKind.NOT_CONTAINS, CheckKind.REGEX: CheckKind.NOT_REGEX}
_VALUE_KEYS = ("value", "expected", "pattern", "schema", "substring")


def _kind(name: str) -> tuple[CheckKind, bool, bool] | None:
    """(kind, negated, ignores case) of a type name; None for a name that is no check."""
    name = name.strip().lower().replace("-", "_").replace(" ", "_")
    negated = name.startswith("not_")
    name = name.removeprefix("not_")
    kind = _KINDS.get(name)
    return None if kind is None else (kind, negated, name == "icontains")


def is_check(data: Mapping[str, Any]) -> bool:
    """Whether an assertion object is a check: a known type, and a value where the type needs one."""
    name = data.get("type")
    known = _kind(name) if isinstance(name, str) else None
    return known is not None and (
        any(key in data for key in _VALUE_KEYS) or known[0] is CheckKind.JSON_SCHEMA or "text" not in data
    )


def read_check(data: Mapping[str, Any]) -> Check:
    """A check from an object with `type` and `value`. Raises ValueError with a sentence for the person."""
    name = data.get("type")
    known = _kind(name) if isinstance(name, str) else None
    if known is None:
        raise ValueError(f"{name!r} is not a type of check; known are {', '.join(kind.value for kind in CheckKind)}")
    kind, negated, ignore_case = known
    ignore_case = ignore_case or data.get("ignore_case") is True or data.get("case_sensitive") is False
    key = next((key for key in _VALUE_KEYS if key in data), None)
    if key is None and kind is not CheckKind.JSON_SCHEMA:
        raise ValueError(f"the check of type {name!r} has no value")
    value: Any = {} if key is None else data[key]
    return make_check(kind, value, negated=negated, ignore_case=ignore_case, tolerance=data.get("tolerance", 0.0))


def make_check(
    kind: CheckKind,
    value: Any,
    *,
    negated: bool = False,
    ignore_case: bool = False,
    tolerance: Any = 0.0,
    look: bool = True,
) -> Check:
    """A check whose value is of the type its kind needs. Raises ValueError with a sentence for the person.

    Whether a pattern or schema is one takes time to find out: without `look` that is left to who asks.
    """
    if negated:
        if kind is CheckKind.EXACT and isinstance(value, str):
            kind, value = CheckKind.REGEX, rf"\A\s*{re.escape(value.strip())}\s*\Z"
        if kind not in _OPPOSITE:
            raise ValueError(f"there is no opposite of {kind.value}")
        kind = _OPPOSITE[kind]
    match kind:
        case CheckKind.EXACT | CheckKind.CONTAINS | CheckKind.NOT_CONTAINS:
            return Check(kind, _text(kind, value), ignore_case=ignore_case)
        case CheckKind.REGEX | CheckKind.NOT_REGEX:
            return Check(kind, _pattern(value, look), ignore_case=ignore_case)
        case CheckKind.JSON_EQUAL:
            refuse_large_check(kind, value)
            return Check(kind, value)
        case CheckKind.JSON_SCHEMA:
            return Check(kind, _schema(value, look))
        case CheckKind.NUMBER:
            return Check(kind, _number("value", value), tolerance=_tolerance(tolerance))


def any_of(values: list[str], *, ignore_case: bool) -> Check:
    """At least one of the texts is in the output. Raises ValueError where they are too long."""
    pattern = "|".join(re.escape(value) for value in values)
    refuse_large_check(CheckKind.REGEX, pattern)
    return Check(CheckKind.REGEX, pattern, ignore_case=ignore_case)


def _tolerance(value: Any) -> float:
    tolerance = float(_number("tolerance", value))
    if tolerance < 0:
        raise ValueError(f"its tolerance, {tolerance:g}, is below 0; 1 takes up to 1 more and 1 less")
    return tolerance


def _text(kind: CheckKind, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"the value of a {kind.value} check is not text")
    text = str(value)
    if not text and kind is not CheckKind.EXACT:
        raise ValueError(f"the value of a {kind.value} check is empty")
    refuse_large_check(kind, text)
    return text


def _pattern(value: Any, look: bool) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("the value of a regex check is not a pattern")
    refuse_large_check(CheckKind.REGEX, value)
    if not look:
        return value
    try:
        with looking() as patient:
            if patient:
                re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"the pattern {value!r} cannot be used ({error})") from None
    return value


def _schema(value: Any, look: bool) -> dict[str, Any] | bool:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("the value of a json_schema check is not a schema") from None
    if not isinstance(value, dict | bool):
        raise ValueError("the value of a json_schema check is not a schema")
    schema = cast("Any", value)
    refuse_large_check(CheckKind.JSON_SCHEMA, schema)
    if not look:
        return schema
    from jsonschema import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for

    validator = validator_for(schema, default=Draft202012Validator)
    try:
        with looking() as patient:
            if patient:
                validator.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"the value of a json_schema check is not a schema ({error.message})") from None
    except RecursionError:
        raise ValueError("the value of a json_schema check is nested too deeply") from None
    return schema


def _number(what: str, value: Any) -> int | float:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"the {what} of a number check is not a number")
    try:
        finite = math.isfinite(float(value))
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError(f"the {what} of a number check is not finite")
    return value

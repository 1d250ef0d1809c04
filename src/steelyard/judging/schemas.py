"""JSON schemas of checks: nothing is fetched, and no pattern runs without a time limit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

import regex

_DATA = frozenset({"const", "default", "enum", "examples"})


class UnusableSchema(Exception):
    """The schema itself, or it on this value, cannot be evaluated; the message is for the person."""


def check_schema(schema: Any) -> None:
    """Raises UnusableSchema where the schema is none of its dialect or refers to what is not in it."""
    from jsonschema.exceptions import SchemaError
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    try:
        _dialect(schema).check_schema(schema)
        references, rebased = _references(schema)
        if not rebased:
            resolver = _registry().resolver_with_root(DRAFT202012.create_resource(schema))
            for reference in references:
                resolver.lookup(reference)
    except SchemaError as error:
        raise UnusableSchema(error.message) from error
    except Unresolvable as error:
        raise UnusableSchema(f"'{error.ref}' is not in the schema, and nothing is fetched") from error
    except (RecursionError, re.error, TypeError, ValueError, AttributeError) as error:
        raise UnusableSchema(str(error) or "it is nested too deeply") from error


def misfit(schema: Any, value: Any, *, timeout_s: float) -> str | None:
    """What does not fit, in one sentence, or None. Raises UnusableSchema; a pattern gets `timeout_s` on each string."""
    from jsonschema.exceptions import ValidationError
    from referencing.exceptions import Unresolvable

    try:
        validator = _guarded(_dialect(schema), timeout_s)(schema, registry=_registry())
        problem: ValidationError | None = next(iter(validator.iter_errors(value)), None)
    except TimeoutError as error:
        raise UnusableSchema(f"a pattern took longer than {timeout_s:g} s") from error
    except RecursionError as error:
        raise UnusableSchema("it or the JSON is nested too deeply") from error
    except (
        Unresolvable,
        re.error,
        regex.error,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        KeyError,
    ) as error:
        # A schema of another dialect, or one nobody has checked, meets the library's keyword functions unprepared.
        raise UnusableSchema(str(error)) from error
    if problem is None:
        return None
    where = "/".join(str(part) for part in problem.absolute_path)
    return f"at {where}: {problem.message}" if where else problem.message


def _dialect(schema: Any) -> Any:
    from jsonschema.validators import Draft202012Validator, validator_for

    return cast("Any", validator_for(schema, default=Draft202012Validator))


def _registry() -> Any:
    import jsonschema_specifications  # pyright: ignore[reportMissingTypeStubs]

    return cast("Any", jsonschema_specifications.REGISTRY)


def _references(schema: Any) -> tuple[list[str], bool]:
    """Every `$ref` of the schema, and whether a part of it has a base of its own."""
    found: list[str] = []
    rebased = False
    parts: list[tuple[Any, bool]] = [(schema, True)]
    while parts:
        part, is_root = parts.pop()
        if isinstance(part, Mapping):
            mapping = cast("Mapping[str, Any]", part)
            if isinstance(mapping.get("$ref"), str):
                found.append(mapping["$ref"])
            rebased = rebased or (not is_root and isinstance(mapping.get("$id"), str))
            parts.extend((value, False) for key, value in mapping.items() if key not in _DATA)
        elif isinstance(part, list):
            parts.extend((value, False) for value in cast("list[Any]", part))
    return found, rebased


@cache
def _guarded(dialect: Any, timeout_s: float) -> Any:
    """The dialect with its keywords that search by a pattern doing so under a time limit."""
    from jsonschema import validators
    from jsonschema.exceptions import ValidationError

    def search(pattern: str, text: str) -> bool:
        return regex.search(pattern, text, timeout=timeout_s) is not None

    def pattern(validator: Any, expression: str, instance: Any, schema: Any) -> Iterator[Any]:
        if validator.is_type(instance, "string") and not search(expression, instance):
            yield ValidationError(f"{instance[:80]!r} does not match {expression!r}")

    def pattern_properties(validator: Any, patterns: Mapping[str, Any], instance: Any, schema: Any) -> Iterator[Any]:
        if validator.is_type(instance, "object"):
            for expression, part in patterns.items():
                for key, value in instance.items():
                    if search(expression, key):
                        yield from validator.descend(value, part, path=key, schema_path=expression)

    def additional_properties(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not validator.is_type(instance, "object"):
            return
        for key, value in instance.items():
            if key in schema.get("properties", {}) or any(search(p, key) for p in schema.get("patternProperties", {})):
                continue
            if validator.is_type(allowed, "object"):
                yield from validator.descend(value, allowed, path=key)
            elif allowed is False:
                yield ValidationError(f"{key[:80]!r} is not allowed")

    guards = {
        "pattern": pattern,
        "patternProperties": pattern_properties,
        "additionalProperties": additional_properties,
    }
    return cast("Any", validators).extend(dialect, {k: v for k, v in guards.items() if k in dialect.VALIDATORS})

"""JSON schemas of checks: nothing is fetched, and neither steps nor patterns go on without a limit."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import regex

# Keywords looked at for one value: references that double each other are soon more than there is time for.
MOST_STEPS = 50_000
_DATA = frozenset({"const", "default", "enum", "examples"})


class UnusableSchema(Exception):
    """The schema itself, or it on this value, cannot be evaluated; the message is for the person."""


class TooMuchWork(UnusableSchema):
    """It on this value takes more than one check may."""


@dataclass
class _Work:
    """What is left for one value: keywords, and seconds for all patterns."""

    steps: int
    pattern_s: float

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise TooMuchWork(f"the schema takes more than {MOST_STEPS:,} steps on this output")


_work: ContextVar[_Work] = ContextVar("work")


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
    """What does not fit, in one sentence, or None. Raises UnusableSchema.

    At most MOST_STEPS keywords are looked at, and `timeout_s` seconds are for all its patterns: TooMuchWork beyond.
    """
    from jsonschema.exceptions import ValidationError
    from referencing.exceptions import Unresolvable

    token = _work.set(_Work(MOST_STEPS, timeout_s))
    try:
        validator = _guarded(_dialect(schema))(schema, registry=_registry())
        problem: ValidationError | None = next(iter(validator.iter_errors(value)), None)
    except TimeoutError as error:
        raise TooMuchWork(f"its patterns took longer than {timeout_s:g} s") from error
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
    finally:
        _work.reset(token)
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
def _guarded(dialect: Any) -> Any:
    """The dialect with each keyword counted, and those that search by a pattern doing so under a time limit."""
    from jsonschema import validators
    from jsonschema.exceptions import ValidationError

    def search(pattern: str, text: str) -> bool:
        work = _work.get()
        work.step()
        began = time.process_time()
        try:
            return regex.search(pattern, text, timeout=max(work.pattern_s, 0.001)) is not None
        finally:
            work.pattern_s -= time.process_time() - began

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

    def counted(keyword: Any) -> Any:
        def step(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
            _work.get().step()
            return keyword(validator, value, instance, schema)

        return step

    guards = {
        "pattern": pattern,
        "patternProperties": pattern_properties,
        "additionalProperties": additional_properties,
    }
    keywords = dialect.VALIDATORS | {k: v for k, v in guards.items() if k in dialect.VALIDATORS}
    return cast("Any", validators).extend(dialect, {name: counted(keyword) for name, keyword in keywords.items()})

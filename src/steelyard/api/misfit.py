"""What is wrong with a body, in words: by field, or where that would be a list without end by a few and a number."""

from __future__ import annotations

import json
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from steelyard.domain.errors import InputError, InvalidForm

_MOST_PROBLEMS = 20
# Of more errors no list is made: each would be a dictionary.
_MOST_ERRORS = 200
_NAMED = 5
_LONGEST_NAME = 100


def refused(error: ValidationError, model: type[BaseModel], data: bytes) -> InputError:
    """What is wrong with `data`, which is no `model`."""
    if error.error_count() > _MOST_ERRORS:
        return _too_many(error.error_count(), model, data)
    problems: list[InputError] = []
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_PROBLEMS]:
        place = ".".join(_cut(str(part)) for part in one["loc"])
        if one["type"] == "json_invalid":
            return InputError("The body is no valid JSON.", kept="Nothing was kept.")
        said = one["msg"].removeprefix("Value error, ")
        problems.append(
            InputError(f"{place}: {said}." if place else f"{said}.", field=place or None, kept="Nothing was kept.")
        )
    if len(problems) == 1:
        return problems[0]
    return InvalidForm(problems)


def _too_many(count: int, model: type[BaseModel], data: bytes) -> InputError:
    given: Any = json.loads(data)
    names = cast("dict[str, Any]", given) if isinstance(given, dict) else dict[str, Any]()
    unknown = [name for name in names if name not in model.model_fields]
    if len(unknown) <= _NAMED:
        return InputError(
            f"{count:,} of the values in the body cannot be used.",
            kept="Nothing was kept.",
            next_step="See in /v1/openapi.json what the request takes.",
        )
    named = ", ".join(repr(_cut(name)) for name in unknown[:_NAMED])
    return InputError(
        f"The request has no such properties: {named}, and {len(unknown) - _NAMED:,} more.",
        kept="Nothing was kept.",
        next_step=f"It takes {', '.join(model.model_fields)}.",
    )


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"

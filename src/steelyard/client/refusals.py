"""An answer of the API that refuses, as the error of the domain that it was on the server."""

from __future__ import annotations

import json
from typing import Any, cast

from steelyard.domain.errors import (
    Conflict,
    Forbidden,
    InputError,
    InvalidForm,
    ItemsRefused,
    JudgeRefused,
    KeyRefused,
    NotFound,
    NotSignedIn,
    SteelyardError,
    StorageError,
    TooLarge,
    TooMany,
    UnsupportedType,
)

_LONGEST = 2_000


def error_of(status: int, body: bytes, *, keyed: bool, retry_after_s: float, server: str) -> SteelyardError:
    """The error that an answer of that status tells; `keyed`: a key was sent.

    What the server says is a text to be shown, and is cut to a length that can be.
    """
    told = _object(body)
    if not told:
        return SteelyardError(
            f"{server} answered with HTTP {status}, and not as Steelyard does.",
            next_step="Check the address; something on the way to it may have answered.",
        )
    message = _text(told, "detail") or f"HTTP {status}."
    kept, step = _text(told, "kept"), _text(told, "next_step")
    match status:
        case 401 if keyed:
            return KeyRefused(message, kept=kept, next_step=step)
        case 401:
            return NotSignedIn(
                f"{server} asks for an API key, and none was sent.",
                kept=kept,
                next_step="Set STEELYARD_KEY to one, or keep one for this server: steelyard login URL",
            )
        case 403:
            return Forbidden(message, kept=kept, next_step=step)
        case 404:
            return NotFound(message, kept=kept, next_step=step)
        case 409:
            refused = (_text(told, "type") or "").endswith(":judge-refused")
            return (JudgeRefused if refused else Conflict)(message, kept=kept, next_step=step)
        case 413:
            return TooLarge(message, field=_text(told, "field"), kept=kept, next_step=step)
        case 415:
            return UnsupportedType(message, field=_text(told, "field"), kept=kept, next_step=step)
        case 429:
            return TooMany(message, retry_after_s=round(retry_after_s), next_step=step)
        case 503:
            return StorageError(message, kept=kept, next_step=step)
        case 400 | 422:
            return _invalid(told, message, kept, step)
        case _:
            return SteelyardError(message, kept=kept, next_step=step)


def _invalid(told: dict[str, Any], message: str, kept: str | None, step: str | None) -> InputError:
    refused = _objects(told, "refused")
    if refused:
        return ItemsRefused(message, refused, kept=kept, next_step=step)
    each = _objects(told, "problems")
    if each:
        found = [
            InputError(_text(one, "detail") or "", field=_text(one, "field"), kept=kept, next_step=step) for one in each
        ]
        return InvalidForm(found)
    return InputError(message, field=_text(told, "field"), kept=kept, next_step=step)


def _objects(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = told.get(name)
    items = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("dict[str, Any]", one) for one in items if isinstance(one, dict)]


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) and "detail" in found else {}


def _text(told: dict[str, Any], name: str) -> str | None:
    found = told.get(name)
    return found[:_LONGEST] if isinstance(found, str) and found else None

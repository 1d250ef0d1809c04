"""Tokens that say where a list goes on. Opaque and unsigned: whatever one says, it only chooses where to go on."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from steelyard.domain.errors import InputError


def write_token(values: list[Any]) -> str:
    """JSON values as a text that is safe in a URL."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(token: str, length: int) -> list[Any]:
    """The inverse of `write_token`. Raises ValueError unless it holds a list of so many values."""
    try:
        data: Any = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(data, list) or len(cast("list[Any]", data)) != length:
        raise ValueError("not a place in a list")
    return cast("list[Any]", data)


def text_in(value: Any) -> str:
    """A token's value as a text PostgreSQL can hold. Raises ValueError."""
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("not a text")
    return value.encode().decode()


def write_place(at: datetime, row_id: UUID) -> str:
    """The place of a row in a list by time and id."""
    return write_token([at.isoformat(), str(row_id)])


def read_place(token: str) -> tuple[datetime, UUID]:
    """The inverse of `write_place`. Raises InputError."""
    try:
        at, row_id = read_token(token, 2)
        if not isinstance(at, str) or not isinstance(row_id, str):
            raise ValueError
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or moment.year == 1:
            raise ValueError
        return moment, UUID(row_id)
    except (ValueError, OverflowError) as error:
        raise no_such_page() from error


def no_such_page() -> InputError:
    """What a person hears of a token that means nothing."""
    return InputError("There is no such page of the list.", next_step="Begin at the first page again.")

"""JSON of strangers: how many values it has is counted before anything is made of them."""

from __future__ import annotations

import json
from typing import Any

from steelyard.domain.errors import InputError, TooLarge

_AT_ONCE = 64 * 1024
_BOM = b"\xef\xbb\xbf"


def load_json(data: bytes, most_values: int) -> Any:
    """The value of a text of JSON in UTF-8. Raises TooLarge for more values than that, InputError where it is none."""
    check_values(data, most_values)
    try:
        return parsed(data)
    except (ValueError, RecursionError):
        raise InputError("The body is no valid JSON.", kept="Nothing was kept.") from None


def parsed(data: bytes) -> Any:
    """The value. Raises ValueError, RecursionError.

    Of bytes the library would guess the encoding, in others of which values are not counted.
    """
    return json.loads(data.removeprefix(_BOM).decode("utf-8", "surrogatepass"))


def check_values(data: bytes, most: int) -> None:
    """Raises TooLarge for more than `most` values."""
    if has_more_values(data, most):
        raise TooLarge(
            f"The body has more than {most:,} values.", kept="Nothing was kept.", next_step="Send it in several."
        )


def has_more_values(data: bytes, most: int) -> bool:
    """Whether a text of JSON has more values than that. A tiny one has two bytes here, and fifty times as many parsed.

    Each but the first stands behind a comma or an opening bracket that is in no text.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") < most:
        return False
    if b"\\" in data:
        # Pairs first: what is left of an odd number stands before what it escapes.
        data = data.replace(rb"\\", b"").replace(rb"\"", b"")
    found, inside = 0, False
    for start in range(0, len(data), _AT_ONCE):
        pieces = data[start : start + _AT_ONCE].split(b'"')
        outside = b"".join(pieces[inside::2])
        found += outside.count(b",") + outside.count(b"[") + outside.count(b"{")
        inside ^= len(pieces) % 2 == 0
        if found >= most:
            return True
    return False


def has_nul(data: bytes) -> bool:
    """Whether a text of the JSON has a NUL, written as an escape that is not a backslash and the letters of one."""
    return rb"\u0000" in data and rb"\u0000" in data.replace(rb"\\", b"")

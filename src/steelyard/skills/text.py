"""Bytes to text, and what text may hold: the one place that knows encodings."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

MAX_FILE_BYTES = 5_000_000
MAX_DEPTH = 100

_SURROGATE = re.compile("[\ud800-\udfff]")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class NotText(ValueError):
    """Bytes that are no text; `line` is where the first bad byte stands, None for binary data."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def decode(data: bytes) -> str:
    """UTF-8 with or without a byte order mark, or UTF-16 with one. Raises NotText."""
    encoding = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if b"\x00" in data:
            raise NotText("it is binary") from None
        raise NotText("it is not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from None
    if "\x00" in text:
        raise NotText("it is binary")
    return text


def size(count: int) -> str:
    """Bytes for a person: `52.4 MB`, `12 kB`."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{max(1, round(count / 1000))} kB"


def unstorable(value: Any, depth: int = 0) -> str | None:
    """Why a JSON-like value cannot be kept as text and JSON everywhere, or None when it can."""
    if isinstance(value, str):
        if "\x00" in value:
            return "it holds a NUL character"
        if _SURROGATE.search(value):
            return "it holds half of a surrogate pair (a broken \\u escape)"
        return None
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "it holds a number that is not finite"
    if depth > MAX_DEPTH:
        return f"it is nested deeper than {MAX_DEPTH} levels"
    parts: list[Any] = []
    if isinstance(value, Mapping):
        mapping = cast("Mapping[Any, Any]", value)
        parts = [*mapping.keys(), *mapping.values()]
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        parts = list(cast("Sequence[Any]", value))
    return next((reason for part in parts if (reason := unstorable(part, depth + 1))), None)

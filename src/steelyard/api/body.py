"""The body of a request of the API: its type, its compression and its size, before anything parses it."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from typing import Any

from fastapi import Request

from steelyard.domain.errors import InputError, TooLarge, UnsupportedType

MAX_PLAIN = 50_000_000
_AT_ONCE = 64 * 1024
# An escaped NUL that is not a backslash and the letters of one.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_GZIP = 16 + zlib.MAX_WBITS


async def json_body(request: Request) -> Any:
    """The body as JSON, gzip undone. Raises InputError, UnsupportedType, TooLarge.

    The type has to be JSON: a page of another site can send a form without asking, and this not.
    """
    data = await json_bytes(request)
    try:
        return await asyncio.to_thread(json.loads, data)
    except (ValueError, RecursionError):
        raise InputError("The body is no valid JSON.", kept="Nothing was kept.") from None


async def json_bytes(request: Request) -> bytes:
    """The bytes of a body that says it is JSON, gzip undone. Raises UnsupportedType, TooLarge, InputError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedType("The body is not JSON.", next_step="Send it with Content-Type: application/json.")
    return await plain_body(request)


def refuse_nul(data: bytes) -> None:
    """Raises InputError where a text of the JSON has a NUL: PostgreSQL keeps none."""
    if _NUL.search(data):
        raise InputError(
            "The body has a NUL character, which no text can have here.",
            kept="Nothing was kept.",
            next_step="Leave it away.",
        )


async def plain_body(request: Request) -> bytes:
    """The body's bytes, gzip undone, at most 50 MB of them. Raises InputError, TooLarge."""
    data = await request.body()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "gzip":
        return await asyncio.to_thread(_unzipped, data)
    if encoding not in ("", "identity"):
        raise UnsupportedType(f"The encoding {encoding[:40]!r} is not read.", next_step="Send it plain or by gzip.")
    return data


def _unzipped(data: bytes) -> bytes:
    """Little by little: a small body can hold gigabytes."""
    unzip, pieces, size = zlib.decompressobj(_GZIP), list[bytes](), 0
    try:
        left = data
        while left and not unzip.eof:
            piece = unzip.decompress(left, _AT_ONCE)
            left = unzip.unconsumed_tail
            pieces.append(piece)
            size += len(piece)
            if size > MAX_PLAIN:
                raise TooLarge(
                    f"Unpacked the body has more than {MAX_PLAIN / 1e6:g} MB.",
                    kept="Nothing was kept.",
                    next_step="Send it in several.",
                )
    except zlib.error:
        raise InputError("The body is no valid gzip.", kept="Nothing was kept.") from None
    if not unzip.eof or unzip.unused_data:
        raise InputError("The body is no whole gzip stream, or several.", kept="Nothing was kept.")
    return b"".join(pieces)

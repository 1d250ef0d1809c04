"""The body of a request of the API: its type, its compression and its size, before anything parses it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import Request

from steelyard.api.turns import Turns, sender_of
from steelyard.domain.errors import InputError, TooLarge, UnsupportedType
from steelyard.domain.json_bodies import has_nul, load_json

MAX_PLAIN = 10_000_000
MAX_VALUES = 100_000
# What parses as much takes a good part of a second, and memory: so many at a time, and so many wait for them.
LARGE = 1_000_000
_AT_A_TIME = 2
_MOST_WAITING = 16
_PIECE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()


async def json_body(request: Request, *, most: int = MAX_PLAIN, most_values: int = MAX_VALUES) -> Any:
    """The body as JSON, gzip undone. Raises InputError, UnsupportedType, TooLarge, TooMany.

    The type has to be JSON: a page of another site can send a form without asking, and this not.
    """
    async with json_bytes(request, most) as data:
        return await asyncio.to_thread(load_json, data, most_values)


@asynccontextmanager
async def json_bytes(request: Request, most: int = MAX_PLAIN) -> AsyncGenerator[bytes]:
    """The bytes of a body that says it is JSON, as `body_in_turn` has them. Raises UnsupportedType besides."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedType("The body is not JSON.", next_step="Send it with Content-Type: application/json.")
    async with body_in_turn(request, most) as data:
        yield data


def refuse_nul(data: bytes) -> None:
    """Raises InputError where a text of the JSON has a NUL: PostgreSQL keeps none."""
    if has_nul(data):
        raise InputError(
            "The body has a NUL character, which no text can have here.",
            kept="Nothing was kept.",
            next_step="Leave it away.",
        )


async def plain_body(request: Request, most: int = MAX_PLAIN) -> bytes:
    """The body's bytes, gzip undone, at most so many. Raises InputError, TooLarge, TooMany, UnsupportedType."""
    async with body_in_turn(request, most) as data:
        return data


@asynccontextmanager
async def body_in_turn(request: Request, most: int) -> AsyncGenerator[bytes]:
    """The body's bytes, gzip undone, at most `most` of them. Of those of over a megabyte two are held at a time, and a
    third one where both are of one tenant.

    Raises InputError, TooLarge, UnsupportedType, and TooMany where too many wait already.
    """
    data = await request.body()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise UnsupportedType(f"The encoding {encoding[:40]!r} is not read.", next_step="Send it plain or by gzip.")
    packed = encoding == "gzip"
    small = await asyncio.to_thread(_unzipped, data, min(most, LARGE)) if packed else data
    if small is not None and len(small) <= LARGE:
        yield small
        return
    async with _turns_here().turn(sender_of(request)):
        if packed:
            small = await asyncio.to_thread(_unzipped, data, most)
        if small is None or len(small) > most:
            raise TooLarge(
                f"Unpacked the body has more than {most / 1e6:g} MB.",
                kept="Nothing was kept.",
                next_step="Send it in several.",
            )
        yield small


def _turns_here() -> Turns:
    return _turns.setdefault(asyncio.get_running_loop(), Turns(_AT_A_TIME, _MOST_WAITING))


def _unzipped(data: bytes, most: int) -> bytes | None:
    """Little by little: a small body can hold gigabytes. None: it holds more than `most`. Raises InputError."""
    unzip, pieces, size = zlib.decompressobj(_GZIP), list[bytes](), 0
    try:
        left = data
        while left and not unzip.eof:
            piece = unzip.decompress(left, _PIECE)
            left = unzip.unconsumed_tail
            pieces.append(piece)
            size += len(piece)
            if size > most:
                return None
    except zlib.error:
        raise InputError("The body is no valid gzip.", kept="Nothing was kept.") from None
    if not unzip.eof or unzip.unused_data:
        raise InputError("The body is no whole gzip stream, or several.", kept="Nothing was kept.")
    return b"".join(pieces)

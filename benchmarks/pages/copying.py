"""Rows into a tenant fast: numpy records by binary COPY into a temporary table, from there by INSERT as the app role.

`COPY` straight into a table under row-level security is refused, and rightly so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import LiteralString
from uuid import UUID

import numpy as np
import numpy.typing as npt
from psycopg import sql

from steelyard.storage.database import Connection

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
# PostgreSQL counts time in microseconds from the year 2000.
EPOCH_US = 946_684_800 * 1_000_000

_TYPES: Mapping[str, tuple[LiteralString, str]] = {
    "int": ("integer", ">i4"),
    "big": ("bigint", ">i8"),
    "real": ("double precision", ">f8"),
    "time": ("timestamptz", ">i8"),
    "uuid": ("uuid", "S16"),
}


async def fill_table(
    connection: Connection, name: str, columns: Mapping[str, tuple[str, npt.NDArray[np.generic]]]
) -> None:
    """A temporary table of these columns, (kind, values) each, gone with the transaction.

    kinds: int, big, real, time (microseconds since 1970, UTC), uuid ((n, 2) uint64). None of them can be null.
    """
    declared = [
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(_TYPES[kind][0]))
        for column, (kind, _) in columns.items()
    ]
    await connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(
            sql.Identifier(name), sql.SQL(", ").join(declared)
        )
    )
    async with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(name))) as copy,
    ):
        await copy.write(_HEADER)
        for part in _records(columns):
            await copy.write(part)
        await copy.write(_TRAILER)
    await connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))


def _records(columns: Mapping[str, tuple[str, npt.NDArray[np.generic]]]) -> Sequence[bytes]:
    """The rows in PostgreSQL's binary form: a count of fields, then each field's length and bytes."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for column, (kind, _) in columns.items():
        layout += [(f"{column}#", ">i4"), (column, _TYPES[kind][1])]
    length = len(next(iter(columns.values()))[1])
    rows = np.zeros(length, dtype=layout)
    rows["fields"] = len(columns)
    for column, (kind, values) in columns.items():
        rows[f"{column}#"] = rows.dtype[column].itemsize
        match kind:
            case "uuid":
                rows[column] = np.ascontiguousarray(values.astype(">u8")).view("S16").reshape(-1)
            case "time":
                rows[column] = values.astype(np.int64) - EPOCH_US
            case _:
                rows[column] = values
    return [rows[start : start + 50_000].tobytes() for start in range(0, length, 50_000)]


def uuids(high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """(n, 2) uint64: uuids of version 8 from two numbers each, in the order of `high`: an index grows at one end."""
    version = (high & ~np.uint64(0xF000)) | np.uint64(0x8000)
    variant = (low & np.uint64(0x3FFF_FFFF_FFFF_FFFF)) | np.uint64(0x8000_0000_0000_0000)
    return np.stack([version, variant], axis=1)


def words_of(ids: Sequence[UUID]) -> npt.NDArray[np.uint64]:
    """(n, 2) uint64 of these uuids."""
    return np.array([[one.int >> 64, one.int & (2**64 - 1)] for one in ids], dtype=np.uint64).reshape(-1, 2)


def uuid_of(words: npt.NDArray[np.uint64]) -> UUID:
    """The uuid of one row of `words_of`."""
    return UUID(int=(int(words[0]) << 64) | int(words[1]))

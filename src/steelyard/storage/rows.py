"""Rows of a query as dataclasses, by the names of its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar

from psycopg import AsyncCursor
from psycopg.rows import AsyncRowFactory, no_result

from steelyard.domain.access import Role

Record = TypeVar("Record")


def record_row(cls: type[Record]) -> AsyncRowFactory[Record]:
    """Makes the dataclass `cls` of each row. Its fields are the columns, in any order, and may be others with defaults.

    TypeError where they are not. psycopg's `class_row` does the same by keyword, at some 3 µs more for a row of ten: a
    page may read a thousand.
    """

    def factory(cursor: AsyncCursor[Any]) -> Callable[[Sequence[Any]], Record]:
        described = cursor.description
        return no_result if described is None else _maker(cls, tuple(column.name for column in described))

    return factory


@lru_cache(512)
def _maker(cls: type[Any], names: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    wanted = tuple(field.name for field in fields(cls) if field.name in names or not field.kw_only)
    if sorted(wanted) != sorted(names):
        raise TypeError(f"{cls.__name__} has other fields than the query's columns: {', '.join({*wanted} ^ {*names})}.")
    named = [field.name for field in fields(cls) if field.kw_only and field.name in names]
    if named:
        return lambda values: cls(**dict(zip(names, values, strict=True)))
    if wanted == names:
        return lambda values: cls(*values)
    ordered = itemgetter(*(names.index(name) for name in wanted))
    return lambda values: cls(*ordered(values))


def with_role(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row's columns, that of the role as one."""
    return {**row, "role": Role(row["role"])}

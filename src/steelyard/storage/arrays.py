"""Columns of many rows as PostgreSQL's array literals.

psycopg writes a list item by item and asks of each how: for a batch of uses that takes longer than to insert them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from steelyard.storage.database import clean


def array(values: Sequence[UUID | datetime | date | int | float | None]) -> str:
    """The literal of an array of values whose own text needs no quotes but a time's; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else f'"{value}"' for value in values]) + "}"


def text_array(values: Sequence[str | None]) -> str:
    """The literal of an array of texts, cleaned; None is NULL. A text that is there often is written once."""
    written = {value: _quoted(value) for value in set(values)}
    return "{" + ",".join([written[value] for value in values]) + "}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    escaped = clean(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

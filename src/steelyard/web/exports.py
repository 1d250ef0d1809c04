"""Rows as a CSV download, written while they are read."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import astuple, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from steelyard.charts.tables import guarded
from steelyard.domain.money import usd_digits

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_ROWS_AT_ONCE = 500
_MICROCENTS = "_microcents"


def csv_download(
    rows: AsyncIterable[DataclassInstance], row_type: type[DataclassInstance], filename: str
) -> StreamingResponse:
    """One line per row with the fields of `row_type` as columns, each of money (`…_microcents`) also as `…_usd`.

    `filename` must be plain ASCII.
    """
    headers = {"content-disposition": f'attachment; filename="{filename}"'}
    return StreamingResponse(_lines(rows, row_type), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(rows: AsyncIterable[DataclassInstance], row_type: type[DataclassInstance]) -> AsyncGenerator[str]:
    names = [field.name for field in fields(row_type)]
    money = [name.endswith(_MICROCENTS) for name in names]
    pending: list[Sequence[Any]] = [[head for name in names for head in _heads(name)]]
    async for row in rows:
        pending.append(
            [cell for value, is_money in zip(astuple(row), money, strict=True) for cell in _cells(value, is_money)]
        )
        if len(pending) >= _ROWS_AT_ONCE:
            yield _written(pending)
            pending = []
    if pending:
        yield _written(pending)


def _written(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _heads(name: str) -> tuple[str, ...]:
    return (f"{name.removesuffix(_MICROCENTS)}_usd", name) if name.endswith(_MICROCENTS) else (name,)


def _cells(value: Any, is_money: bool) -> tuple[Any, ...]:
    if not is_money:
        return (_cell(value),)
    return (None if value is None else usd_digits(value), value)


def _cell(value: Any) -> Any:
    """Booleans and times as JSON has them; unknown is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return guarded(value)

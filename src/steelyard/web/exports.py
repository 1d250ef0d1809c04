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

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_ROWS_AT_ONCE = 500


def csv_download(
    rows: AsyncIterable[DataclassInstance], row_type: type[DataclassInstance], filename: str
) -> StreamingResponse:
    """One line per row with the fields of `row_type` as columns. `filename` must be plain ASCII."""
    headers = {"content-disposition": f'attachment; filename="{filename}"'}
    return StreamingResponse(_lines(rows, row_type), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(rows: AsyncIterable[DataclassInstance], row_type: type[DataclassInstance]) -> AsyncGenerator[str]:
    pending: list[Sequence[Any]] = [[field.name for field in fields(row_type)]]
    async for row in rows:
        pending.append([_cell(value) for value in astuple(row)])
        if len(pending) >= _ROWS_AT_ONCE:
            yield _written(pending)
            pending = []
    if pending:
        yield _written(pending)


def _written(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Booleans and times as JSON has them; unknown is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return guarded(value)

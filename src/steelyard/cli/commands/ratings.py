"""`steelyard ratings`: what people say of a run, on screen, as JSON and as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from steelyard.charts.tables import guarded
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.desk import open_desk
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.people import render_people
from steelyard.cli.place import chosen_server
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import InputError
from steelyard.storage.ratings import RatingExport


def show_ratings(id_prefix: str, json_to: str | None, csv_to: str | None) -> int:
    """The report; with `csv_to` every rating as well."""
    check_target(json_to)
    if json_to == STDOUT and csv_to == STDOUT:
        raise InputError("Standard output takes one of --json and --csv.", next_step="Give a file for the other.")

    async def body() -> int:
        async with open_desk() as desk:
            report, rows = await desk.ratings(id_prefix, each=csv_to is not None)
        out = Terminal(json_out=STDOUT in (json_to, csv_to)).out
        out.lines(render_people(report, out.width))
        if not report.raters:
            server = chosen_server()
            where = "steelyard serve, then " if server is None else words.safe(server.rstrip("/"))
            out.line(f"Rate outputs: {where}/runs/{str(report.run_id)[:8]}/rate")
        write_json(report.to_json(), json_to)
        if csv_to:
            _write_csv(rows, csv_to)
        return exits.OK

    return asyncio.run(body())


def _write_csv(rows: Sequence[RatingExport], target: str) -> None:
    """The same lines as the page's download. Raises InputError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([field.name for field in fields(RatingExport)])
    writer.writerows([_cell(value) for value in astuple(row)] for row in rows)
    if target == STDOUT:
        sys.stdout.write(text.getvalue())
        sys.stdout.flush()
        return
    try:
        Path(target).expanduser().write_bytes(text.getvalue().encode())
    except OSError as error:
        raise InputError(
            f"the ratings cannot be written ({error.strerror}).",
            file=target,
            kept="They are kept: give another file.",
        ) from error


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else guarded(value)

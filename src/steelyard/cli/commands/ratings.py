"""`steelyard ratings`: what people say of a run, on screen, as JSON and as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
from dataclasses import astuple, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from steelyard.bootstrap import open_workbench
from steelyard.charts.tables import guarded
from steelyard.cli import exits
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.people import render_people
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import InputError
from steelyard.storage.ratings import RatingExport


def show_ratings(id_prefix: str, json_to: str | None, csv_to: str | None) -> int:
    """The report; with `csv_to` every rating as well."""
    check_target(json_to)
    if json_to == STDOUT and csv_to == STDOUT:
        raise InputError("Standard output takes one of --json and --csv.", next_step="Give a file for the other.")

    async def body() -> int:
        async with open_workbench() as workbench:
            run = await workbench.benchmarks.find(workbench.tenant_id, id_prefix)
            report = await workbench.people.report(workbench.tenant_id, run.id)
            rows = [row async for row in workbench.ratings.export(workbench.tenant_id, run.id)] if csv_to else []
        out = Terminal(json_out=STDOUT in (json_to, csv_to)).out
        out.lines(render_people(report, out.width))
        if not report.raters:
            out.line(f"Rate outputs: steelyard serve, then /runs/{str(run.id)[:8]}/rate")
        write_json(report.to_json(), json_to)
        if csv_to:
            _write_csv(rows, csv_to)
        return exits.OK

    return asyncio.run(body())


def _write_csv(rows: list[RatingExport], target: str) -> None:
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

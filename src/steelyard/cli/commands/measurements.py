"""`steelyard measurements`: import uses from a CSV file, list those of skills that are not here, price old ones."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.desk import open_desk
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import InputError, SteelyardError
from steelyard.intake.items import FIELDS, REQUIRED
from steelyard.services.intake import Taken
from steelyard.services.later_prices import PricedLater

BATCH = 5_000
REFUSED_SHOWN = 20
_MOST_LINE = 100_000

# (line of the file, the row as an item)
_Row = tuple[int, dict[str, Any]]


def import_measurements(path: str) -> int:
    """Take in a CSV file whose heading names the fields of POST /v1/measurements, batch by batch."""

    async def body() -> int:
        totals = [0, 0, 0, 0]
        refused: list[str] = []
        refused_in_all = 0
        async with open_desk() as desk:
            with rows_of(path) as rows:
                while batch := list(islice(rows, BATCH)):
                    try:
                        taken = await desk.take_uses([row for _, row in batch])
                    except SteelyardError as error:
                        if sum(totals) + refused_in_all:
                            error.kept = f"What stands before line {batch[0][0]:,} of the file is kept."
                            error.next_step = "Import the file again, all of it: a use counts once."
                        raise
                    for place, number in enumerate(_counts(taken)):
                        totals[place] += number
                    refused_in_all += len(taken.refused)
                    refused += [
                        f"line {batch[item.index][0]:,}: {item.field}: {item.message}"
                        for item in taken.refused[: REFUSED_SHOWN - len(refused)]
                    ]
        _say(totals, refused, refused_in_all)
        return exits.USAGE if refused_in_all else exits.OK

    return asyncio.run(body())


def list_unmatched() -> int:
    """The names of skills that uses were sent for and that are not here."""

    async def body() -> int:
        async with open_desk() as desk:
            found = await desk.unmatched()
        screen = Terminal().out
        if not found:
            screen.line("Every use that was sent is of a skill that is here.")
            return exits.OK
        screen.line("Uses of skills that are not here", "bold")
        for one in found:
            last = f"{one.last_at:%Y-%m-%d}"
            screen.line(f"  {words.safe(one.skill_name, 60)}: {words.count(one.uses, 'use')}, the last of {last}")
        screen.line(words.hang("They are kept: once a skill of that name is added they count as its own.", 78, 0))
        return exits.OK

    return asyncio.run(body())


def price_later() -> int:
    """Price uses whose price was not known when they came."""

    async def body() -> PricedLater:
        async with open_workbench() as workbench:
            return await workbench.later_prices.price(workbench.tenant_id)

    found = asyncio.run(body())
    screen = Terminal().out
    if not found.priced and not found.unknown and not found.unmatched:
        screen.line("Every use has a known cost.")
        return exits.OK
    screen.line(f"{words.count(found.priced, 'use')} priced by the prices of their days.")
    for model in found.models:
        if model.priced:
            cost = words.spent(model.microcents, lower_bound=False)
            screen.line(f"  {words.safe(model.model, 60)}: {words.count(model.priced, 'use')}, {cost}")
    if found.unmatched:
        screen.line(f"{words.count(found.unmatched, 'use')} of skills that are not here priced too.")
    unknown = [model for model in found.models if model.unknown]
    for model in unknown:
        screen.line(f"Still unknown: {words.safe(model.model, 60)}, {words.count(model.unknown, 'use')}.")
    if unknown:
        next_step = "Give prices of your own in settings.toml ([providers.NAME.prices]), then run this again."
        screen.line(words.hang(next_step, screen.width, 0))
    return exits.OK


@contextmanager
def rows_of(path: str) -> Generator[Iterator[_Row]]:
    """The file's rows. Raises InputError, also while they are read."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            yield _read(path, file)
    except OSError as error:
        raise InputError(f"it cannot be read ({error.strerror}).", file=path) from error
    except UnicodeDecodeError as error:
        raise InputError("it is not UTF-8 text.", file=path, kept="Rows before that are kept.") from error


def _read(path: str, file: Any) -> Iterator[_Row]:
    before = csv.field_size_limit(_MOST_LINE)
    try:
        reader = csv.DictReader(file, strict=True, restkey="more columns than the heading")
        _check_heading(path, reader.fieldnames)
        for row in reader:
            yield reader.line_num, dict(row)
    except csv.Error as error:
        raise InputError(f"it is no CSV: {error}.", file=path, kept="Rows before that are kept.") from error
    finally:
        csv.field_size_limit(before)


def _check_heading(path: str, heading: Sequence[str] | None) -> None:
    """Raises InputError: with a wrong heading every row would be refused for the same."""
    fields = [*REQUIRED, *sorted(FIELDS - set(REQUIRED))]
    should = f"Its first line names the fields: {', '.join(REQUIRED)}; and any of {', '.join(fields[len(REQUIRED) :])}."
    if not heading or not any(name.strip() for name in heading):
        raise InputError("it is empty.", file=path, kept="Nothing was kept.", next_step=should)
    wrong = [
        *(f"there is no field {name[:40]!r}" for name in heading if name not in FIELDS),
        *(f"{name} is missing" for name in REQUIRED if name not in heading),
        *(f"{name} is there twice" for name in dict.fromkeys(heading) if name in FIELDS and heading.count(name) > 1),
    ]
    if wrong:
        said = "; ".join(wrong[:5]) + ("; and more" if len(wrong) > 5 else "")
        raise InputError(f"its heading is wrong: {said}.", file=path, kept="Nothing was kept.", next_step=should)


def _counts(taken: Taken) -> tuple[int, int, int, int]:
    return taken.kept, taken.duplicates, taken.unmatched, taken.unknown_versions


def _say(totals: list[int], refused: list[str], refused_in_all: int) -> None:
    kept, duplicates, unmatched, unknown_versions = totals
    screen = Terminal().out
    screen.line(f"{words.count(kept, 'use')} kept, {duplicates:,} known already, {refused_in_all:,} refused.")
    if unmatched:
        screen.line(
            f"{words.count(unmatched, 'use')} kept for skills that are not here:"
            " `steelyard measurements unmatched` names them."
        )
    if unknown_versions:
        screen.line(f"{words.count(unknown_versions, 'use')} of a version the skill does not have count for the skill.")
    for line in refused:
        screen.line(words.safe(line, screen.width - 2))
    if refused_in_all > len(refused):
        screen.line(f"and {refused_in_all - len(refused):,} more refused.")

"""`steelyard audit`: who changed what and when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, TypeVar
from uuid import UUID

from rich.text import Text

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.desk import open_desk
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Terminal
from steelyard.services.audit import MAX_PAGE, SCHEMA, AuditAct, filter_of

T = TypeVar("T")


def show_audit(since: str, until: str, skill: str, actor: str, limit: int, json_to: str | None) -> int:
    """The newest `limit` acts of those asked for, as JSON so many changes; days are UTC."""
    check_target(json_to)
    wanted, problem = filter_of(actor=actor, skill=skill, since=since, until=until)
    if problem is not None:
        raise problem

    async def body() -> tuple[list[AuditAct], bool, list[Mapping[str, Any]]]:
        async with open_desk() as desk:

            async def acts(before: UUID | None, most: int) -> tuple[Sequence[AuditAct], UUID | None]:
                page = await desk.audit(wanted, before, most)
                return page.acts, page.next

            shown, more = ([], False) if json_to == STDOUT else await _newest(acts, limit)
            if json_to is None:
                return shown, more, []
            changes, _ = await _newest(lambda before, most: desk.changes(wanted, before, most), limit)
            return shown, more, changes

    found, more, changes = asyncio.run(body())
    terminal = Terminal(json_out=json_to == STDOUT)
    if json_to != STDOUT:
        terminal.out.lines(lines_of(found, terminal.out.width))
    if more:
        terminal.out.line(f"There are older ones: --limit shows more than {limit:,}, --since and --until others.")
    write_json({"schema": SCHEMA, "changes": changes}, json_to)
    return exits.OK


async def _newest(
    page: Callable[[UUID | None, int], Awaitable[tuple[Sequence[T], UUID | None]]], limit: int
) -> tuple[list[T], bool]:
    """The newest of a list that is read a page at a time, and whether there are older ones."""
    found: list[T] = []
    before: UUID | None = None
    while True:
        some, before = await page(before, min(MAX_PAGE, limit - len(found)))
        found += some
        if before is None or len(found) >= limit:
            return found, before is not None


def lines_of(acts: Sequence[AuditAct], width: int) -> Iterator[Text]:
    """A line for each act: when (UTC), who and what."""
    if not acts:
        yield Text("No change is kept of that.")
    for act in acts:
        when = f"{act.row.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}  "
        line = Text(when + words.hang(words.safe(f"{act.row.actor_name} {act.sentence}"), width, len(when)))
        line.stylize("dim", 0, len(when))
        yield line

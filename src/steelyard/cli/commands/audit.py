"""`steelyard audit`: who changed what and when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC
from uuid import UUID

from rich.text import Text

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.desk import open_desk
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Terminal
from steelyard.services.audit import MAX_PAGE, SCHEMA, AuditEntry, AuditGroup, AuditPage, filter_of


def show_audit(since: str, until: str, skill: str, actor: str, limit: int, json_to: str | None) -> int:
    """The newest `limit` changes of those asked for; days are UTC."""
    check_target(json_to)
    wanted, problem = filter_of(actor=actor, skill=skill, since=since, until=until)
    if problem is not None:
        raise problem

    async def body() -> tuple[list[AuditEntry], bool]:
        found: list[AuditEntry] = []
        before: UUID | None = None
        async with open_desk() as desk:
            while True:
                page = await desk.audit(wanted, before, min(MAX_PAGE, limit - len(found)))
                found += page.entries
                before = page.next
                if before is None or len(found) >= limit:
                    return found, before is not None

    entries, more = asyncio.run(body())
    terminal = Terminal(json_out=json_to == STDOUT)
    terminal.out.lines(lines_of(AuditPage(tuple(entries), None).groups, terminal.out.width))
    if more:
        terminal.out.line(f"There are older ones: --limit shows more than {limit:,}, --since and --until others.")
    write_json({"schema": SCHEMA, "changes": [entry.to_json() for entry in entries]}, json_to)
    return exits.OK


def lines_of(groups: Sequence[AuditGroup], width: int) -> Iterator[Text]:
    """A line for each act: when (UTC), who and what."""
    if not groups:
        yield Text("No change is kept of that.")
    for group in groups:
        when = f"{group.row.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}  "
        line = Text(when + words.hang(words.safe(f"{group.row.actor_name} {group.sentence}"), width, len(when)))
        line.stylize("dim", 0, len(when))
        yield line

"""`steelyard skills health`: what stands out among a skill's golden cases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from rich.text import Text

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.desk import open_desk
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Terminal
from steelyard.services.case_health import CaseHealth

_SHOWN = 20


def show_health(name: str, json_to: str | None) -> int:
    """Everything found, each with what to do about it."""
    check_target(json_to)

    async def body() -> CaseHealth:
        async with open_desk() as desk:
            return await desk.health(name)

    found = asyncio.run(body())
    out = Terminal(json_out=json_to == STDOUT).out
    out.lines(health_lines(found, out.width))
    write_json(found.to_json(), json_to)
    return exits.OK


def health_lines(found: CaseHealth, width: int) -> Iterator[Text]:
    """The report; `width` in columns."""
    of = "" if not found.runs or found.version is None else f" of version {found.version[:12]}"
    basis = f"{words.count(found.runs, 'run')} of record{of}, {words.count(found.models, 'model')}"
    yield Text(f"{words.count(found.cases, 'golden case')}, {basis}", style="bold")
    if not found.cases:
        yield Text("No golden cases yet: a benchmark needs inputs with what a good answer is.")
        return
    if not found.runs:
        yield Text("No benchmark yet: which cases every model fails, or always passes, shows after a run of record.")
    elif not found.found:
        yield Text("Nothing stands out.")
    if not found.compared:
        yield Text("A server does not compare the texts of so many cases: that takes seconds in which others wait.")
    for heading, lines in (
        ("Every model fails", [(one.case.key, one.says) for one in found.suspects]),
        ("Always passed", [(one.case.key, one.says) for one in found.settled]),
        (
            "Nearly the same",
            [(", ".join(case.key for case in group.cases), group.says(group.cases[0].id)) for group in found.alike],
        ),
    ):
        if not lines:
            continue
        yield Text()
        yield Text(f"{heading}: {len(lines):,}", style="bold")
        for key, says in lines[:_SHOWN]:
            yield Text(f"  {words.safe(key, width - 2)}")
            yield Text("    " + words.hang(words.safe(says), width, 4), style="dim")
        if len(lines) > _SHOWN:
            yield Text(f"  and {len(lines) - _SHOWN:,} more: --json FILE has them all")

"""`steelyard production`: a skill's last benchmark set beside its use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from rich.text import Text

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.desk import open_desk
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Terminal
from steelyard.services.production import ASSUMPTIONS, Production
from steelyard.services.production_words import (
    language_sentence,
    length_sentence,
    month_words,
    ratio_words,
    saving_sentence,
    saving_words,
    traffic_sentence,
    trend_rows,
    trend_sentence,
)


def show_production(name: str, days: int, json_to: str | None) -> int:
    """Print or write all of it."""
    check_target(json_to)

    async def body() -> Production:
        async with open_desk() as desk:
            return await desk.production(name, days)

    found = asyncio.run(body())
    out = Terminal(json_out=json_to == STDOUT).out
    out.lines(_lines(found, out.width))
    write_json(found.to_json(), json_to)
    return exits.OK


def _lines(found: Production, width: int) -> Iterator[Text]:
    def said(text: str, style: str = "") -> Text:
        return Text(words.hang(words.safe(text), width, 0), style=style)

    # Without a use the reason below says it.
    if found.model_in_use is not None or found.why_none is None:
        yield said(traffic_sentence(found), "bold")
    if found.why_none is not None:
        yield said(found.why_none)
        yield said(f"next: {found.next_step}")
    if found.models:
        yield said(saving_sentence(found))
        yield Text()
        for one in found.models:
            yield Text(f"  {words.safe(one.model, width - 2)}")
            cost = "no known price or tokens" if one.month is None else f"{month_words(one.month)} a month"
            line = "; ".join([cost, *([saving_words(one)] if one.month else []), f"tokens {ratio_words(one)}"])
            yield Text("    " + words.hang(line, width, 4), style="dim")
        yield Text()
        yield from (said(f"- {assumption}", "dim") for assumption in ASSUMPTIONS)
    yield Text()
    yield Text("Are the golden cases like the uses?", style="bold")
    yield said(length_sentence(found))
    yield said(language_sentence(found))
    yield Text()
    yield Text("What changed the cost", style="bold")
    yield said(trend_sentence(found.trend))
    for name, change, _ in trend_rows(found.trend):
        yield Text(f"  {name:<16} {change:>14}")

"""`steelyard stale` and `steelyard skills stale-after`: what speaks against benchmarks, and how old they may be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.text import Text

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.desk import open_desk
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import InputError
from steelyard.domain.money import dollars
from steelyard.domain.stale_causes import FoundCause, Retest
from steelyard.services.stale_check import SCHEMA, Checked
from steelyard.services.staleness import age_limit_of

DEFAULT = "default"


def show_stale(skills: Sequence[str], json_to: str | None, *, fail: bool, notify: bool = False) -> int:
    """Every stale skill, or how the named ones stand; with `fail`, exit 7 when one is stale."""
    if notify:
        raise InputError("--notify is of all skills.", field="notify", next_step="Leave the names out.")
    check_target(json_to)

    async def body() -> list[Checked]:
        async with open_desk() as desk:
            return await desk.stale(skills)

    found = asyncio.run(body())
    terminal = Terminal(json_out=json_to == STDOUT)
    terminal.out.lines(lines_of(found, terminal.out.width, named=bool(skills)))
    write_json({"schema": SCHEMA, "skills": [one.to_json() for one in found]}, json_to)
    return exits.STALE if fail and any(one.causes for one in found) else exits.OK


def set_days(days: str, skill: str | None) -> int:
    """The days after which a benchmark is too old, of one skill or of all."""

    chosen = None if days == DEFAULT else age_limit_of(days)

    async def body() -> int:
        async with open_desk() as desk:
            return await desk.set_stale_after(chosen, skill)

    holds = asyncio.run(body())
    whose = "A benchmark" if skill is None else f"The benchmark of {words.safe(skill)}"
    Terminal().out.line(f"{whose} is too old once its oldest answer is {words.count(holds, 'day')} old.")
    return exits.OK


def lines_of(found: Sequence[Checked], width: int, *, named: bool) -> Iterator[Text]:
    """A paragraph for each skill: its causes with their evidence, and what testing again would take."""
    if not found:
        yield Text("No benchmark is stale.")
    for place, one in enumerate(found):
        if place:
            yield Text()
        yield Text(words.safe(one.name), style="bold").append(f"  {_standing(one)}", "not bold")
        for cause in one.causes:
            yield from _cause(cause, width)
    stale = sum(bool(one.causes) for one in found)
    if stale and not named:
        yield Text()
        yield Text(f"{words.count(stale, 'stale benchmark')}. Re-benchmark from a skill's page, or run it once more.")


def _standing(one: Checked) -> str:
    if one.benchmarked_at is None:
        return "never benchmarked"
    return f"{one.state}, benchmarked {_day(one.benchmarked_at)}, run {str(one.run_id)[:8]}"


def _cause(cause: FoundCause, width: int) -> Iterator[Text]:
    since = f"{'noticed' if cause.noticed else 'since'} {_day(cause.since)}"
    text = words.hang(words.safe(f"{cause.kind.heading}: {cause.evidence} ({since})"), width - 2, 4)
    yield Text("  ").append(text, "yellow")
    if cause.retest is not None:
        yield Text("    ").append(words.hang(words.safe(retest_words(cause.retest)), width - 4, 4), "dim")


def retest_words(retest: Retest) -> str:
    """`Re-test: 40 calls of models and 3 of the judge, about $0.12; 20 answers used again`."""
    if retest.problem is not None:
        return f"Re-test: not as it stands. {retest.problem}"
    if not retest.all_calls:
        return f"Re-test: no call, $0; {words.count(retest.reused, 'answer')} used again"
    calls = words.count(retest.calls, "call") + " of models"
    if retest.judge_calls:
        calls += f" and {retest.judge_calls:,} of the judge"
    bound = retest.cost_is_lower_bound
    cost = words.spent(retest.cost_microcents, bound) if bound else f"about {dollars(retest.cost_microcents)}"
    reused = f"; {words.count(retest.reused, 'answer')} used again" if retest.reused else ""
    return f"Re-test: {calls}, {cost}{reused}"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"

"""`steelyard run` and `steelyard estimate`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from rich.text import Text

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.announce import announce, estimate_lines, tell_estimate, tell_kept_budget
from steelyard.cli.asking import spend_unless_refused
from steelyard.cli.desk import open_desk
from steelyard.cli.follow import conclude, whole
from steelyard.cli.grid import Column, heading_lines, row, total_width
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.options import Chosen, Output
from steelyard.cli.selection import Typed, read
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import InputError
from steelyard.domain.money import dollars
from steelyard.services.estimates import Estimate, ModelEstimate

REQUIREMENTS = ("best", "verdict")


def run(chosen: Chosen, output: Output, *, yes: bool) -> int:
    """Plan, run in the foreground, report. Returns the exit code."""
    if output.require is not None and output.require not in REQUIREMENTS:
        raise InputError(f"--require {output.require} is not known.", next_step="Give best or verdict.")
    check_target(output.json)
    typed = read(chosen)
    terminal = Terminal(json_out=output.json == STDOUT, quiet=output.quiet)
    return asyncio.run(_run(typed, output, terminal, yes=yes))


def estimate(chosen: Chosen, json_to: str | None) -> int:
    """Say what the run would take. Returns the exit code."""
    check_target(json_to)
    typed = read(chosen, keeps=False)
    return asyncio.run(_estimate(typed, json_to, Terminal(json_out=json_to == STDOUT)))


async def _run(typed: Typed, output: Output, terminal: Terminal, *, yes: bool) -> int:
    async with open_desk(concurrency=typed.chosen.concurrency, warm=typed.called) as desk:
        selected = await desk.select(typed)
        request = selected.request
        announce(selected, terminal)
        # A budget is a yes up to so much.
        settled = yes or request.budget_microcents is not None
        if not (settled and terminal.quiet):
            expected = await desk.estimate(request)
            tell_estimate(request, expected, terminal)
            if not settled and not spend_unless_refused(expected.cost_microcents, terminal):
                terminal.err.line("Nothing was called. --yes goes on without asking, --budget USD sets a limit.")
                return exits.OK
        started, asked = await whole(desk.start(request), terminal)
        if started.continued and not terminal.quiet:
            done, spared = await desk.done_cells(started.run_id)
            planned = len(request.models) * len(request.arms) * len(request.cases) * request.trials
            planned -= spared
            terminal.say(f"Continuing run {str(started.run_id)[:8]}: {done:,} of {planned:,} cells done.")
            tell_kept_budget(started.kept_budget_microcents, terminal)
        interrupted = await desk.follow(started.run_id, terminal, interrupted=asked)
        return await conclude(desk, started.run_id, terminal, output, interrupted=interrupted)


async def _estimate(typed: Typed, json_to: str | None, terminal: Terminal) -> int:
    async with open_desk(concurrency=typed.chosen.concurrency) as desk:
        selected = await desk.select(typed)
        announce(selected, terminal)
        expected = await desk.estimate(selected.request)
    terminal.out.lines(estimate_lines(selected.request, expected))
    terminal.out.lines(_by_model(expected, terminal.out.width))
    for sentence in expected.assumptions:
        terminal.out.line(words.safe(sentence), "dim")
    write_json({"schema": "steelyard.estimate/1", **asdict(expected)}, json_to)
    return exits.OK


def _judges(expected: Estimate) -> list[ModelEstimate]:
    """What all judges take, so that the table comes to the total."""
    calls = expected.judge_calls + expected.canary_calls
    if not calls:
        return []
    tokens = expected.input_tokens + expected.output_tokens - sum(row.tokens for row in expected.per_model)
    unknown = expected.judge_unpriced and not expected.judge_cost_microcents
    return [ModelEstimate("(judging)", calls, tokens, None if unknown else expected.judge_cost_microcents)]


def _by_model(expected: Estimate, width: int) -> list[Text]:
    rows = [*expected.per_model, *_judges(expected)]
    costs = ["unknown" if r.cost_microcents is None else dollars(r.cost_microcents) for r in rows]
    columns = [
        Column("Calls", "", [f"{r.calls:,}" for r in rows]),
        Column("Tokens", "", [f"{r.tokens:,}" for r in rows]),
        Column("Cost", "", costs),
    ]
    room = max(10, width - total_width(columns) - 2)
    table = [Column("Model", "", words.short_names([r.model for r in rows], room), left=True), *columns]
    return [*heading_lines(table), *(row(table, index) for index in range(len(rows)))]

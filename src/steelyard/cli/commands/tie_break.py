"""`steelyard tie-break`: have a judge compare the outputs of a run's tied models pair by pair."""

from __future__ import annotations

import asyncio
from uuid import UUID

from rich.text import Text

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.asking import spend_unless_refused
from steelyard.cli.desk import open_desk
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.options import Output
from steelyard.cli.terminal import Terminal
from steelyard.cli.tie_break import offer_lines, tie_break_lines
from steelyard.domain.models import ModelRef
from steelyard.domain.tie_breaks import UNDER_WAY, TieBreakStatus
from steelyard.services.selection import budget_microcents
from steelyard.services.tie_break_words import KEPT, tie_break_json, tie_break_words
from steelyard.services.tie_breaks import refused
from steelyard.services.wire import ShownTieBreak

_CODES = {
    TieBreakStatus.COMPLETED: exits.OK,
    TieBreakStatus.STOPPED: exits.BUDGET,
    TieBreakStatus.CANCELLED: exits.INTERRUPTED,
}


def break_tie(
    id_prefix: str, judge: str | None, budget: float | None, concurrency: int, output: Output, *, yes: bool
) -> int:
    """Say what it takes, compare in the foreground, report. Returns the exit code."""
    check_target(output.json)
    limit = budget_microcents(budget)
    ref = None if judge is None else ModelRef.typed(judge)
    terminal = Terminal(json_out=output.json == STDOUT, quiet=output.quiet)
    return asyncio.run(_break_tie(id_prefix, ref, limit, concurrency, output, terminal, yes=yes))


async def _break_tie(
    id_prefix: str,
    judge: ModelRef | None,
    limit: int | None,
    concurrency: int,
    output: Output,
    terminal: Terminal,
    *,
    yes: bool,
) -> int:
    async with open_desk(concurrency=concurrency) as desk:
        offer = await desk.tie_break_offer(id_prefix, judge)
        (terminal.warn if offer.same_family else terminal.say)(words.safe(offer.judge_sentence))
        for line in offer_lines(offer):
            terminal.say(Text(line))
        asks = not (yes or limit is not None)
        if asks and not spend_unless_refused(offer.cost_microcents or 0, terminal):
            terminal.err.line("Nothing was called. --yes goes on without asking, --budget USD sets a limit.")
            return exits.OK
        found = await desk.break_tie(offer, judge, limit, terminal)
    return _conclude(offer.run.id, found, terminal, output)


def _conclude(run_id: UUID, found: ShownTieBreak, terminal: Terminal, output: Output) -> int:
    """Report it beside what other judges of the same tie said; returns the exit code. Raises JudgeRefused."""
    row, beside = found.row, found.beside
    result = {"schema": "steelyard.tie-break/1", "run": str(run_id), "tie_break": tie_break_json(row, beside)}
    write_json(result, output.json)
    if row.status == TieBreakStatus.REFUSED:
        raise refused(row)
    if terminal.quiet:
        claim = tie_break_words(row, beside=beside).claim
        terminal.out.console.print(terminal.out.fit_text(words.safe(claim)), soft_wrap=True)
    else:
        terminal.out.line()
        terminal.out.lines(tie_break_lines(row, terminal.out.width, beside))
        terminal.out.line(KEPT, "dim")
    if row.status == TieBreakStatus.CANCELLED:
        terminal.err.line("Interrupted; what was compared is saved. The same command goes on.", "yellow")
    if row.status == TieBreakStatus.STOPPED:
        terminal.err.line("Stopped by the budget. The same command with a higher --budget goes on.", "red")
    if row.status in UNDER_WAY:
        return exits.INTERRUPTED
    return _CODES.get(TieBreakStatus(row.status), exits.PROVIDERS)

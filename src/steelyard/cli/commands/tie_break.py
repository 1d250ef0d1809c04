"""`steelyard tie-break`: have a judge compare the outputs of a run's tied models pair by pair."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from rich.text import Text

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.asking import spend_unless_refused
from steelyard.cli.follow import on_interrupt
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.options import Output
from steelyard.cli.progress import clock
from steelyard.cli.terminal import Terminal
from steelyard.cli.tie_break import TieBreakProgress, offer_lines, tie_break_lines
from steelyard.domain.errors import Conflict
from steelyard.domain.models import ModelRef
from steelyard.domain.tie_breaks import UNDER_WAY, TieBreakStatus
from steelyard.services.selection import budget_microcents
from steelyard.services.tie_break_words import KEPT, tie_break_json, tie_break_words
from steelyard.services.tie_breaks import refused
from steelyard.storage.queue import LeftToOthers
from steelyard.storage.tie_breaks import TieBreakRow

if TYPE_CHECKING:
    from steelyard.workbench import Workbench

TICK_S = 0.5
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
    ref = None if judge is None else ModelRef.parse(judge)
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
    async with open_workbench(concurrency=concurrency) as workbench:
        service, tenant_id = workbench.tie_breaks, workbench.tenant_id
        run = await workbench.benchmarks.find(tenant_id, id_prefix)
        offer = await service.offer(tenant_id, run.id, judge)
        (terminal.warn if offer.same_family else terminal.say)(words.safe(offer.judge_sentence))
        for line in offer_lines(offer):
            terminal.say(Text(line))
        asks = not (yes or limit is not None)
        if asks and not spend_unless_refused(offer.cost_microcents or 0, terminal):
            terminal.err.line("Nothing was called. --yes goes on without asking, --budget USD sets a limit.")
            return exits.OK
        row = await service.request(tenant_id, run.id, judge, budget_microcents=limit, requested_by="cli", queued=False)
        if row.status in UNDER_WAY:
            workbench.providers.warm([offer.judge])
            row = await _follow(workbench, row.id, terminal)
        beside = await service.standing(tenant_id, run.id)
    return _conclude(run.id, row, beside, terminal, output)


async def _follow(workbench: Workbench, tie_break_id: UUID, terminal: Terminal) -> TieBreakRow:
    """Make it until it ends or the person interrupts: then no call is started, and those in flight are saved."""
    stop, began_s = asyncio.Event(), clock()
    service, tenant_id = workbench.tie_breaks, workbench.tenant_id
    with on_interrupt(stop.set):
        with TieBreakProgress(terminal) as progress:
            working = asyncio.create_task(workbench.break_tie(tie_break_id, stop))
            while not working.done():
                await asyncio.wait({working}, timeout=TICK_S)
                row = await service.get(tenant_id, tie_break_id)
                if not working.done():
                    progress.update(row, workbench.in_flight, workbench.troubles, clock() - began_s)
        try:
            await working
        except LeftToOthers:
            row = await service.get(tenant_id, tie_break_id)
            if not stop.is_set():
                raise Conflict(
                    row.error_message or "It cannot be made here as it was asked for.",
                    kept="What was compared is kept.",
                    next_step="Set things as they were, then give the same command again.",
                ) from None
            await service.cancel(tenant_id, tie_break_id)
    return await service.get(tenant_id, tie_break_id)


def _conclude(run_id: UUID, row: TieBreakRow, beside: Sequence[TieBreakRow], terminal: Terminal, output: Output) -> int:
    """Report it beside what other judges of the same tie said; returns the exit code. Raises JudgeRefused."""
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
    return _CODES.get(TieBreakStatus(row.status), exits.PROVIDERS)

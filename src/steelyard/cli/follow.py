"""A run in the foreground: served and shown until it ends or the person interrupts it, then reported."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.jsonout import write_json
from steelyard.cli.options import Output
from steelyard.cli.progress import Progress, Standing, clock
from steelyard.cli.report import render, verdict_sentence
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import Conflict, StorageError
from steelyard.domain.runs import JUDGE_REFUSED, RunStatus
from steelyard.domain.spending import MONTH_BUDGET
from steelyard.execution.plan import Plan
from steelyard.services.certificates import failed_judges
from steelyard.services.reports import RunReport
from steelyard.storage.database import DATABASE_AWAY
from steelyard.workbench import Workbench

if TYPE_CHECKING:
    from steelyard.cli.desk import Desk
    from steelyard.services.worker import LeftRun

Result = TypeVar("Result")

TICK_S = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_UNDER_WAY = (RunStatus.PENDING, RunStatus.RUNNING)


@contextmanager
def on_interrupt(handle: Callable[[], None]) -> Generator[None]:
    """Call `handle` for Ctrl-C and SIGTERM in place of what they do otherwise."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, handle)
    try:
        yield
    finally:
        for number in _SIGNALS:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)


async def whole(saving: Coroutine[Any, Any, Result], terminal: Terminal) -> tuple[Result, bool]:
    """Bring to its end what would otherwise leave a run half made; True when the person interrupted meanwhile.

    A second interrupt leaves at once.
    """
    interrupts = 0

    def interrupted() -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts > 1:
            _leave(terminal)

    with on_interrupt(interrupted):
        result = await saving
    return result, interrupts > 0


async def follow(workbench: Workbench, run_id: UUID, terminal: Terminal, *, interrupted: bool = False) -> bool:
    """Serve the run until it ends; True when the person interrupted it, also before (`interrupted`).

    The first interrupt starts no further call, waits for those in flight and marks the run cancelled; the second
    leaves at once.
    """
    if interrupted:
        with suppress(Conflict):
            await workbench.benchmarks.cancel(workbench.tenant_id, str(run_id))
        return True
    return await _follow(workbench, run_id, terminal)


async def _follow(workbench: Workbench, run_id: UUID, terminal: Terminal) -> bool:
    tenant_id = workbench.tenant_id
    over = asyncio.Event()
    stop = asyncio.Event()
    interrupts = 0
    given_up: LeftRun | None = None
    to_others, waits = False, None
    began_s = clock()
    progress = Progress(terminal)

    def interrupted() -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts > 1:
            progress.__exit__()
            _leave(terminal, run_id)
        stop.set()
        over.set()
        if not terminal.err.live:
            terminal.err.line(_stopping(workbench.in_flight), "yellow")

    def ended(_: UUID) -> None:
        over.set()

    def left(run: LeftRun) -> None:
        nonlocal given_up, to_others
        if run.alone:
            given_up = run
            stop.set()
            over.set()
        else:
            to_others = True
            terminal.warn(words.safe(run.sentence))

    with on_interrupt(interrupted), progress:
        plan = Plan.from_json((await workbench.benchmarks.find(tenant_id, str(run_id))).plan)
        progress.expect(plan.models, plan.cells_per_model)
        working = asyncio.create_task(workbench.work(run_id=run_id, stop=stop, ended=ended, left=left))
        working.add_done_callback(lambda _: over.set())
        while not working.done():
            try:
                now = await workbench.benchmarks.progress(tenant_id, run_id)
            except StorageError:
                # The worker waits for it with answers already paid for in hand; leaving now would lose them.
                await _pause(working, over, stop)
                continue
            if to_others:
                with suppress(*DATABASE_AWAY):
                    seen = await workbench.run_views.progress(tenant_id, run_id)
                    if seen.left and seen.waits is not None and seen.waits != waits:
                        waits = seen.waits
                        terminal.warn(words.safe(waits, 800))
            elapsed_s = clock() - began_s
            progress.update(
                Standing(
                    now.ended,
                    now.spent_microcents,
                    now.spent_is_lower_bound,
                    now.budget_microcents,
                    workbench.in_flight,
                    elapsed_s,
                    stopping=interrupts > 0,
                    troubles=workbench.troubles,
                    race=now.race,
                    examination=now.examination,
                )
            )
            if now.status not in _UNDER_WAY or (over.is_set() and not interrupts):
                # Perhaps another process has ended it.
                stop.set()
            await _pause(working, over, stop)
        await working
        if given_up is not None:
            raise Conflict(
                given_up.sentence,
                kept="What it has so far is kept.",
                next_step=f"Set things as they were, then `steelyard runs resume {str(run_id)[:8]}`.",
            )
        if interrupts:
            with suppress(Conflict):
                await workbench.benchmarks.cancel(tenant_id, str(run_id))
    return interrupts > 0


async def conclude(desk: Desk, run_id: UUID, terminal: Terminal, output: Output, *, interrupted: bool = False) -> int:
    """Report the run; returns the exit code."""
    found = await desk.shown_run(str(run_id))
    report = found.report
    show(report, terminal)
    write_json(report.to_json() | {"people": found.people.to_json()}, output.json)
    if interrupted and report.run.status not in (RunStatus.COMPLETED,):
        desk.tell_left(run_id, terminal)
        return exits.INTERRUPTED
    code = code_of(report, output.require)
    why = reason(code, report, output.require)
    if why:
        terminal.err.line(why, "red")
    return code


def show(report: RunReport, terminal: Terminal) -> None:
    """The whole report, or with --quiet the verdict's sentence alone, after the mark of a judge that did not pass."""
    if terminal.quiet:
        if report.mark is not None:
            terminal.out.console.print(terminal.out.fit_text(words.safe(report.mark)), soft_wrap=True)
        terminal.out.console.print(terminal.out.fit_text(verdict_sentence(report)), soft_wrap=True)
        return
    terminal.out.line()
    terminal.out.lines(render(report, terminal.out.width))


def code_of(report: RunReport, require: str | None = None) -> int:
    """The documented exit code of how a run ended."""
    if report.run.stop_cause in ("budget", MONTH_BUDGET):
        return exits.BUDGET
    if report.run.stop_cause == JUDGE_REFUSED:
        return exits.JUDGE
    if report.run.status == RunStatus.FAILED:
        return exits.FAULT
    if report.run.status not in _UNDER_WAY and report.counts.planned and not _came_back(report):
        return exits.PROVIDERS
    if report.run.status not in _UNDER_WAY and report.ungraded:
        return exits.PROVIDERS
    if require == "best" and report.verdict.kind != "best":
        return exits.NO_VERDICT
    if require == "verdict" and report.verdict.kind not in ("best", "tied"):
        return exits.NO_VERDICT
    return exits.OK


def _came_back(report: RunReport) -> bool:
    """Whether any model said anything: an empty or cut answer was given and paid for, a refused request was not."""
    counts = report.counts
    return bool(counts.answered or (counts.failed and any(s.heard for s in report.summaries)))


async def _pause(working: asyncio.Task[None], over: asyncio.Event, stop: asyncio.Event) -> None:
    """Until the next look: a tick, or sooner when the worker or the run has come to its end."""
    waiting = asyncio.ensure_future(over.wait())
    watched: set[asyncio.Future[Any]] = {working} if stop.is_set() else {working, waiting}
    try:
        await asyncio.wait(watched, timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def reason(code: int, report: RunReport, require: str | None) -> str | None:
    """Why the command ends with this exit code, and what to do about it; None where there is nothing to say."""
    match code:
        case exits.BUDGET:
            return "Stopped by the budget; what was answered is kept and counted."
        case exits.JUDGE:
            return (
                f"{words.safe(failed_judges(report.run))} examination, so nothing is scored; what was answered is kept."
                " Give another --judge, or --accept-judge."
            )
        case exits.PROVIDERS if report.ungraded:
            short = str(report.run.id)[:8]
            return (
                f"The judge gave not one grade; the answers are kept. `steelyard runs resume {short}` asks it again,"
                f" `steelyard runs show {short}` says what it met."
            )
        case exits.PROVIDERS:
            first = words.safe(report.failures[0]["message"] or "", 240) if report.failures else ""
            why = f" {first.rstrip('.')}." if first else ""
            return (
                f"No model gave a single answer; nothing is lost.{why}"
                f" `steelyard runs show {str(report.run.id)[:8]}` shows what to do."
            )
        case exits.NO_VERDICT:
            wanted = "a best model" if require == "best" else "a best model or a tie"
            return f"--require {require}: there is no {wanted.removeprefix('a ')} in this run."
        case _:
            return None


def _leave(terminal: Terminal, run_id: UUID | None = None) -> None:
    again = "" if run_id is None else f" `steelyard runs resume {str(run_id)[:8]}`, or"
    terminal.err.line(
        f"Left at once: answers received are saved, calls in flight are lost. Go on with{again} the same command.",
        "yellow",
    )
    os._exit(exits.INTERRUPTED)


def _stopping(in_flight: int) -> str:
    calls = "1 call" if in_flight == 1 else f"{in_flight:,} calls"
    return f"Stopping: {calls} in flight finish and are saved. Interrupt again to leave at once."

"""`steelyard serve`, `worker`, `doctor` and `migrate`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from rich.text import Text

from steelyard import bootstrap
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.follow import on_interrupt
from steelyard.cli.grid import fill
from steelyard.cli.terminal import Terminal

if TYPE_CHECKING:
    from steelyard.services.worker import LeftRun

_LABEL = 9


def serve(host: str, port: int, *, worker: bool, browse: bool, concurrency: int) -> int:
    """Serve the web application until interrupted; what is in flight then finishes and is saved."""
    import webbrowser

    from steelyard.web.server import serve as body

    body(
        host=host,
        port=port,
        worker=worker,
        concurrency=concurrency,
        say=Terminal().err.line,
        ready=webbrowser.open if browse else None,
    )
    return exits.OK


def worker(concurrency: int) -> int:
    """Serve every run's jobs until interrupted; what is in flight then finishes and is saved."""

    async def body() -> int:
        terminal, stop = Terminal(), asyncio.Event()
        asked = 0

        async with bootstrap.open_workbench(concurrency=concurrency) as workbench:

            def interrupted() -> None:
                nonlocal asked
                asked += 1
                if asked > 1:
                    import os

                    os._exit(exits.INTERRUPTED)
                terminal.err.line(
                    f"Stopping: {words.count(workbench.in_flight, 'call')} in flight finish and are saved."
                    " Interrupt again to leave at once.",
                    "yellow",
                )
                stop.set()

            def ended(run_id: UUID) -> None:
                terminal.err.line(f"Run {str(run_id)[:8]} has ended: `steelyard runs show {str(run_id)[:8]}`.")

            def left(run: LeftRun) -> None:
                terminal.err.line(words.safe(run.sentence), "yellow")

            with on_interrupt(interrupted):
                terminal.err.line(f"Serving jobs, at most {words.count(concurrency, 'call')} at once. Ctrl-C stops.")
                await workbench.work(run_id=None, stop=stop, ended=ended, left=left)
        terminal.err.line("Stopped; everything received is saved.")
        return exits.OK

    return asyncio.run(body())


def doctor(*, stop_database: bool) -> int:
    """Print what was found, with what to do; exit 1 when something is broken."""
    screen = Terminal().out
    if stop_database:
        stopped = bootstrap.stop_database()
        screen.line("The embedded database is stopped." if stopped else "No embedded database was running.")
        return exits.OK
    styles = {"ok": "green", "warning": "yellow", "error": "bold red"}
    findings = bootstrap.doctor()
    for finding in findings:
        what = words.hang(words.safe(finding.what), screen.width, _LABEL)
        screen.line(Text(fill(finding.level, _LABEL), style=styles[finding.level]).append(what, "default not bold"))
        if finding.next_step and finding.level != "ok":
            step = words.hang(f"next: {words.safe(finding.next_step)}", screen.width, _LABEL)
            screen.line(Text(" " * _LABEL + step, style="dim"))
    return exits.FAULT if any(finding.level == "error" for finding in findings) else exits.OK


def migrate() -> int:
    """Bring the schema up to date."""
    state = bootstrap.run_migrations()
    Terminal().out.line(f"The database is at schema {state.current}.")
    return exits.OK

"""`steelyard serve`, `worker`, `doctor` and `migrate`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from rich.text import Text

from steelyard import bootstrap, logs, telemetry
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.follow import on_interrupt
from steelyard.cli.grid import fill
from steelyard.cli.terminal import Terminal

if TYPE_CHECKING:
    from steelyard.services.worker import LeftRun
    from steelyard.workbench import Workbench

_LABEL = 9


def serve(host: str, port: int, *, worker: bool, browse: bool, concurrency: int, grace_s: float) -> int:
    """Serve the web application until interrupted; what is in flight then finishes and is saved."""
    import webbrowser

    from steelyard.web.listening import listening

    with listening(bootstrap.hosting(), host, port) as place:
        from steelyard.web.server import serve as body

        body(
            place,
            worker=worker,
            concurrency=concurrency,
            grace_s=grace_s,
            say=logs.teller(Terminal().err.line),
            ready=webbrowser.open if browse else None,
        )
    return exits.OK


def worker(concurrency: int, *, probes: str | None, grace_s: float) -> int:
    """Serve every run's jobs until interrupted; what is in flight then finishes and is saved."""

    async def body() -> int:
        from steelyard.services.leaving import leaving_after

        terminal, stop = Terminal(), asyncio.Event()
        say = logs.teller(terminal.err.line)
        asked = 0

        async with (
            bootstrap.open_workbench(concurrency=concurrency) as workbench,
            _probed(workbench, probes, stop) as where,
        ):

            def interrupted() -> None:
                nonlocal asked
                asked += 1
                if asked > 1:
                    import os

                    os._exit(exits.INTERRUPTED)
                say(
                    f"Stopping: {words.count(workbench.in_flight, 'call')} in flight finish and are saved."
                    " Interrupt again to leave at once.",
                )
                stop.set()

            def ended(run_id: UUID) -> None:
                say(f"Run {str(run_id)[:8]} has ended: `steelyard runs show {str(run_id)[:8]}`.")

            def left(run: LeftRun) -> None:
                say(words.safe(run.sentence))

            with on_interrupt(interrupted), leaving_after(grace_s, stop, lambda: workbench.in_flight, say):
                told = "" if where is None else f" Probes are at {where}."
                say(f"Serving jobs, at most {words.count(concurrency, 'call')} at once. Ctrl-C stops.{told}")
                await workbench.work(run_id=None, stop=stop, ended=ended, left=left)
        say("Stopped; everything received is saved.")
        return exits.OK

    logs.configure()
    telemetry.configure()
    return asyncio.run(body())


@asynccontextmanager
async def _probed(workbench: Workbench, address: str | None, stop: asyncio.Event) -> AsyncGenerator[str | None]:
    """Serve probes while inside where an address is given; yields where. Without one no web server is even imported."""
    if address is None:
        yield None
        return
    from steelyard.web.probes_server import probed

    async with probed(workbench, address, stop) as where:
        yield where


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

"""The commands that run and look after an installation: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli import parameters as given
from steelyard.cli.guard import guarded


def serve(
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 8765,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen; beyond this machine people sign in.")
    ] = "127.0.0.1",
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Serve pages alone; `steelyard worker` makes the calls.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    concurrency: given.Concurrency = 16,
    grace: given.Grace = 300.0,
    verbose: given.Verbose = False,
) -> None:
    """Serve the web application, and the calls of its runs, until interrupted.

    Others than this machine reach it in team mode alone: STEELYARD_MODE=team, or a --host beyond this machine.
    """
    with guarded(verbose=verbose):
        from steelyard.cli.commands.system import serve as body

        code = body(host, port, worker=not no_worker, browse=open_, concurrency=concurrency, grace_s=grace)
    raise typer.Exit(code)


def worker(
    concurrency: given.Concurrency = 16,
    probes: Annotated[
        str | None,
        typer.Option("--probes", metavar="PORT", help="Serve /healthz, /readyz and /metrics there; or ADDRESS:PORT."),
    ] = None,
    grace: given.Grace = 300.0,
    verbose: given.Verbose = False,
) -> None:
    """Serve the calls of every run until interrupted."""
    with guarded(verbose=verbose):
        from steelyard.cli.commands.system import worker as body

        code = body(concurrency, probes=probes, grace_s=grace)
    raise typer.Exit(code)


def doctor(
    stop_database: Annotated[bool, typer.Option("--stop-database", help="Shut the embedded database down.")] = False,
) -> None:
    """Check the installation and say what to do about what is amiss."""
    with guarded():
        from steelyard.cli.commands.system import doctor as body

        code = body(stop_database=stop_database)
    raise typer.Exit(code)


def migrate() -> None:
    """Bring the database's schema up to date.

    The embedded database does so by itself; this is for one named by DATABASE_URL.
    """
    with guarded():
        from steelyard.cli.commands.system import migrate as body

        code = body()
    raise typer.Exit(code)


def backup(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to write; one that is there is not replaced.")],
) -> None:
    """Write the whole database to a file, as of one moment, while everything goes on.

    Settings and models are not in it; keys that tenants set are, encrypted, and the master key is not.
    """
    with guarded():
        from steelyard.cli.commands.backup import backup as body

        code = body(file)
    raise typer.Exit(code)


def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file that `steelyard backup` wrote.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace data of the embedded database; a backup of it is written first.")
    ] = False,
) -> None:
    """Restore a backup, and bring its schema up to date.

    Into a home without data, or into the empty database that DATABASE_URL names. Restore only what you made: the
    database runs a backup as its administrator.
    """
    with guarded():
        from steelyard.cli.commands.backup import restore as body

        code = body(file, force=force)
    raise typer.Exit(code)


COMMANDS = (serve, worker, doctor, migrate, backup, restore)

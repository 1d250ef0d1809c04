"""`steelyard backup` and `restore`: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli.guard import guarded


def backup(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to write; one that is there is not replaced.")],
) -> None:
    """Write the whole database to a file, as of one moment, while everything goes on.

    Settings and models are not in it, and keys are nowhere in the database.
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

"""The commands of API keys: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli import parameters as given
from steelyard.cli.groups import group
from steelyard.cli.guard import guarded

keys_app = group("Make, list and revoke API keys, by which programs send and read over HTTP.")


@keys_app.command("add")
def keys_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What uses it, as 'checkout service'.")],
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope", metavar="SCOPE", help="What it may do: ingest, read, run or admin; may be given again."
        ),
    ],
    expires: Annotated[
        str, typer.Option("--expires", metavar="DAYS", help="After how many days it expires, as 90d; or never.")
    ] = "365d",
    rate: Annotated[
        str,
        typer.Option("--rate", metavar="N", help="Requests a minute it may send in all, in place of the usual limits."),
    ] = "",
) -> None:
    """Make a key and print it, this once: of its secret only a hash is kept."""
    with guarded():
        from steelyard.cli.commands.keys import add

        code = add(name, scope, expires, rate)
    raise typer.Exit(code)


@keys_app.command("list")
def keys_list(json: given.Json = None) -> None:
    """List keys: those that can be used first, then those that were revoked or have expired."""
    with guarded():
        from steelyard.cli.commands.keys import show

        code = show(json)
    raise typer.Exit(code)


@keys_app.command("revoke")
def keys_revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its name, or how it begins: sy_ and 8 characters.")],
) -> None:
    """Let a key in no more. A server that has just let it in does so for at most 5 seconds yet."""
    with guarded():
        from steelyard.cli.commands.keys import revoke

        code = revoke(key)
    raise typer.Exit(code)

"""`steelyard login` and `logout`: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli.guard import guarded

_Url = Annotated[str, typer.Argument(metavar="URL", help="The server's address, as https://steelyard.example.com.")]


def login(server: _Url) -> None:
    """Keep the API key of a server for `--server URL`, after trying it. It is asked for, or read from stdin."""
    with guarded():
        from steelyard.cli.commands.login import login as body

        code = body(server)
    raise typer.Exit(code)


def logout(server: _Url) -> None:
    """Forget the API key that was kept for a server."""
    with guarded():
        from steelyard.cli.commands.login import logout as body

        code = body(server)
    raise typer.Exit(code)

"""The commands of notices and of testing again by itself: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli.groups import group
from steelyard.cli.guard import guarded

notify_app = group("Who is told of stale benchmarks, and what is run again of itself.")


@notify_app.command("show")
def notify_show() -> None:
    """Show what is set, the month's budget, and the newest messages with what became of them."""
    with guarded():
        from steelyard.cli.commands.notify import show

        code = show()
    raise typer.Exit(code)


@notify_app.command("webhook")
def notify_webhook(
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help="An https address; none with --off.")] = None,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Make a new secret in place of the old one.")
    ] = False,
    off: Annotated[bool, typer.Option("--off", help="Post nothing any more.")] = False,
) -> None:
    """Post notices to URL, signed. The secret is printed once, when it is made."""
    with guarded():
        from steelyard.cli.commands.notify import set_webhook

        code = set_webhook(url, new_secret=new_secret, off=off)
    raise typer.Exit(code)


@notify_app.command("mail")
def notify_mail(
    addresses: Annotated[list[str] | None, typer.Argument(metavar="ADDRESS...", help="Who gets an e-mail.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Send no e-mail any more.")] = False,
) -> None:
    """Send notices by e-mail, through the server that the settings file names."""
    with guarded():
        from steelyard.cli.commands.notify import set_mail

        code = set_mail(addresses or (), off=off)
    raise typer.Exit(code)


@notify_app.command("rebenchmark")
def notify_rebenchmark(
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="USD", help="US dollars a month for runs nobody asked for.")
    ] = None,
    cause: Annotated[
        list[str] | None, typer.Option("--cause", metavar="CAUSE", help="For this cause; may be given again.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Run nothing again of itself.")] = False,
) -> None:
    """Test stale benchmarks again by itself, within a budget a month. Off unless it is set."""
    with guarded():
        from steelyard.cli.commands.notify import set_rebenchmark

        code = set_rebenchmark(budget, cause or (), off=off)
    raise typer.Exit(code)


@notify_app.command("test")
def notify_test() -> None:
    """Send a test on every way that is set, and say how it went. 1 where one was not taken."""
    with guarded():
        from steelyard.cli.commands.notify import send_test

        code = send_test()
    raise typer.Exit(code)

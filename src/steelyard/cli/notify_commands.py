"""The commands of stale benchmarks: which are, who is told, what is tested again by itself. Names and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli import parameters as given
from steelyard.cli.groups import group
from steelyard.cli.guard import guarded
from steelyard.cli.place import refuse_server

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


def stale(
    skills: Annotated[
        list[str] | None, typer.Argument(metavar="SKILL...", help="Names of added skills; all where none is named.")
    ] = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit with 7 when one is stale.")] = False,
    notify: Annotated[
        bool, typer.Option("--notify", help="Check all, tell what is new, and begin what is run again of itself.")
    ] = False,
    json: given.Json = None,
) -> None:
    """Say which benchmarks are stale, why, and what testing again would take. No model is called to find out."""
    with guarded():
        if notify:
            refuse_server("stale --notify")
        if notify and not skills:
            from steelyard.cli.commands.notify import check_now

            code = check_now(json, fail=fail)
        else:
            from steelyard.cli.commands.stale import show_stale

            code = show_stale(skills or (), json, fail=fail, notify=notify)
    raise typer.Exit(code)

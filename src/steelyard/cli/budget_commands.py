"""The commands of money: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli import parameters as given
from steelyard.cli.groups import group
from steelyard.cli.guard import guarded

budget_app = group("See and set what may be spent in a month and on one run.")


@budget_app.command("show")
def budget_show(json: given.Json = None) -> None:
    """Show the budgets, and what is left of the month."""
    with guarded():
        from steelyard.cli.commands.spend import show_budget

        code = show_budget(json)
    raise typer.Exit(code)


@budget_app.command("set")
def budget_set(
    month: Annotated[
        str | None, typer.Option("--month", metavar="USD", help="US dollars for a UTC month, or `none`.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="USD", help="US dollars for one run at most, or `none`.")
    ] = None,
    unpriced: Annotated[
        str | None,
        typer.Option(
            "--unpriced", metavar="refuse|allow", help="Models without a known price while the month has a budget."
        ),
    ] = None,
) -> None:
    """Set the budgets; what is not given stays as it is. Workers hold to it within a second."""
    with guarded():
        from steelyard.cli.commands.spend import set_budget

        code = set_budget(month, run, unpriced)
    raise typer.Exit(code)


def spend(
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="Another UTC month than this one.")
    ] = None,
    json: given.Json = None,
) -> None:
    """Show what a month's money went to: by kind of call, skill, model, judge, and who started it."""
    with guarded():
        from steelyard.cli.commands.spend import show_spend

        code = show_spend(month, json)
    raise typer.Exit(code)

"""The commands of use in production: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli import parameters as given
from steelyard.cli.groups import group
from steelyard.cli.guard import guarded

rollup_app = group("Compare the daily sums of use with the uses; let go of old uses.")


@rollup_app.command("verify")
def rollup_verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Write the months that differ anew from their uses.")
    ] = False,
    json: given.Json = None,
) -> None:
    """Recount the daily sums from the uses and compare to the last digit. 1 on a difference.

    Only months whose uses are still kept can be compared. Uses may come in meanwhile.
    """
    with guarded():
        from steelyard.cli.commands.rollup import verify

        code = verify(json, repair=repair)
    raise typer.Exit(code)


@rollup_app.command("retention")
def rollup_retention(
    months: Annotated[
        int | None,
        typer.Option(
            "--months", metavar="N", min=2, max=120, help="Whole months to keep before this one; the settings' 13."
        ),
    ] = None,
) -> None:
    """Let go of uses older than so many whole months, of all tenants; their daily sums stay. For a scheduler.

    The sums of what would go are compared first.
    """
    with guarded():
        from steelyard.cli.commands.rollup import retention

        code = retention(months)
    raise typer.Exit(code)


def production(
    name: Annotated[str, typer.Argument(metavar="SKILL", help="The name of an added skill.")],
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=2, max=3650, help="The span of the change of cost, in two halves.")
    ] = 90,
    json: given.Json = None,
) -> None:
    """Set a skill's last benchmark beside its use.

    What each model would cost a month, what switching to the cheapest good enough saves, whether the golden cases look
    like the uses, and what made the cost change.
    """
    with guarded():
        from steelyard.cli.commands.production import show_production

        code = show_production(name, days, json)
    raise typer.Exit(code)

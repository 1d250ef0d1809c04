"""The commands of the daily sums of use: names, options and help alone."""

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

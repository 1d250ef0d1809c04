"""`steelyard audit`: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli import parameters as given
from steelyard.cli.guard import guarded


def audit(
    since: Annotated[str, typer.Option("--since", metavar="DAY", help="From this day (UTC) on, as 2026-01-31.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="DAY", help="Up to and with this day (UTC).")] = "",
    skill: Annotated[str, typer.Option("--skill", metavar="NAME", help="Only of this skill, deleted or not.")] = "",
    actor: Annotated[str, typer.Option("--by", metavar="NAME", help="Only what this one changed.")] = "",
    limit: Annotated[
        int,
        typer.Option("--limit", metavar="N", min=1, help="At most so many acts; of --json changes."),
    ] = 50,
    json: given.Json = None,
) -> None:
    """Say who changed what and when, the newest first."""
    with guarded():
        from steelyard.cli.commands.audit import show_audit

        code = show_audit(since, until, skill, actor, limit, json)
    raise typer.Exit(code)

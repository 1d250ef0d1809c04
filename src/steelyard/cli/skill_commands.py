"""The commands of skills and of their measured uses: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli import parameters as given
from steelyard.cli.groups import group
from steelyard.cli.guard import guarded

skills_app = group("Add, list, lint, show and delete skills; say how sound their golden cases are.")
measurements_app = group("Import measured uses of skills; list those of skills that are not here; price old ones.")


@skills_app.command("add")
def skills_add(paths: given.Paths) -> None:
    """Keep skills and their golden cases; a changed one becomes a new version."""
    with guarded():
        from steelyard.cli.commands.skills import add_skills

        code = add_skills(paths)
    raise typer.Exit(code)


@skills_app.command("list")
def skills_list(json: given.Json = None) -> None:
    """List the added skills."""
    with guarded():
        from steelyard.cli.commands.skills import list_skills

        code = list_skills(json)
    raise typer.Exit(code)


@skills_app.command("lint")
def skills_lint(paths: given.Paths) -> None:
    """Say what the official rules and good practice find, and what of the cases is not read. 2 on errors."""
    with guarded():
        from steelyard.cli.commands.skills import lint_skills

        code = lint_skills(paths)
    raise typer.Exit(code)


@skills_app.command("show")
def skills_show(name: Annotated[str, typer.Argument(metavar="NAME", help="The name of an added skill.")]) -> None:
    """Show an added skill's version, golden cases and newest runs."""
    with guarded():
        from steelyard.cli.commands.skills import show_skill

        code = show_skill(name)
    raise typer.Exit(code)


@skills_app.command("health")
def skills_health(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of an added skill.")], json: given.Json = None
) -> None:
    """Say which golden cases every model fails, which are always passed, and which say nearly the same."""
    with guarded():
        from steelyard.cli.commands.health import show_health

        code = show_health(name, json)
    raise typer.Exit(code)


@skills_app.command("stale-after")
def skills_stale_after(
    days: Annotated[str, typer.Argument(metavar="DAYS", help="1 to 36500, or 'default' for none of its own.")],
    skill: Annotated[
        str | None,
        typer.Option("--skill", metavar="NAME", help="Of this skill alone; of all that have none otherwise."),
    ] = None,
) -> None:
    """Set the days after which a benchmark is too old."""
    with guarded():
        from steelyard.cli.commands.stale import set_days

        code = set_days(days, skill)
    raise typer.Exit(code)


@skills_app.command("delete")
def skills_delete(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of an added skill.")],
    yes: Annotated[bool, typer.Option("--yes", help="Delete it, now that what goes with it was said.")] = False,
) -> None:
    """Delete a skill with its versions, golden cases, runs, uses and feedback; without --yes, say what would go."""
    with guarded():
        from steelyard.cli.commands.skills import delete_skill

        code = delete_skill(name, yes=yes)
    raise typer.Exit(code)


@measurements_app.command("import")
def measurements_import(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A CSV file; its heading names the fields.")],
) -> None:
    """Take in uses from a CSV file with the fields of POST /v1/measurements. 2 where rows, or all, were refused."""
    with guarded():
        from steelyard.cli.commands.measurements import import_measurements

        code = import_measurements(path)
    raise typer.Exit(code)


@measurements_app.command("unmatched")
def measurements_unmatched() -> None:
    """List the names of skills that uses were sent for and that are not here."""
    with guarded():
        from steelyard.cli.commands.measurements import list_unmatched

        code = list_unmatched()
    raise typer.Exit(code)


@measurements_app.command("price")
def measurements_price() -> None:
    """Price uses whose price was not known when they came, each by the prices of its day. For a scheduler too.

    A cost that is known already is never changed.
    """
    with guarded():
        from steelyard.cli.commands.measurements import price_later

        code = price_later()
    raise typer.Exit(code)

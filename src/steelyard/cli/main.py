"""The command tree: names, options and help alone, so that `--help` loads nothing heavy."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from contextlib import suppress
from typing import Annotated

import typer

from steelyard.cli import exits
from steelyard.cli.audit_commands import audit
from steelyard.cli.budget_commands import budget_app, spend
from steelyard.cli.case_commands import cases_app
from steelyard.cli.groups import say_in_lists
from steelyard.cli.key_commands import keys_app
from steelyard.cli.login_commands import login, logout
from steelyard.cli.member_commands import members_app, tenants_app
from steelyard.cli.model_commands import models_app
from steelyard.cli.notify_commands import notify_app, stale
from steelyard.cli.place import choose_server
from steelyard.cli.rollup_commands import production, rollup_app
from steelyard.cli.run_commands import demo, estimate, ratings, run, runs_app, tie_break
from steelyard.cli.secret_commands import providers_app, secrets_app
from steelyard.cli.skill_commands import measurements_app, skills_app
from steelyard.cli.system_commands import COMMANDS

# exits.MEANINGS says the same; a test keeps them equal. Importing it here would import the errors for every --help.
EPILOG = (
    "Exit codes: 0 done; 1 an unexpected fault, or the database cannot be used; 2 the command, a file or a name cannot"
    " be used; 3 no verdict of the"
    " kind asked for by --require; 4 stopped by the budget; 5 no model gave a single answer, or the judge"
    " not one grade; 6 the judge failed its"
    " examination; 7 a benchmark is stale (stale --fail); 130 interrupted (what was paid is saved). State lives in"
    " ~/.steelyard, or where STEELYARD_HOME says."
)

# Plain help: the formatted one costs a third of a second of CPU on every --help.
app = typer.Typer(
    name="steelyard",
    help="Decide which model should run each AI skill, what it will cost, and when to test again.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Ask a team's server, as STEELYARD_SERVER does; see docs/cli.md."),
    ] = None,
) -> None:
    choose_server(server)
    if version:
        from steelyard import __version__

        typer.echo(f"steelyard {__version__}")
        raise typer.Exit


app.command()(run)
app.command()(estimate)
app.command("tie-break")(tie_break)
for command in (stale, ratings, demo, production, spend, audit, *COMMANDS, login, logout):
    app.command()(command)
GROUPS = {
    "runs": runs_app,
    "skills": skills_app,
    "cases": cases_app,
    "notify": notify_app,
    "keys": keys_app,
    "providers": providers_app,
    "secrets": secrets_app,
    "measurements": measurements_app,
    "rollup": rollup_app,
    "budget": budget_app,
    "models": models_app,
    "members": members_app,
    "tenants": tenants_app,
}
for word, commands in GROUPS.items():
    app.add_typer(commands, name=word)
say_in_lists(app)


def leave_out_what_is_not_asked_for(words: Collection[str]) -> None:
    """Empty the groups that are none of `words`: making their commands is half the CPU of every `--help`."""
    for word, commands in GROUPS.items():
        if word not in words:
            commands.registered_commands.clear()


def main() -> None:
    """The entry point of the `steelyard` command."""
    leave_out_what_is_not_asked_for(sys.argv)
    try:
        app(prog_name="steelyard")
    except SystemExit as end:
        if end.code == exits.INTERRUPTED:
            # Python would end itself by the signal again where it came within an `exec`, as imports have many.
            with suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(exits.INTERRUPTED)
        raise


if __name__ == "__main__":
    main()

"""The command tree: names, options and help alone, so that `--help` loads nothing heavy."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from contextlib import suppress
from typing import Annotated

import typer

from steelyard.cli import exits
from steelyard.cli import parameters as given
from steelyard.cli.audit_commands import audit
from steelyard.cli.budget_commands import budget_app, spend
from steelyard.cli.case_commands import cases_app
from steelyard.cli.groups import group, say_in_lists
from steelyard.cli.guard import guarded
from steelyard.cli.key_commands import keys_app
from steelyard.cli.login_commands import login, logout
from steelyard.cli.member_commands import members_app, tenants_app
from steelyard.cli.notify_commands import notify_app
from steelyard.cli.options import Chosen, Output
from steelyard.cli.place import choose_server, refuse_server
from steelyard.cli.rollup_commands import production, rollup_app
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


runs_app = group("List, show, resume and cancel runs.")
models_app = group("Which models can be called; their prices; local ones.", alone=True)


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


@app.command()
def run(
    skill: given.Skill,
    models: given.Models = None,
    judge: given.Judges = None,
    cases: given.Cases = None,
    case: given.Case = None,
    expect: given.Expect = None,
    case_set: given.CaseSet = None,
    arm: given.Arm = "both",
    trials: given.Trials = 1,
    concurrency: given.Concurrency = 16,
    budget: given.Budget = None,
    margin: given.Margin = 5.0,
    threshold: given.Threshold = 70.0,
    max_tokens: given.MaxTokens = 4096,
    seed: given.Seed = None,
    race: given.Race = None,
    version: given.Version = None,
    fresh: given.Fresh = False,
    accept_judge: given.AcceptJudge = False,
    yes: given.Spend = False,
    json: given.Json = None,
    require: Annotated[
        str | None,
        typer.Option("--require", metavar="WHAT", help="Exit with 3 unless there is a 'best', or a 'verdict'."),
    ] = None,
    quiet: given.Quiet = False,
    verbose: given.Verbose = False,
) -> None:
    """Benchmark a skill on several models and print the verdict.

    The same command given again continues an unfinished run. Ctrl-C stops starting calls, saves what is in flight and
    says how to resume. Answers paid for are never called for again, unless --fresh.
    """
    with guarded(verbose=verbose):
        from steelyard.cli.commands.run import run as body

        chosen = Chosen(
            skill=skill,
            models=models or (),
            judges=judge or (),
            cases=cases,
            case=case or (),
            expect=expect or (),
            case_set=case_set,
            arm=arm,
            trials=trials,
            concurrency=concurrency,
            budget=budget,
            margin=margin,
            threshold=threshold,
            max_tokens=max_tokens,
            seed=seed,
            race=race,
            fresh=fresh,
            accept_judge=accept_judge,
            version=version,
        )
        code = body(chosen, Output(json, quiet, require), yes=yes)
    raise typer.Exit(code)


@app.command()
def estimate(
    skill: given.Skill,
    models: given.Models = None,
    judge: given.Judges = None,
    cases: given.Cases = None,
    case: given.Case = None,
    expect: given.Expect = None,
    case_set: given.CaseSet = None,
    arm: given.Arm = "both",
    trials: given.Trials = 1,
    concurrency: given.Concurrency = 16,
    max_tokens: given.MaxTokens = 4096,
    race: given.Race = None,
    version: given.Version = None,
    fresh: given.Fresh = False,
    json: given.Json = None,
    verbose: given.Verbose = False,
) -> None:
    """Say what a run would take, and call nothing.

    Calls, tokens, dollars, minutes, and the smallest lead that so many cases can show.
    """
    with guarded(verbose=verbose):
        from steelyard.cli.commands.run import estimate as body

        chosen = Chosen(
            skill=skill,
            models=models or (),
            judges=judge or (),
            cases=cases,
            case=case or (),
            expect=expect or (),
            case_set=case_set,
            arm=arm,
            trials=trials,
            concurrency=concurrency,
            max_tokens=max_tokens,
            race=race,
            version=version,
            fresh=fresh,
        )
        code = body(chosen, json)
    raise typer.Exit(code)


@runs_app.command("list")
def runs_list(
    skill: Annotated[str | None, typer.Option("--skill", metavar="NAME", help="Only runs of this skill.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="How many at most.")] = 20,
    json: given.Json = None,
) -> None:
    """List runs, the newest first."""
    with guarded():
        from steelyard.cli.commands.runs import list_runs

        code = list_runs(skill, limit, json)
    raise typer.Exit(code)


@runs_app.command("show")
def runs_show(
    run_id: given.RunId,
    prices: Annotated[
        str | None,
        typer.Option("--prices", metavar="DAY", help="Its costs at the prices of today, or of a day as 2026-01-31."),
    ] = None,
    json: given.Json = None,
    quiet: given.Quiet = False,
) -> None:
    """Show a run's verdict, comparison and failures."""
    with guarded():
        from steelyard.cli.commands.runs import show_run

        code = show_run(run_id, Output(json, quiet), prices=prices)
    raise typer.Exit(code)


@runs_app.command("resume")
def runs_resume(
    run_id: given.RunId,
    budget: given.Budget = None,
    accept_judge: given.AcceptJudge = False,
    concurrency: given.Concurrency = 16,
    json: given.Json = None,
    quiet: given.Quiet = False,
    verbose: given.Verbose = False,
) -> None:
    """Do what a run has left, and call again for what an outage left missing."""
    with guarded(verbose=verbose):
        from steelyard.cli.commands.runs import resume_run

        code = resume_run(run_id, budget, concurrency, Output(json, quiet), accept_judge=accept_judge)
    raise typer.Exit(code)


@runs_app.command("cancel")
def runs_cancel(run_id: given.RunId) -> None:
    """Stop a run; calls in flight finish and are saved."""
    with guarded():
        from steelyard.cli.commands.runs import cancel_run

        code = cancel_run(run_id)
    raise typer.Exit(code)


@app.command("tie-break")
def tie_break(
    run_id: given.RunId,
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="P:N", help="The judge's model. Default: the one of the run.")
    ] = None,
    budget: given.Budget = None,
    concurrency: given.Concurrency = 16,
    yes: given.Spend = False,
    json: given.Json = None,
    quiet: given.Quiet = False,
    verbose: given.Verbose = False,
) -> None:
    """Have a judge compare the outputs of a run's tied models pair by pair, in both orders.

    The verdict stays as it is: what comes of it stands beside it. Given again, it asks only for what is left.
    """
    with guarded(verbose=verbose):
        from steelyard.cli.commands.tie_break import break_tie

        code = break_tie(run_id, judge, budget, concurrency, Output(json, quiet), yes=yes)
    raise typer.Exit(code)


@app.command()
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


@app.command()
def ratings(
    run_id: given.RunId,
    json: given.Json = None,
    csv: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write every rating as CSV; '-' prints it alone.")
    ] = None,
) -> None:
    """Show what people say of a run's outputs, how far they agree, and what is missing for a claim.

    Outputs are rated in the web application: `steelyard serve`, then Rate outputs on the run's page.
    """
    with guarded():
        from steelyard.cli.commands.ratings import show_ratings

        code = show_ratings(run_id, json, csv)
    raise typer.Exit(code)


@models_app.callback()
def models(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        models_list()


@models_app.command("list")
def models_list() -> None:
    """List providers with the state of their keys, and local models."""
    with guarded():
        from steelyard.cli.commands.models import list_models

        code = list_models()
    raise typer.Exit(code)


@models_app.command("price")
def models_price(
    names: Annotated[list[str], typer.Argument(metavar="P:N...", help="Models as provider:name.")],
) -> None:
    """Print prices per million tokens, as of today."""
    with guarded():
        from steelyard.cli.commands.models import price_models

        code = price_models(names)
    raise typer.Exit(code)


@models_app.command("install")
def models_install(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A local model that `steelyard models` lists.")],
    accept_terms: Annotated[bool, typer.Option("--accept-terms", help="Accept the terms it comes under.")] = False,
) -> None:
    """Fetch a local model's weights, pinned and hash-checked."""
    with guarded():
        from steelyard.cli.commands.models import install

        code = install(name, accept_terms=accept_terms)
    raise typer.Exit(code)


@app.command()
def demo(
    folder: Annotated[
        str | None, typer.Option("--folder", metavar="PATH", help="Skills to run in place of the examples.")
    ] = None,
    fresh: given.Fresh = False,
    verbose: given.Verbose = False,
) -> None:
    """Benchmark the example skills on a small local model.

    It runs on this machine: no key and no network are needed. A second run reuses what the first one called.
    """
    with guarded(verbose=verbose):
        from steelyard.cli.commands.demo import demo as body

        code = body(folder, fresh=fresh)
    raise typer.Exit(code)


app.command("production")(production)
app.command("spend")(spend)
app.command("audit")(audit)
for command in (*COMMANDS, login, logout):
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

"""The commands that begin a run and what is done with one: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli import parameters as given
from steelyard.cli.groups import group
from steelyard.cli.guard import guarded
from steelyard.cli.options import Chosen, Output

runs_app = group("List, show, resume and cancel runs.")


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

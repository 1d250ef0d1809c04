"""The commands of golden cases: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli import parameters as given
from steelyard.cli.groups import group
from steelyard.cli.guard import guarded

cases_app = group("Propose, list, accept and reject golden cases; show their history.")

_Skill = Annotated[str, typer.Argument(metavar="SKILL", help="The name of an added skill.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="An id that `cases list` shows, or how it starts.")]
_Who = Annotated[str | None, typer.Option("--who", metavar="NAME", help="Who decides. Default: the local owner.")]


@cases_app.command("list")
def cases_list(
    skill: _Skill,
    pending: Annotated[bool, typer.Option("--pending", help="All that waits for a decision, from any source.")] = False,
    json: given.Json = None,
) -> None:
    """List a skill's golden cases, or what waits to become one."""
    with guarded():
        from steelyard.cli.commands.cases import list_cases

        code = list_cases(skill, json, pending=pending)
    raise typer.Exit(code)


@cases_app.command("propose")
def cases_propose(
    skill: _Skill,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="P:N", help="The model that drafts. Default: the one that would judge."),
    ] = None,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, max=40, help="How many cases.")] = 8,
    budget: given.Budget = None,
    who: _Who = None,
) -> None:
    """Have a model draft cases from the skill and what users gave it. They wait in the queue; none is accepted."""
    with guarded():
        from steelyard.cli.commands.cases import propose_cases

        code = propose_cases(skill, model, count, budget, who)
    raise typer.Exit(code)


@cases_app.command("accept")
def cases_accept(
    item: _Id,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, kept in its history.")] = "",
    who: _Who = None,
) -> None:
    """Make an accepted golden case of what waits under ID."""
    with guarded():
        from steelyard.cli.commands.cases import accept_case

        code = accept_case(item, reason, who)
    raise typer.Exit(code)


@cases_app.command("reject")
def cases_reject(
    item: _Id,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, kept in its history; it is needed.")],
    who: _Who = None,
) -> None:
    """Keep what waits under ID from becoming a golden case."""
    with guarded():
        from steelyard.cli.commands.cases import reject_case

        code = reject_case(item, reason, who)
    raise typer.Exit(code)


@cases_app.command("history")
def cases_history(
    skill: Annotated[str, typer.Argument(metavar="SKILL", help="The name of an added skill, or the id of a case.")],
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="How many at most.")] = 50,
    json: given.Json = None,
) -> None:
    """Say who changed which golden case, when and why, the newest first."""
    with guarded():
        from steelyard.cli.commands.cases import show_history

        code = show_history(skill, limit, json)
    raise typer.Exit(code)

"""The commands of models and their prices: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli.groups import group
from steelyard.cli.guard import guarded

models_app = group("Which models can be called; their prices; local ones.", alone=True)


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

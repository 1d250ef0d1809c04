"""The commands of providers' keys and of the master keys that encrypt them: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli import parameters as given
from steelyard.cli.groups import group
from steelyard.cli.guard import guarded

providers_app = group("Providers of one's own, whose keys are kept encrypted, and their prices.")
secrets_app = group("The master keys that encrypt stored keys and secrets.")

TenantName = Annotated[
    str | None, typer.Option("--tenant", metavar="NAME", help="Of this tenant, by its name or id; else one's own.")
]


ModelName = Annotated[str, typer.Argument(metavar="P:N", help="The model as provider:name.")]


@providers_app.command("list")
def providers_list(tenant: TenantName = None) -> None:
    """List what is set, with the last characters of each key, when it was set and by whom."""
    with guarded():
        from steelyard.cli.commands.providers import list_providers

        code = list_providers(tenant)
    raise typer.Exit(code)


@providers_app.command("set")
def providers_set(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Models are called NAME:MODEL.")],
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar="KIND", help="anthropic, openai, google or openai-compatible; NAME where it is one."
        ),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="Where it is, if not at the vendor's own address.")
    ] = None,
    key_env: Annotated[
        str | None,
        typer.Option("--key-env", metavar="VARIABLE", help="Take the key from this variable, not standard input."),
    ] = None,
    no_key: Annotated[bool, typer.Option("--no-key", help="It asks for no key; or the one there is stays.")] = False,
    test: Annotated[bool, typer.Option("--test", help="Ask it for its list of models, which costs nothing.")] = False,
    tenant: TenantName = None,
) -> None:
    """Add a provider or replace one. The key is asked for, or read from standard input; never given as an argument."""
    with guarded():
        from steelyard.cli.commands.providers import set_provider

        code = set_provider(name, kind, base_url, key_env=key_env, no_key=no_key, test=test, tenant=tenant)
    raise typer.Exit(code)


@providers_app.command("remove")
def providers_remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which one.")], tenant: TenantName = None
) -> None:
    """Forget a provider, its key and its prices."""
    with guarded():
        from steelyard.cli.commands.providers import remove_provider

        code = remove_provider(name, tenant)
    raise typer.Exit(code)


@providers_app.command("prices")
def providers_prices(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Of this provider alone.")] = None,
    tenant: TenantName = None,
    json: given.Json = None,
) -> None:
    """List the prices that were given for models of one's own providers, each with the day it holds from."""
    with guarded():
        from steelyard.cli.commands.prices import list_prices

        code = list_prices(name, tenant, json)
    raise typer.Exit(code)


@providers_app.command("set-price")
def providers_set_price(
    model: ModelName,
    input_usd: Annotated[str, typer.Option("--input", metavar="USD", help="US dollars per million tokens of input.")],
    output_usd: Annotated[
        str,
        typer.Option("--output", metavar="USD", help="US dollars per million tokens of output, reasoning included."),
    ],
    cache_read_usd: Annotated[
        str, typer.Option("--cache-read", metavar="USD", help="The same of input read from a cache. Default: as input.")
    ] = "",
    cache_write_usd: Annotated[
        str, typer.Option("--cache-write", metavar="USD", help="The same of input put there. Default: as input.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="DAY", help="The UTC day it holds from, as 2026-01-31. Default: today.")
    ] = "",
    tenant: TenantName = None,
) -> None:
    """Give the price of a model of one's own provider. Costs there are already never change."""
    with guarded():
        from steelyard.cli.commands.prices import set_price

        code = set_price(
            model,
            input_usd,
            output_usd,
            cache_read_usd=cache_read_usd,
            cache_write_usd=cache_write_usd,
            since=since,
            tenant=tenant,
        )
    raise typer.Exit(code)


@providers_app.command("remove-price")
def providers_remove_price(
    model: ModelName,
    since: Annotated[
        str, typer.Option("--since", metavar="DAY", help="That of this day alone. Default: all of the model's.")
    ] = "",
    tenant: TenantName = None,
) -> None:
    """Take away a price of a model of one's own provider, or all of its prices."""
    with guarded():
        from steelyard.cli.commands.prices import remove_price

        code = remove_price(model, since, tenant)
    raise typer.Exit(code)


@secrets_app.command("status")
def secrets_status() -> None:
    """Count the stored secrets of all tenants by master key; 1 where one cannot be read."""
    with guarded():
        from steelyard.cli.commands.secrets import status

        code = status()
    raise typer.Exit(code)


@secrets_app.command("rotate")
def secrets_rotate() -> None:
    """Encrypt every tenant's secrets anew under the first master key, while everything goes on."""
    with guarded():
        from steelyard.cli.commands.secrets import rotate

        code = rotate()
    raise typer.Exit(code)


@secrets_app.command("new-key")
def secrets_new_key() -> None:
    """Print a new master key, for STEELYARD_SECRET_KEY. Nothing is stored or changed."""
    with guarded():
        from steelyard.cli.commands.secrets import print_key

        code = print_key()
    raise typer.Exit(code)

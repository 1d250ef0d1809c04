"""`steelyard models`: what can be called, what it costs, and local weights."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.text import Text

from steelyard.bootstrap import has_database, home_of, open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.grid import fill
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import StorageError
from steelyard.domain.models import ModelRef

if TYPE_CHECKING:
    from steelyard.pricing import Price


def list_models() -> int:
    """Providers and whether a key is at hand; local models and how to get them."""
    from steelyard.providers.catalogue import CATALOGUE
    from steelyard.providers.local import installed_models
    from steelyard.providers.settings import PLACEHOLDER_KEY, load_settings

    home, screen = home_of(), Terminal().out
    settings = load_settings(home, os.environ)
    label = 4 + max(
        *(len(f"local:{name}") for name in CATALOGUE), *(len(f"{name}:NAME") for name in settings.endpoints)
    )
    screen.line("Providers", "bold")
    for endpoint in settings.endpoints.values():
        name = fill(f"  {words.safe(endpoint.name)}:NAME", label)
        at = f", at {words.safe(endpoint.base_url)}" if endpoint.base_url else ""
        if endpoint.api_key == PLACEHOLDER_KEY:
            state, style = f"ready, called without a key ({endpoint.key_env} is not set){at}", "green"
        elif endpoint.usable:
            state, style = f"ready, key found{at}", "green"
        else:
            state, style = f"no key: set {endpoint.key_env}{at}", "yellow"
        screen.line(Text(name).append(words.hang(state, screen.width, label), style))
    screen.line(f"  Others that speak OpenAI's protocol: [providers.NAME] in {home / 'settings.toml'}", "dim")
    screen.line()
    screen.line("Local models", "bold")
    here = installed_models(home)
    for name in sorted({*here, *CATALOGUE}):
        shown = fill(f"  local:{words.safe(name)}", label)
        if name in here:
            screen.line(Text(shown).append("on this machine", "green"))
            continue
        entry = CATALOGUE[name]
        terms = " --accept-terms" if entry.must_accept else ""
        install = f"{entry.megabytes} MB: steelyard models install {name}{terms}"
        screen.line(shown + words.hang(install, screen.width, label))
    screen.line("  local:PATH.gguf names any other GGUF file.", "dim")
    screen.line()
    screen.line("Prices: steelyard models price provider:name", "dim")
    return exits.OK


def price_models(names: Sequence[str]) -> int:
    """US dollars per million tokens as of today."""
    terminal = Terminal()
    screen = terminal.out
    today = datetime.now(UTC).date()
    for ref, price in asyncio.run(_priced(terminal, [ModelRef.typed(name) for name in names], today)):
        screen.line(words.safe(ref.text), "bold")
        if price is None:
            screen.line('  price unknown: its cost shows as unknown, totals as "at least".')
            continue
        tiers = "; a long prompt makes every token dearer" if price.tiered else ""
        screen.line(
            f"  US$ per million tokens: input {_digits(price.input_usd)}, output {_digits(price.output_usd)},"
            f" cache read {_digits(price.cache_read_usd)}, cache write {_digits(price.cache_write_usd)}{tiers}."
        )
        screen.line(f"  as of {today}, {words.safe(price.price_version)}", "dim")
    return exits.OK


def _digits(usd: float) -> str:
    """Every digit there is."""
    return format(Decimal(str(usd)).normalize(), "f")


async def _priced(terminal: Terminal, refs: Sequence[ModelRef], today: date) -> list[tuple[ModelRef, Price | None]]:
    """Each with its price, by one's own prices too where there is a database that may have some.

    Where it cannot be asked it says so: what the files know is of use without it.
    """
    try:
        if has_database():
            async with open_workbench() as workbench:
                return [(ref, workbench.price_today(ref, today)) for ref in refs]
        terminal.say("There is no database yet: these are the known prices and those in settings.toml.", "dim")
    except StorageError as error:
        terminal.warn(words.safe(error.message))
        terminal.warn(
            "So prices that were given for providers of your own were not looked at: these are the known ones and those"
            f" in settings.toml. {words.safe(error.next_step or '')}".strip()
        )
    from steelyard.pricing import price_of
    from steelyard.providers.settings import load_settings

    settings = load_settings(home_of(), os.environ)
    return [(ref, price_of(ref, today, settings.prices)) for ref in refs]


def install(name: str, *, accept_terms: bool) -> int:
    """Fetch a model's weights."""
    from steelyard.providers.catalogue import CATALOGUE
    from steelyard.providers.install import install_model

    terminal = Terminal()
    entry = CATALOGUE.get(name)
    if entry is not None:
        terminal.err.lines(entry.notice.splitlines())
    path = install_model(name, home_of(), accept_terms=accept_terms)
    terminal.out.line(f"Installed at {path}. Name it as local:{words.safe(name)}.")
    return exits.OK

"""`steelyard secrets …`: under which master keys the stored secrets are, and encrypting them under another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.terminal import Terminal
from steelyard.services.rotation import CLEAR, SecretsStanding


def status() -> int:
    """Count them; 1 where one cannot be read."""

    async def body() -> SecretsStanding:
        async with open_workbench() as workbench:
            return await workbench.rotation.status()

    return shown(asyncio.run(body()))


def shown(found: SecretsStanding) -> int:
    """Say how they stand; 1 where one cannot be read."""
    screen = Terminal().out
    screen.line(
        f"Master keys at hand: {', '.join(found.ring)}; the first encrypts."
        if found.ring
        else "No master key is at hand: STEELYARD_SECRET_KEY is not set, and the home has none."
    )
    if not found.under:
        screen.line(f"No secrets are stored, of {words.count(found.tenants, 'tenant')}.")
    for key_id, count in sorted(found.under.items()):
        screen.line(f"{words.count(count, 'secret')}: {key_id if key_id == CLEAR else f'under {key_id}'}")
    if found.under and found.ring and set(found.under) != {found.ring[0]}:
        screen.line("`steelyard secrets rotate` encrypts them all under the first.")
    for line in _unreadable(found):
        screen.line(line)
    return exits.FAULT if found.unreadable else exits.OK


def rotate() -> int:
    """Encrypt them anew; 1 where one could not be read."""

    async def body() -> SecretsStanding:
        async with open_workbench() as workbench:
            return await workbench.rotation.rotate()

    found = asyncio.run(body())
    screen = Terminal().out
    screen.line(
        f"{words.count(found.done, 'secret')} of {words.count(found.tenants, 'tenant')} encrypted anew under"
        f" {found.ring[0]}."
    )
    if found.passed:
        screen.line(f"{words.count(found.passed, 'secret')} changed meanwhile; run it again to be sure.")
    for line in _unreadable(found):
        screen.line(line)
    if not found.unreadable and not found.passed and len(found.ring) > 1:
        screen.line("The other keys decrypt nothing any more, and may be taken out once no older backup is needed.")
    return exits.FAULT if found.unreadable else exits.OK


def print_key() -> int:
    """A new master key on standard output."""
    from steelyard.vault.ring import new_key

    print(new_key())
    return exits.OK


def _unreadable(found: SecretsStanding) -> Iterator[str]:
    for one in found.unreadable:
        what = f"the key of provider {one.name}" if one.what == "provider" else "the webhook's secret"
        yield words.safe(f"Cannot be read: {what}, tenant {one.tenant_id}. {one.why}")

"""`steelyard providers …`: a tenant's own. A key comes by standard input or a variable, and is not shown."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from getpass import getpass
from uuid import UUID

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import InputError, NotFound
from steelyard.providers.trial import Trial
from steelyard.services.tenant_providers import CHOICES, MOST_KEY, ProvidersStanding
from steelyard.services.waits import without_provider
from steelyard.storage.tenants import known_tenants
from steelyard.workbench import Workbench


def list_providers(tenant: str | None) -> int:
    """What is set."""

    async def body() -> ProvidersStanding:
        async with open_workbench() as workbench:
            return await workbench.tenant_providers.standing(await tenant_named(workbench, tenant))

    screen = Terminal().out
    for line in _lines(asyncio.run(body())):
        screen.line(line)
    return exits.OK


def set_provider(
    name: str,
    kind: str | None,
    base_url: str | None,
    *,
    key_env: str | None,
    no_key: bool,
    test: bool,
    tenant: str | None,
) -> int:
    """Add or replace one; with `test` 1 where it does not work."""
    if kind is None and name not in CHOICES:
        raise InputError(
            f"How {name} is spoken to is not said.",
            field="kind",
            next_step=f"Add --kind, one of: {', '.join(CHOICES)}.",
        )
    if no_key and key_env is not None:
        raise InputError("Give --key-env or --no-key, not both.", field="key")
    key = None if no_key else _key(name, key_env)

    async def body() -> Trial | None:
        async with open_workbench() as workbench:
            tenant_id = await tenant_named(workbench, tenant)
            await workbench.tenant_providers.put(tenant_id, name, kind or name, base_url, key)
            return await workbench.tenant_providers.try_out(tenant_id, name) if test else None

    trial = asyncio.run(body())
    screen = Terminal().out
    screen.line(f"{name} is set.{'' if key is None else ' Its key is stored encrypted.'}")
    if trial is not None:
        screen.line(words.safe(trial.said))
    return exits.FAULT if trial is not None and trial.works is False else exits.OK


def remove_provider(name: str, tenant: str | None) -> int:
    """Forget one."""

    async def body() -> str | None:
        async with open_workbench() as workbench:
            runs = await workbench.tenant_providers.remove(await tenant_named(workbench, tenant), name)
            return without_provider(name, runs)

    left = asyncio.run(body())
    screen = Terminal().out
    screen.line(f"{words.safe(name)}, its key and its prices are forgotten.")
    if left is not None:
        screen.line(words.safe(left))
    return exits.OK


def _key(name: str, variable: str | None) -> str:
    """What was given. Raises InputError where nothing was."""
    if variable is not None:
        found = os.environ.get(variable, "").strip()
        if not found:
            raise InputError(f"{variable} is not set.", field="key", next_step="Export it, or leave --key-env out.")
        return found
    found = getpass(f"Key of {name}: ") if sys.stdin.isatty() else sys.stdin.read(MOST_KEY + 2)
    if not found.strip():
        raise InputError(
            "No key came by standard input.", field="key", next_step="Pipe it in, or say --no-key if it asks for none."
        )
    return found.strip()


async def tenant_named(workbench: Workbench, named: str | None) -> UUID:
    """Raises NotFound."""
    if named is None:
        return workbench.tenant_id
    for tenant in await known_tenants(workbench.database):
        if named in (tenant.name, str(tenant.id)):
            return tenant.id
    raise NotFound(f"There is no tenant '{words.safe(named, 60)}'.")


def _lines(standing: ProvidersStanding) -> Iterator[str]:
    if not standing.own:
        yield "No providers of your own. Add one: steelyard providers set NAME"
    for one in standing.own:
        address = f" at {one.base_url}" if one.base_url else ""
        if one.problem is not None:
            key = f"its key cannot be read: {one.problem}"
        elif one.key_set_at is not None:
            shown = f"…{one.key_end}" if one.key_end else "set"
            key = f"key {shown}, {one.key_set_at:%Y-%m-%d %H:%M} UTC by {one.key_set_by}"
        else:
            key = "called without a key"
        yield words.safe(f"{one.name} ({one.choice}{address}): {key}")
    if standing.servers:
        yield f"Of the server: {', '.join(endpoint.name for endpoint in standing.servers if endpoint.usable) or 'none'}"

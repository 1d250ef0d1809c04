"""`steelyard keys add`, `list` and `revoke`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Terminal
from steelyard.domain.api_keys import ApiKey
from steelyard.services.api_keys import MadeKey

SCHEMA = "steelyard.keys/1"


def add(name: str, scopes: Sequence[str], expires: str, rate: str) -> int:
    """Make a key. It alone goes to standard output."""

    async def body() -> MadeKey:
        async with open_workbench() as workbench:
            return await workbench.api_keys.make(workbench.tenant_id, name, scopes, expires=expires, a_minute=rate)

    made = asyncio.run(body())
    terminal = Terminal()
    until = "It does not expire" if made.expires_at is None else f"It expires on {made.expires_at:%Y-%m-%d}"
    terminal.err.line(f"The key of {words.safe(made.name)} ({', '.join(made.scopes)}). {until}.")
    # As it is: a line that is broken for a narrow terminal would be no key.
    sys.stdout.write(made.text + "\n")
    terminal.err.line("It is not shown again: put it where the program that uses it finds it, as STEELYARD_KEY.")
    return exits.OK


def show(json_to: str | None) -> int:
    """All of them."""
    check_target(json_to)

    async def body() -> list[ApiKey]:
        async with open_workbench() as workbench:
            return await workbench.api_keys.listed(workbench.tenant_id)

    keys = asyncio.run(body())
    screen = Terminal(json_out=json_to == STDOUT).out
    now = datetime.now(UTC)
    if not keys:
        screen.line("There is no API key. `steelyard keys add NAME --scope ingest` makes one.")
    for key in keys:
        screen.line(f"{key.start}  {words.safe(key.name, 100)}", "bold" if key.usable(now) else "dim")
        screen.line(words.hang("  " + _about(key, now), screen.width, 2))
    write_json({"schema": SCHEMA, "keys": [_as_json(key, now) for key in keys]}, json_to)
    return exits.OK


def revoke(ref: str) -> int:
    """Let one in no more."""

    async def body() -> ApiKey:
        async with open_workbench() as workbench:
            key = await workbench.api_keys.find(workbench.tenant_id, ref)
            await workbench.api_keys.revoke(workbench.tenant_id, key.id)
            return key

    key = asyncio.run(body())
    Terminal().out.line(f"{key.start}, {words.safe(key.name, 100)}, is revoked: within 5 seconds no server lets it in.")
    return exits.OK


def _about(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        state = f"revoked on {key.revoked_at:%Y-%m-%d}"
    elif key.expires_at is None:
        state = "does not expire"
    else:
        state = f"{'expires' if key.usable(now) else 'expired'} on {key.expires_at:%Y-%m-%d}"
    used = "never used" if key.last_used_at is None else f"last used on {key.last_used_at:%Y-%m-%d at %H:%M} UTC"
    rate = "" if key.a_minute is None else f"; {key.a_minute:,} requests a minute"
    made = f"made on {key.created_at:%Y-%m-%d} by {words.safe(key.created_by, 60)}"
    return f"{', '.join(key.scopes)}{rate}; {state}; {used}; {made}."


def _as_json(key: ApiKey, now: datetime) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "start": key.start,
        "name": key.name,
        "scopes": list(key.scopes),
        "requests_a_minute": key.a_minute,
        "usable": key.usable(now),
        "created_by": key.created_by,
        **{
            name: None if when is None else when.isoformat()
            for name, when in (
                ("created_at", key.created_at),
                ("expires_at", key.expires_at),
                ("last_used_at", key.last_used_at),
                ("revoked_at", key.revoked_at),
            )
        },
    }

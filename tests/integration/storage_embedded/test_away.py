"""A server that was away for long: those who waited for it have it again soon after it is back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from steelyard.storage.database import DATABASE_AWAY, Database
from steelyard.storage.embedded import stop
from steelyard.storage.server import ready_server
from steelyard.storage.tenants import LOCAL_TENANT

AWAY_S = 18.0
SOON_S = 6.0


@pytest.mark.timeout(120)
async def test_who_waits_for_a_database_that_was_away_for_long_has_it_soon_after(home: Path) -> None:
    server = await asyncio.to_thread(ready_server, home, {})
    async with Database(server.dsn) as database:

        async def saved() -> None:
            while True:
                try:
                    async with database.tenant(LOCAL_TENANT) as connection:
                        await connection.execute("SELECT 1")
                except DATABASE_AWAY:
                    await asyncio.sleep(0.1)
                else:
                    return

        await saved()
        await asyncio.to_thread(stop, home)
        waiting = asyncio.create_task(saved())
        await asyncio.sleep(AWAY_S)
        assert not waiting.done()
        await asyncio.to_thread(ready_server, home, {})
        back = time.monotonic()
        await asyncio.wait_for(waiting, 60)
        assert time.monotonic() - back < SOON_S

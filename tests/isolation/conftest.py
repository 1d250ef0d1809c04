"""Two tenants that look alike, once for each file of tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from steelyard.storage.server import Server
from tests.isolation.twins import Twins, twins_of


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def twins(server: Server, server_home: Path) -> AsyncIterator[Twins]:
    async with twins_of(server_home) as twins:
        yield twins

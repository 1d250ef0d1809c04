"""Fixtures of the API's tests: a site whose client holds every answer against the API's document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from steelyard.storage.server import Server
from tests.integration.api.contract import check_answer
from tests.integration.web.harness import Site, site_of


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[Site]:
    """The site of a fresh tenant."""
    async with site_of(server_home, tenant_id, faults=True) as site:
        site.client.event_hooks["response"].append(check_answer)
        yield site


@pytest.fixture
def client(site: Site) -> httpx.AsyncClient:
    return site.client

"""Sites to attack: one as people sign in to it, one of a single owner, each in a tenant of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from steelyard.storage.server import Server
from steelyard.vault.ring import new_key
from tests.integration.web.harness import Site, site_of
from tests.integration.web.teams import TeamSite, team_site_of


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[Site]:
    async with site_of(server_home, tenant_id, faults=True) as site:
        yield site


@pytest.fixture
async def team(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[TeamSite]:
    async with team_site_of(server_home, tenant_id, env={"STEELYARD_SECRET_KEY": new_key()}) as team:
        yield team

"""Fixtures of the API's tests: a site whose client holds every answer against the API's document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from steelyard.domain.actors import LOCAL, acting_as
from steelyard.storage.server import Server
from tests.integration.api.contract import check_answer
from tests.integration.web.harness import Site, site_of
from tests.integration.web.keyed import bearer
from tests.integration.web.teams import TeamSite, team_site_of


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[Site]:
    """The site of a fresh tenant."""
    async with site_of(server_home, tenant_id, faults=True) as site:
        site.client.event_hooks["response"].append(check_answer)
        yield site


@pytest.fixture
async def team(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[TeamSite]:
    """The same of a team, where programs have keys."""
    async with team_site_of(server_home, tenant_id) as team:
        yield team


@pytest.fixture
async def program(team: TeamSite) -> httpx.AsyncClient:
    """A program that administers the team's tenant by a key, which is its own until it expires in 30 days."""
    return await program_of(team, "admin")


async def program_of(team: TeamSite, *scopes: str, expires: str = "30d") -> httpx.AsyncClient:
    """A program with a new key of the team's tenant."""
    with acting_as(LOCAL):
        key = await team.workbench.api_keys.make(team.tenant_id, "a program", scopes, expires=expires)
    client = team.browser().client
    client.headers.update(bearer(key))
    client.event_hooks["response"].append(check_answer)
    return client


@pytest.fixture
def client(site: Site) -> httpx.AsyncClient:
    return site.client

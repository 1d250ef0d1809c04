"""A team's site, for tests: people with accounts in tenants, and a browser of each."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from steelyard.bootstrap import open_workbench
from steelyard.domain.access import Role
from steelyard.services.passwords import Passwords
from steelyard.storage import memberships, users
from steelyard.web.app import create_app
from steelyard.workbench import Workbench
from tests.integration.web.harness import BASE, token_in

PASSWORD = "seven geese over harbour"


class QuickHasher:
    """In place of Argon2, which is slow on purpose; counts the work."""

    def __init__(self) -> None:
        self.hashed = 0
        self.compared = 0

    def hash(self, password: str) -> str:
        self.hashed += 1
        return f"quick:{password}"

    def verify_and_update(self, password: str, hash: str) -> tuple[bool, str | None]:
        self.compared += 1
        return hash == f"quick:{password}", None


@dataclass
class Browser:
    """One person's browser at the site."""

    client: httpx.AsyncClient

    async def get(self, url: str, **more: Any) -> httpx.Response:
        return await self.client.get(url, **more)

    async def post(self, url: str, data: dict[str, Any] | None = None, *, page: str = "/sign-in") -> httpx.Response:
        """A form with the token of `page`, or of where that leads."""
        token = token_in((await self.client.get(page, follow_redirects=True)).text)
        return await self.client.post(url, data={**(data or {}), "csrf_token": token})

    async def sign_in(self, email: str, password: str = PASSWORD, leads: str = "") -> httpx.Response:
        return await self.post("/sign-in", {"email": email, "password": password, "next": leads})


@dataclass
class TeamSite:
    """A site in team mode over one tenant's database; `hasher` counts what was hashed."""

    app: FastAPI
    workbench: Workbench
    tenant_id: UUID
    hasher: QuickHasher

    def browser(self, base: str = BASE, address: str = "203.0.113.5") -> Browser:
        transport = httpx.ASGITransport(self.app, client=(address, 50_000))
        return Browser(httpx.AsyncClient(transport=transport, base_url=base))

    async def user(self, role: Role | None = Role.ADMIN, *, name: str = "", tenant_id: UUID | None = None) -> str:
        """A user with PASSWORD, in the site's tenant or another; returns their address."""
        word = uuid4().hex[:12]
        email = f"{word}@example.org"
        async with self.workbench.database.tenant(tenant_id or self.tenant_id) as connection:
            user_id = await users.add_user(connection, email, name or f"Person {word}", f"quick:{PASSWORD}")
            if role is not None:
                await memberships.add_membership(connection, tenant_id or self.tenant_id, user_id, role)
        return email

    async def member(self, role: Role = Role.ADMIN, *, name: str = "") -> Browser:
        """The browser of a new member who has signed in."""
        browser = self.browser()
        answer = await browser.sign_in(await self.user(role, name=name))
        assert answer.status_code == 303, answer.text
        return browser


@asynccontextmanager
async def team_site_of(
    home: Path, tenant_id: UUID, *, env: dict[str, str] | None = None, shared: bool | None = False
) -> AsyncGenerator[TeamSite]:
    """The site of `home` in team mode, whose own tenant is `tenant_id`.

    `shared`: it may use the server's providers, None: as it is set.
    """
    given = {"STEELYARD_HOME": str(home), "STEELYARD_MODE": "team", **(env or {})}
    async with open_workbench(env=given) as opened:
        settings = replace(opened.settings, shared=shared)
        workbench, hasher = replace(opened, tenant_id=tenant_id, settings=settings), QuickHasher()
        workbench.providers.look_up(workbench.tenant_providers.find, tenant_id)
        workbench.passwords = Passwords(hasher)
        yield TeamSite(create_app(workbench), workbench, tenant_id, hasher)
        await workbench.aclose()

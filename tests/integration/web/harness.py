"""The site over a real database, for tests: an HTTP client in a tenant of its own, and helpers to post forms."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from steelyard.bootstrap import open_workbench
from steelyard.web.app import create_app
from steelyard.workbench import Workbench

BASE = "http://localhost:8765"
_TOKEN = re.compile(r'<meta name="csrf-token" content="([0-9a-f]+)">')


@dataclass
class Site:
    """One tenant's site. `client` keeps cookies and does not follow redirects."""

    app: FastAPI
    client: httpx.AsyncClient
    workbench: Workbench
    tenant_id: UUID

    async def token(self, page: str = "/settings") -> str:
        """A token from a page's own markup, with its cookie kept by the client."""
        return token_in((await self.client.get(page)).text)

    async def post(self, url: str, data: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """A form as a browser would send it, token included."""
        return await self.client.post(url, data={**(data or {}), "csrf_token": await self.token()}, **more)


def token_in(html: str) -> str:
    found = _TOKEN.search(html)
    assert found is not None, "the page has no CSRF token"
    return found[1]


@asynccontextmanager
async def site_of(
    home: Path, tenant_id: UUID, *, env: dict[str, str] | None = None, faults: bool = False
) -> AsyncGenerator[Site]:
    """The site over the server of `home` for one tenant. `faults`: let unexpected exceptions become the 500 page."""
    async with open_workbench(env={"STEELYARD_HOME": str(home), "STEELYARD_MODE": "local", **(env or {})}) as opened:
        workbench = replace(opened, tenant_id=tenant_id)
        app = create_app(workbench)
        transport = httpx.ASGITransport(app, raise_app_exceptions=not faults)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            yield Site(app, client, workbench, tenant_id)
        await workbench.aclose()

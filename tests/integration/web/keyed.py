"""Sites that ask who sends a request, for tests: by API key, or as a member of some role that a test chooses."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from fastapi import Request

from steelyard.domain.access import ROLES, Principal, Role
from steelyard.domain.actors import LOCAL, acting_as
from steelyard.domain.errors import NotSignedIn
from steelyard.services.api_keys import ApiKeys, MadeKey
from steelyard.storage.database import Database
from steelyard.storage.tenants import ensure_tenant
from steelyard.web.access import Identify
from tests.integration.web.harness import Site


async def nobody(_: Request) -> Principal:
    """Whoever brings neither a key nor a session."""
    raise NotSignedIn("Sign in, or send an API key.")


def member(tenant_id: UUID, role: Role) -> Identify:
    """Every request is of a member with that role."""
    principal = Principal(tenant_id, f"a {role}", ROLES[role], role, user_id=uuid4())

    async def identify(_: Request) -> Principal:
        return principal

    return identify


def let_in(site: Site, otherwise: Identify = nobody) -> None:
    """By key, else as `otherwise` says."""
    site.app.state.identify = site.app.state.keys.before(otherwise)


def bearer(key: MadeKey | str) -> dict[str, str]:
    return {"authorization": f"Bearer {key if isinstance(key, str) else key.text}"}


async def other_tenant(database: Database) -> UUID:
    tenant_id = uuid4()
    async with database.tenant(tenant_id) as connection:
        await ensure_tenant(connection, tenant_id, "other")
    return tenant_id


async def made_key(site: Site, *scopes: str, tenant_id: UUID | None = None, a_minute: str = "") -> MadeKey:
    keys: ApiKeys = site.workbench.api_keys
    # A request that was answered in this very task may have left its key as whoever acts.
    with acting_as(LOCAL):
        return await keys.make(tenant_id or site.tenant_id, "a program", scopes or ("ingest",), a_minute=a_minute)


@dataclass
class Clock:
    """A clock that a test moves; counts in seconds."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now

"""The tenants of an installation, as whoever runs it sees them: no request comes here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from steelyard.domain.errors import Conflict, InputError, NotFound
from steelyard.domain.people import KnownTenant
from steelyard.services.names import tenant_name
from steelyard.storage.database import Database
from steelyard.storage.tenants import ensure_tenant, known_tenants


class Tenants:
    """Adds tenants and finds them by name; `own` is the installation's first."""

    def __init__(self, database: Database, own: UUID) -> None:
        self._database = database
        self._own = own

    async def list(self) -> Sequence[KnownTenant]:
        """All of them, by name."""
        return await known_tenants(self._database)

    async def called(self, name: str | None) -> KnownTenant:
        """The tenant of that name, or whose id begins so; without one the installation's first.

        Raises NotFound, and InputError where several are.
        """
        every = await self.list()
        if name is None:
            return next(one for one in every if one.id == self._own)
        wanted = " ".join(name.split()).casefold()
        found = [one for one in every if one.name.casefold() == wanted]
        if not found and len(wanted) >= 8:
            found = [one for one in every if str(one.id).startswith(wanted)]
        if not found:
            raise NotFound(f"No tenant is called {name[:100]}.", next_step="`steelyard tenants list` has them.")
        if len(found) > 1:
            raise InputError(
                f"{len(found)} tenants are called {name[:100]}.",
                field="tenant",
                next_step="Give the start of its id, as `steelyard tenants list` has it.",
            )
        return found[0]

    async def add(self, name: str) -> KnownTenant:
        """A tenant without members. Raises InputError, and Conflict where one is called so."""
        name, made = tenant_name(name), uuid4()
        if any(one.name.casefold() == name.casefold() for one in await self.list()):
            raise Conflict(f"A tenant is called {name} already.", kept="Nothing was changed.")
        async with self._database.tenant(made) as connection:
            await ensure_tenant(connection, made, name)
        return KnownTenant(made, name, datetime.now(UTC), 0)

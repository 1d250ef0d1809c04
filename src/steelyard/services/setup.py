"""The first admin: by a link that is told on the server alone, while nobody belongs to the installation's tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from steelyard.domain.access import Role
from steelyard.domain.actors import Actor, ActorKind
from steelyard.domain.errors import NotFound
from steelyard.domain.people import SETUP_LASTS, Proof
from steelyard.services.names import email_address, person_name, tenant_name
from steelyard.services.passwords import Passwords, check_password
from steelyard.services.secret_tokens import hash_of, new_token
from steelyard.storage import memberships, one_time_links, users
from steelyard.storage.database import Connection, Database, act_as
from steelyard.storage.tenants import rename_tenant


class Setup:
    """Makes the first admin of `tenant_id`, which is what the installation held before anybody signed in."""

    def __init__(
        self,
        database: Database,
        tenant_id: UUID,
        passwords: Passwords,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self.tenant_id = tenant_id
        self._passwords = passwords
        self._now = now

    async def link(self) -> str | None:
        """The token of a new link, None where the tenant has a member. Earlier links go on until they are too old."""
        token = new_token()
        async with self._database.tenant(self.tenant_id) as connection:
            if await memberships.hold_members(connection):
                return None
            expires_at = self._now() + SETUP_LASTS
            await one_time_links.add_setup(connection, self.tenant_id, hash_of(token), expires_at)
        return token

    async def check(self, token: str) -> None:
        """Raises NotFound where the link is not good (any more)."""
        await self.check_hash(hash_of(token))

    async def check_hash(self, token_hash: bytes) -> None:
        """The same, by what is kept of the link."""
        if await one_time_links.setup_tenant(self._database, token_hash, self._now()) != self.tenant_id:
            raise _used()

    async def first_admin(self, token: str, *, email: str, name: str, password: str, tenant: str) -> Proof:
        """The tenant's first admin; of several at once one alone is.

        Raises NotFound for a link that is not good, InputError and Conflict.
        """
        await self.check(token)
        email, name, tenant = email_address(email), person_name(name), tenant_name(tenant)
        normal = check_password(password, about=(email, email.partition("@")[0], name))
        hashed = await self._passwords.hash(normal)

        async def add(connection: Connection) -> UUID:
            user_id = await users.add_user(connection, email, name, hashed)
            await act_as(connection, Actor(ActorKind.MEMBER, name, user_id))
            return user_id

        return Proof(await self.begin_with(add, tenant), password_hash=hashed)

    async def begin_with(self, add: Callable[[Connection], Awaitable[UUID]], tenant: str) -> UUID:
        """Make the user that `add` gives the first admin; the link was checked. Raises NotFound, and as `add` does."""
        async with self._database.tenant(self.tenant_id) as connection:
            if await memberships.hold_members(connection):
                raise _used()
            user_id = await add(connection)
            await memberships.add_membership(connection, self.tenant_id, user_id, Role.ADMIN)
            await rename_tenant(connection, tenant)
            await one_time_links.drop_setups(connection, self.tenant_id)
        return user_id


def _used() -> NotFound:
    return NotFound(
        "This link was used, or is too old.",
        next_step="Sign in; or, where nobody has an account yet, start the server again: it tells a new link.",
    )

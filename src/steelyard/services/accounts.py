"""A user's own account: their name, their password, and setting a forgotten one anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from steelyard.domain.actors import Actor, ActorKind
from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.people import RESET_LASTS, Proof, SignedIn, User
from steelyard.services.members import check_name_free
from steelyard.services.names import email_address, person_name
from steelyard.services.passwords import Passwords, check_password
from steelyard.services.secret_tokens import hash_of, new_token
from steelyard.services.try_limits import TryLimits
from steelyard.storage import identities, memberships, one_time_links, sessions, users
from steelyard.storage.database import Connection, Database, act_as, act_in


class Accounts:
    """Use cases of one user on their own account."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        signing_in: TryLimits,
        resetting: TryLimits,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._signing_in = signing_in
        self._resetting = resetting
        self._now = now

    async def rename(self, mine: SignedIn, name: str) -> None:
        """Another name from now on; what was kept under the old one stays. Raises InputError."""
        name = person_name(name)
        for one in await users.tenants_of(self._database, mine.user_id):
            async with self._database.tenant(one.tenant_id) as connection:
                await memberships.hold_members(connection)
                await check_name_free(connection, name, but=mine.user_id)
                if one.tenant_id == mine.tenant_id:
                    await users.set_name(connection, mine.user_id, name)

    async def has_password(self, user_id: UUID) -> bool:
        """Whether the user can sign in by one."""
        return (await self._user(user_id)).password_hash is not None

    async def change_password(self, mine: SignedIn, old: str, new: str, *, address: str) -> Proof:
        """Another password, by which the user goes on; their other sessions end. Raises InputError, TooMany."""
        user = await self._user(mine.user_id)
        await self._signing_in.take(user.email, address)
        if not (await self._passwords.fits(old, user.password_hash)).right:
            raise InputError("That is not your password.", field="old", kept="Nothing was changed.")
        await self._signing_in.succeeded(user.email, address)
        hashed = await self._passwords.hash(self._check(user, new))
        async with self._database.outside() as connection:
            held = await users.hold_user(connection, user.id)
            if held is None or held.password_hash != user.password_hash:
                raise InputError("That is not your password any more.", field="old", kept="Nothing was changed.")
            await self._set(connection, user, hashed)
            await sessions.end_every(connection, user.id, but=mine.session_id)
        return Proof(user.id, password_hash=hashed)

    async def ask_reset(self, email: str, *, address: str) -> tuple[User, str] | None:
        """A link for the user of that address, None where there is none; whoever asks is told the same of both.

        Raises InputError for what is no address, TooMany.
        """
        email = email_address(email)
        await self._resetting.take(email, address)
        return await self.reset_link(email)

    async def reset_link(self, email: str) -> tuple[User, str] | None:
        """The same without counting: for whoever runs the server."""
        user = await users.by_email(self._database, email)
        if user is None:
            return None
        token = new_token()
        async with self._database.outside() as connection:
            await users.hold_user(connection, user.id)
            await one_time_links.add_reset(connection, user.id, hash_of(token), self._now() + RESET_LASTS)
        return user, token

    async def check_reset(self, token: str) -> User:
        """Whose password the link sets anew. Raises NotFound."""
        user_id = await one_time_links.reset_user(self._database, hash_of(token), self._now())
        if user_id is None:
            raise _used()
        return await self._user(user_id)

    async def reset(self, token: str, password: str) -> UUID:
        """Set the password by a link, which works once. Returns the user.

        The link shows that the account's address is theirs who has it, and nobody before may have shown that: every
        session ends and every identity is disconnected. The memberships stay, and their tenants' logs tell of it.

        Raises NotFound, InputError, TooMany.
        """
        user = await self.check_reset(token)
        hashed = await self._passwords.hash(self._check(user, password))
        belonging = await users.tenants_of(self._database, user.id)
        async with self._database.outside() as connection:
            await users.hold_user(connection, user.id)
            if not await one_time_links.use_reset(connection, hash_of(token), user.id, self._now()):
                raise _used()
            await self._set(connection, user, hashed)
            await identities.drop_every(connection, user.id)
            await sessions.end_every(connection, user.id)
            await act_as(connection, Actor(ActorKind.MEMBER, user.name, user.id))
            for one in belonging:
                await act_in(connection, one.tenant_id)
                await memberships.note_reset(connection, user.id, self._now())
        await self._signing_in.forgive(user.email)
        return user.id

    async def _set(self, connection: Connection, user: User, hashed: str) -> None:
        await users.set_password(connection, user.id, hashed)
        await one_time_links.drop_resets(connection, user.id)

    def _check(self, user: User, password: str) -> str:
        return check_password(password, about=(user.email, user.email.partition("@")[0], user.name))

    async def _user(self, user_id: UUID) -> User:
        user = await users.by_id(self._database, user_id)
        if user is None:
            raise NotFound("There is no such account (any more).")
        return user


def _used() -> NotFound:
    return NotFound("This link was used, or is too old.", next_step="Ask for a new one at the sign-in.")

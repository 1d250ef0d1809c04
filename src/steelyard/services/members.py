"""Members of a tenant: who belongs to it, as what, who is invited, and joining."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from steelyard.domain.access import Role
from steelyard.domain.actors import Actor, ActorKind, acting
from steelyard.domain.errors import Conflict, InputError, NotFound
from steelyard.domain.people import INVITATION_LASTS, Invitation, Invited, MemberRow, Proof
from steelyard.services.handing_on import check_roles, hold_acting_key
from steelyard.services.names import email_address, person_name
from steelyard.services.passwords import Passwords, check_password
from steelyard.services.secret_tokens import hash_of, new_token
from steelyard.services.sign_in import hold_proved
from steelyard.storage import invitations, memberships, sessions, users
from steelyard.storage.database import Connection, Database, act_as
from steelyard.storage.once import bind


@dataclass(frozen=True)
class NewInvitation:
    """The token is given out once and kept nowhere."""

    id: UUID
    email: str
    role: Role
    expires_at: datetime
    token: str = field(repr=False)


class Members:
    """Use cases on members and invitations, for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._now = now

    async def list(self, tenant_id: UUID) -> Sequence[MemberRow]:
        """All members, by name."""
        async with self._database.tenant(tenant_id) as connection:
            return await memberships.list_members(connection)

    async def called(self, tenant_id: UUID, email: str) -> MemberRow:
        """The member of that address. Raises NotFound."""
        wanted = email.strip().lower()
        found = next((row for row in await self.list(tenant_id) if row.email == wanted), None)
        if found is None:
            raise NotFound(f"No member has the address {wanted[:100]}.", kept="Nothing was changed.")
        return found

    async def set_role(self, tenant_id: UUID, user_id: UUID, role: Role) -> None:
        """Raises NotFound, Conflict for the last admin, and Forbidden where a key would make or change an admin."""
        async with self._database.tenant(tenant_id) as connection:
            await _check_admin_left(connection, user_id, role)
            await memberships.set_role(connection, user_id, role)

    async def remove(self, tenant_id: UUID, user_id: UUID) -> None:
        """The member's sessions here end at once.

        Raises NotFound, Conflict for the last admin, and Forbidden where a key would remove an admin.
        """
        async with self._database.tenant(tenant_id) as connection:
            await _check_admin_left(connection, user_id, None)
            await memberships.remove_member(connection, user_id)
            await sessions.end_sessions_in(connection, tenant_id, user_id)

    async def invite(self, tenant_id: UUID, email: str, role: Role) -> NewInvitation:
        """An invitation in place of an earlier one of that address.

        Raises InputError, Conflict for a member, and Forbidden where a key would invite an admin.
        """
        email, token, now = email_address(email), new_token(), self._now()
        async with self._database.tenant(tenant_id) as connection:
            await hold_acting_key(connection)
            waiting = [one.role for one in await invitations.list_invitations(connection) if one.email == email]
            check_roles(role, *waiting)
            if any(row.email == email for row in await memberships.list_members(connection)):
                raise Conflict(f"{email} is a member already.", kept="Nothing was changed.")
            invitation_id = await invitations.put_invitation(
                connection,
                tenant_id,
                email,
                role,
                hash_of(token),
                invited_by=acting.get().told,
                now=now,
                expires_at=now + INVITATION_LASTS,
            )
            await bind(connection, invitation_id)
        return NewInvitation(invitation_id, email, role, now + INVITATION_LASTS, token)

    async def invitations(self, tenant_id: UUID) -> Sequence[Invitation]:
        """Those not taken up yet, the newest first; also those that are too old."""
        async with self._database.tenant(tenant_id) as connection:
            return await invitations.list_invitations(connection)

    async def invitation(self, tenant_id: UUID, invitation_id: UUID) -> Invitation:
        """The invitation of that id, while it is not taken up. Raises NotFound."""
        found = next((one for one in await self.invitations(tenant_id) if one.id == invitation_id), None)
        if found is None:
            raise _gone()
        return found

    async def revoke(self, tenant_id: UUID, invitation_id: UUID) -> None:
        """Take an invitation back. Raises NotFound, and Forbidden where a key would take an admin's back."""
        async with self._database.tenant(tenant_id) as connection:
            found = [one.role for one in await invitations.list_invitations(connection) if one.id == invitation_id]
            check_roles(*found)
            if not await invitations.take_invitation(connection, invitation_id):
                raise _gone()

    async def invited(self, token: str) -> Invited:
        """What a token invites to. Raises NotFound."""
        found = await invitations.find_invited(self._database, hash_of(token), self._now())
        if found is None:
            raise _gone()
        return found

    async def has_account(self, invited: Invited, *, name: str, password: str) -> bool:
        """Whether the invited address has an account, once what somebody gives for a new one could be taken.

        Raises InputError as `join` does, whether there is one or not: whoever asks must not learn it by that.
        """
        self._check_new(invited, person_name(name), password)
        async with self._database.tenant(invited.tenant_id) as connection:
            await check_name_free(connection, person_name(name))
        return await users.by_email(self._database, invited.email) is not None

    def _check_new(self, invited: Invited, name: str, password: str) -> str:
        return check_password(password, about=(invited.email, invited.email.partition("@")[0], name))

    async def join(self, invited: Invited, *, name: str, password: str) -> Proof:
        """A new user with the membership that is offered, who has the password given.

        Raises NotFound where the invitation went meanwhile, InputError, Conflict.
        """
        name = person_name(name)
        hashed = await self._passwords.hash(self._check_new(invited, name, password))
        async with self._database.tenant(invited.tenant_id) as connection:
            await memberships.hold_members(connection)
            await check_name_free(connection, name)
            user_id = await users.add_user(connection, invited.email, name, hashed)
            await self._take(connection, invited, Actor(ActorKind.MEMBER, name, user_id))
        return Proof(user_id, password_hash=hashed)

    async def accept(self, invited: Invited, proof: Proof) -> None:
        """The membership for a user there is, who has proved to be the invited one.

        Raises NotFound where it is another's, or the invitation went meanwhile; InputError for a name that is taken;
        Forbidden where the proof holds no more.
        """
        user = await users.by_id(self._database, proof.user_id)
        if user is None or user.email != invited.email:
            raise _gone()
        async with self._database.tenant(invited.tenant_id) as connection:
            await memberships.hold_members(connection)
            await hold_proved(connection, proof)
            await check_name_free(connection, user.name, but=user.id)
            await self._take(connection, invited, Actor(ActorKind.MEMBER, user.name, user.id))

    async def waiting(self, email: str) -> Sequence[Invited]:
        """The invitations of an address, of any tenant, the oldest first: for whoever has shown it to be theirs."""
        return await invitations.invitations_of(self._database, email, self._now())

    async def offered(self, email: str, invitation_id: UUID) -> Invited:
        """One of those. Raises NotFound."""
        return offered(await self.waiting(email), invitation_id)

    async def decline(self, email: str, invitation_id: UUID, *, by: Actor) -> None:
        """Turn down an invitation of that address, which is theirs who does. Raises NotFound."""
        invited = await self.offered(email, invitation_id)
        async with self._database.tenant(invited.tenant_id) as connection:
            await act_as(connection, by)
            if not await invitations.take_invitation(connection, invited.id):
                raise _gone()

    async def _take(self, connection: Connection, invited: Invited, member: Actor) -> None:
        assert member.id is not None
        await act_as(connection, member)
        if not await invitations.take_invitation(connection, invited.id):
            raise _gone()
        await memberships.add_membership(connection, invited.tenant_id, member.id, invited.role)


def offered(waiting: Sequence[Invited], invitation_id: UUID) -> Invited:
    """The invitation of that id among those that wait. Raises NotFound."""
    for invited in waiting:
        if invited.id == invitation_id:
            return invited
    raise _gone()


async def check_name_free(connection: Connection, name: str, but: UUID | None = None) -> None:
    """What people say and decide is kept under their names: no two can be taken for each other. Raises InputError."""
    if await memberships.name_is_taken(connection, name, but):
        raise InputError(
            f"Another member is called {name} or nearly so, or an API key is.",
            field="name",
            kept="Nothing was changed.",
            next_step="Add what tells you apart, as a second name or a team's.",
        )


async def _check_admin_left(connection: Connection, user_id: UUID, becomes: Role | None) -> None:
    roles = await memberships.hold_members(connection)
    if user_id not in roles:
        raise NotFound("That is no member (any more).", kept="Nothing was changed.")
    check_roles(roles[user_id], becomes)
    if roles[user_id] is Role.ADMIN and becomes is not Role.ADMIN and list(roles.values()).count(Role.ADMIN) == 1:
        raise Conflict(
            "That is the last admin.", kept="Nothing was changed.", next_step="Make another member an admin first."
        )


def _gone() -> NotFound:
    return NotFound(
        "This invitation was used, taken back, or is too old.",
        kept="Nothing was changed.",
        next_step="Ask whoever sent it for a new one.",
    )

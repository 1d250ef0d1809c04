"""Whose account an OpenID identity is of, and who gets one: no issuer's word alone takes over an account there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from steelyard.domain.access import Role
from steelyard.domain.actors import Actor, ActorKind
from steelyard.domain.errors import Conflict, Forbidden, InputError, NotFound
from steelyard.domain.openid import Claims, IdentityRow, OpenIdProvider
from steelyard.domain.people import MAX_NAME, Invited, Proof, SignedIn
from steelyard.services.members import offered
from steelyard.services.names import email_address, person_name, tenant_name
from steelyard.services.setup import Setup
from steelyard.services.sign_in import Client, SignIn, hold_proved
from steelyard.storage import identities, invitations, memberships, sessions, users
from steelyard.storage.database import Connection, Database, act_as
from steelyard.storage.tenants import known_tenants

# Who has no password to show has signed in no longer ago than that.
FRESH = timedelta(minutes=15)
_MOST_ALIKE = 100


@dataclass(frozen=True)
class Entered:
    """Who comes in, by which proof, and to which tenant; `joined` just now.

    `vouched` is the account's address, where the provider says that it is theirs.
    """

    proof: Proof
    tenant_id: UUID
    joined: bool = False
    vouched: str | None = None


@dataclass(frozen=True)
class _Place:
    """What lets a person into a tenant: an invitation, or the provider's own default."""

    tenant_id: UUID
    role: Role
    invited: Invited | None = None


class OpenIdPeople:
    """Use cases on users' identities."""

    def __init__(
        self,
        database: Database,
        setup: Setup,
        sign_in: SignIn,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._setup = setup
        self._sign_in = sign_in
        self._now = now

    async def enter(self, provider: OpenIdProvider, claims: Claims) -> Entered | None:
        """Who that is here, with an account made where the provider has a default tenant; None for somebody who belongs
        nowhere and is invited: they choose (`join_invited`).

        Raises Forbidden for whom nothing lets in, Conflict for an account that has other ways of signing in.
        """
        user_id, email = await self._known(provider, claims)
        if user_id is not None:
            user = await users.by_id(self._database, user_id)
            address = None if user is None else user.email
            vouched = email if email == address else None
            belonging = await users.tenants_of(self._database, user_id)
            if belonging:
                return Entered(_proof(user_id, claims), belonging[0].tenant_id, vouched=vouched)
            email = vouched
        if email is None:
            raise _nowhere(provider)
        waiting = await invitations.invitations_of(self._database, email, self._now())
        place = await self._default(provider, waiting)
        if place is not None:
            return await self._join(provider, claims, email, user_id, place)
        if not waiting:
            raise _nowhere(provider)
        return None

    async def join_invited(self, provider: OpenIdProvider, claims: Claims, invitation_id: UUID) -> Entered:
        """Take up an invitation of the address that the provider vouches for; who belongs somewhere just comes in.

        Raises NotFound for an invitation that is gone, Forbidden, Conflict.
        """
        user_id, email = await self._known(provider, claims)
        belonging = [] if user_id is None else await users.tenants_of(self._database, user_id)
        if user_id is not None and belonging:
            return Entered(_proof(user_id, claims), belonging[0].tenant_id)
        user = None if user_id is None else await users.by_id(self._database, user_id)
        if email is None or (user is not None and user.email != email):
            raise _nowhere(provider)
        waiting = await invitations.invitations_of(self._database, email, self._now())
        invited = offered(waiting, invitation_id)
        place = _Place(invited.tenant_id, invited.role, invited)
        return await self._join(provider, claims, email, user_id, place)

    async def _known(self, provider: OpenIdProvider, claims: Claims) -> tuple[UUID | None, str | None]:
        """The user that the identity is of, None for a newcomer, and the address that is vouched for.

        Raises Forbidden for a newcomer without such an address, Conflict for an account with other ways of signing in.
        """
        email = vouched_email(provider, claims)
        user_id = await identities.user_of(self._database, claims.issuer, claims.subject)
        if email is None and (user_id is None or provider.domains):
            raise _not_vouched(provider, claims)
        if user_id is None and email is not None:
            user = await users.by_email(self._database, email)
            if user is None:
                return None, email
            async with self._database.outside() as connection:
                await users.hold_user(connection, user.id)
                connected = await identities.connect_first(connection, user.id, claims)
            if not connected:
                raise Conflict(
                    f"There is an account of {email} here already, and {provider.name}’s word alone does not open it.",
                    kept="Nothing was changed.",
                    next_step=f"Sign in as you did before; on your account page you can then connect {provider.name}.",
                )
            user_id = user.id
        return user_id, email

    async def first_admin(self, provider: OpenIdProvider, claims: Claims, setup_hash: bytes, tenant: str) -> Entered:
        """The installation's first admin, by the setup link. Raises NotFound, Forbidden, InputError, Conflict."""
        await self._setup.check_hash(setup_hash)
        email, tenant = vouched_email(provider, claims), tenant_name(tenant)
        if email is None:
            raise _not_vouched(provider, claims)
        known = await identities.user_of(self._database, claims.issuer, claims.subject)

        async def add(connection: Connection) -> UUID:
            name, user_id = _name(claims, email), known
            if user_id is None:
                user_id = await users.add_user(connection, email, name, None)
                await identities.add_identity(connection, user_id, claims)
            await act_as(connection, Actor(ActorKind.MEMBER, name, user_id))
            return user_id

        user_id = await self._setup.begin_with(add, tenant)
        return Entered(_proof(user_id, claims), self._setup.tenant_id, joined=True)

    async def prove(self, mine: SignedIn, password: str, client: Client) -> None:
        """Before a way of signing in is added to an account: that it is its owner who asks, and no borrowed session.

        Raises InputError, TooMany; and Forbidden for one without a password who signed in long ago.
        """
        user = await users.by_id(self._database, mine.user_id)
        if user is not None and user.password_hash is not None:
            await self._sign_in.prove(user.email, password, client)
            return
        begun = await sessions.begun_at(self._database, mine.session_id)
        if begun is None or self._now() - begun > FRESH:
            raise Forbidden(
                "You signed in too long ago to add another way of signing in.",
                kept="Nothing was changed.",
                next_step="Sign out and in again, then connect it within 15 minutes.",
            )

    async def connect(self, provider: OpenIdProvider, claims: Claims, mine: SignedIn) -> None:
        """One more way of signing in for a user who has proved who they are, of their account's own address.

        An account may be of an address that nobody has shown to be theirs: one of another would outlast its owner's
        coming. Raises Conflict, Forbidden.
        """
        email = vouched_email(provider, claims)
        if email is None:
            raise _not_vouched(provider, claims)
        if email != mine.email:
            raise Forbidden(
                f"At {provider.name} you are {email}, and here {mine.email}.",
                kept="Nothing was connected.",
                next_step=f"Choose the account there that has the address {mine.email}.",
            )
        async with self._database.outside() as connection:
            await hold_proved(connection, Proof(mine.user_id, session_id=mine.session_id))
            await identities.connect(connection, mine.user_id, claims)

    async def has_password(self, user_id: UUID) -> bool:
        """Whether a user can sign in by password."""
        user = await users.by_id(self._database, user_id)
        return user is not None and user.password_hash is not None

    async def list(self, user_id: UUID) -> Sequence[IdentityRow]:
        """A user's identities, the oldest first."""
        return await identities.list_identities(self._database, user_id)

    async def disconnect(self, user_id: UUID, identity_id: UUID) -> None:
        """Raises Conflict for the last way of signing in, NotFound."""
        async with self._database.outside() as connection:
            await users.hold_user(connection, user_id)
            if await identities.disconnect(connection, user_id, identity_id):
                return
        if any(row.id == identity_id for row in await self.list(user_id)):
            raise Conflict(
                "That is your only way of signing in.",
                kept="It stays connected.",
                next_step="Set a password first, by Forgotten password on the sign-in page.",
            )
        raise NotFound("That is not connected (any more).", kept="Nothing was changed.")

    async def _join(
        self, provider: OpenIdProvider, claims: Claims, email: str, user_id: UUID | None, place: _Place
    ) -> Entered:
        """Let in who belongs nowhere yet, as a new user without `user_id`. Raises Forbidden, Conflict."""
        async with self._database.tenant(place.tenant_id) as connection:
            roles = await memberships.hold_members(connection)
            if place.invited is None and Role.ADMIN not in roles.values():
                # Whoever came first would use the setup link up and leave a tenant that nobody can manage.
                raise _nowhere(provider)
            name = await _free_name(connection, claims, email)
            if user_id is None:
                user_id = await users.add_user(connection, email, name, None)
                await identities.add_identity(connection, user_id, claims)
            else:
                await users.set_name(connection, user_id, name)
            await act_as(connection, Actor(ActorKind.MEMBER, name, user_id))
            if place.invited is not None and not await invitations.take_invitation(connection, place.invited.id):
                raise _nowhere(provider)
            await memberships.add_membership(connection, place.tenant_id, user_id, place.role)
        return Entered(_proof(user_id, claims), place.tenant_id, joined=True, vouched=email)

    async def _default(self, provider: OpenIdProvider, waiting: Sequence[Invited]) -> _Place | None:
        """The provider's default tenant, as whom it invites or the settings say; None where it has none that lets in.

        Raises Forbidden where the settings name one that there is not, unless an invitation waits.
        """
        if provider.default_tenant is None:
            return None
        named = [one for one in await known_tenants(self._database) if one.name == provider.default_tenant]
        if len(named) != 1:
            if waiting:
                return None
            raise Forbidden(
                f"{provider.name} is to let people into a tenant that there is not here, or twice.",
                next_step="Tell whoever runs this server: default_tenant of its settings needs a look.",
            )
        tenant_id = named[0].id
        for invited in waiting:
            if invited.tenant_id == tenant_id:
                return _Place(tenant_id, invited.role, invited)
        async with self._database.tenant(tenant_id) as connection:
            roles = await memberships.hold_members(connection)
        return _Place(tenant_id, provider.default_role) if Role.ADMIN in roles.values() else None


def vouched_email(provider: OpenIdProvider, claims: Claims) -> str | None:
    """The person's address, in lower case, where the provider says that it is theirs, and may say so; else None."""
    if claims.email is None or not (claims.verified or (claims.verified is None and provider.vouches)):
        return None
    # Some letters become others in lower case: an address of ASCII alone is nobody else's.
    if not claims.email.isascii():
        return None
    try:
        email = email_address(claims.email)
    except InputError:
        return None
    return email if not provider.domains or email.rpartition("@")[2] in provider.domains else None


def _proof(user_id: UUID, claims: Claims) -> Proof:
    return Proof(user_id, identity=(claims.issuer, claims.subject))


def _name(claims: Claims, email: str) -> str:
    """What the issuer calls the person, as far as it can be kept; else their address before the @."""
    for given in (claims.name or "", email.partition("@")[0], "Member"):
        name = "".join(sign for sign in " ".join(given.split()) if sign.isprintable())[: MAX_NAME - 6].strip()
        try:
            return person_name(name)
        except InputError:
            continue
    raise AssertionError("a plain word is a name")


async def _free_name(connection: Connection, claims: Claims, email: str) -> str:
    """What people say is kept under their names, so no two can be taken for each other."""
    name = _name(claims, email)
    for number in range(1, _MOST_ALIKE):
        free = name if number == 1 else f"{name} ({number})"
        if not await memberships.name_is_taken(connection, free):
            return free
    raise Conflict(f"Too many members are called {name}.", kept="Nothing was changed.")


def _not_vouched(provider: OpenIdProvider, claims: Claims) -> Forbidden:
    if claims.email is None:
        why, step = f"{provider.name} did not tell your address of e-mail.", "Allow it there, or sign in another way."
    elif not (claims.verified or (claims.verified is None and provider.vouches)):
        why = f"{provider.name} has not verified that your address of e-mail is yours."
        step = "Have it verified there, then sign in again."
    elif provider.domains:
        domains = ", ".join(provider.domains[:5])
        why, step = f"{provider.name} lets in here only addresses of {domains}.", "Use an account of such an address."
    else:
        why, step = f"The address of e-mail that {provider.name} tells cannot be used.", "Sign in another way."
    return Forbidden(why, kept="Nothing was changed.", next_step=step)


def _nowhere(provider: OpenIdProvider) -> Forbidden:
    return Forbidden(
        f"{provider.name} knows you, but you belong to no tenant here, and no invitation waits for your address.",
        kept="Nothing was changed.",
        next_step="Ask an admin to invite the address that you have there.",
    )

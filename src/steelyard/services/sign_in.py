"""Signing in by password, and the sessions that come of it and of other ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from steelyard.domain.errors import Forbidden, InputError, NotFound
from steelyard.domain.people import IDLE, LONGEST_SESSION, Belonging, Proof, SessionRow, SignedIn
from steelyard.services.passwords import Passwords
from steelyard.services.secret_tokens import hash_of, new_token
from steelyard.services.try_limits import TryLimits
from steelyard.storage import identities, sessions, users
from steelyard.storage.database import Connection, Database

MAX_DEVICE = 200


@dataclass(frozen=True)
class Client:
    """Where somebody signs in from: what the browser says of itself, and its address."""

    device: str
    address: str


@dataclass(frozen=True)
class NewSession:
    """The token is given out once and kept nowhere."""

    user_id: UUID
    token: str = field(repr=False)


class SignIn:
    """Users' sessions. A user without a password has them by other ways of signing in alone (`open`)."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        limits: TryLimits,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._limits = limits
        self._now = now

    async def by_password(self, email: str, password: str, client: Client) -> NewSession:
        """A new session. For an address without an account as much is done as for a wrong password, and said.

        Raises InputError, TooMany; and Forbidden for a user who belongs to no tenant (any more), or whose password is
        another since it was compared.
        """
        proof = await self.prove(email, password, client)
        belonging = await users.tenants_of(self._database, proof.user_id)
        if not belonging:
            raise Forbidden("Your account belongs to no tenant.", next_step="Ask an admin of one to invite you.")
        return await self.open(proof, belonging[0].tenant_id, client)

    async def prove(self, email: str, password: str, client: Client) -> Proof:
        """Whose password that is. Raises InputError, TooMany."""
        email = email.strip().lower()
        await self._limits.take(email, client.address)
        user = await users.by_email(self._database, email)
        known = None if user is None else user.password_hash
        fit = await self._passwords.fits(password, known)
        if user is None or known is None or not fit.right:
            raise InputError("That address and password do not belong together.", field="password")
        await self._limits.succeeded(email, client.address)
        # What is kept by now may be another password's: this one's is never written over it.
        if fit.renewed is not None and await users.renew_hash(self._database, user.id, known, fit.renewed):
            known = fit.renewed
        return Proof(user.id, password_hash=known)

    async def open(self, proof: Proof, tenant_id: UUID, client: Client) -> NewSession:
        """A session for whoever has proved who they are. Its token is new: one that was there before is not taken.

        Raises Forbidden where the proof holds no more: the password was changed, the identity or session is gone.
        """
        token, now = new_token(), self._now()
        await sessions.drop_ended(self._database, now)
        async with self._database.outside() as connection:
            await hold_proved(connection, proof)
            await sessions.add_session(
                connection,
                hash_of(token),
                proof.user_id,
                tenant_id,
                device=client.device[:MAX_DEVICE],
                address=client.address,
                now=now,
                expires_at=now + LONGEST_SESSION,
            )
        return NewSession(proof.user_id, token)

    async def find(self, token: str) -> SignedIn | None:
        """Who has that token; None where it is of no session that goes on."""
        return await sessions.find_session(self._database, hash_of(token), self._now(), IDLE)

    async def sessions(self, user_id: UUID) -> Sequence[SessionRow]:
        """A user's sessions that go on, the last used first."""
        return await sessions.list_sessions(self._database, user_id, self._now(), IDLE)

    async def end(self, user_id: UUID, session_id: UUID) -> None:
        """End one of the user's sessions. Raises NotFound."""
        if not await sessions.end_session(self._database, user_id, session_id):
            raise NotFound("That session has ended already.", kept="Nothing was changed.")

    async def end_all(self, user_id: UUID, *, but: UUID | None = None) -> int:
        """End all of a user's sessions, but that one; returns how many."""
        return await sessions.end_sessions(self._database, user_id, but=but)

    async def tenants(self, user_id: UUID) -> Sequence[Belonging]:
        """The tenants a user belongs to, by name."""
        return await users.tenants_of(self._database, user_id)

    async def switch(self, signed_in: SignedIn, tenant_id: UUID) -> None:
        """Go on in another tenant. Raises NotFound where the user does not belong to it."""
        if all(one.tenant_id != tenant_id for one in await self.tenants(signed_in.user_id)):
            raise NotFound("You belong to no such tenant.", kept="Nothing was changed.")
        await sessions.move_session(self._database, signed_in.session_id, tenant_id)


async def hold_proved(connection: Connection, proof: Proof) -> None:
    """Hold the user, whose proof holds then until the transaction ends. Raises Forbidden where it does not."""
    user = await users.hold_user(connection, proof.user_id)
    # Asked once the user is held: what was under way as this waited has ended.
    if user is None:
        holds = False
    elif proof.identity is not None:
        holds = await identities.is_identity(connection, user.id, *proof.identity)
    elif proof.session_id is not None:
        holds = await sessions.is_session(connection, user.id, proof.session_id)
    else:
        holds = proof.password_hash is not None and proof.password_hash == user.password_hash
    if not holds:
        raise Forbidden(
            "The way you signed in by was changed or taken away at this moment.",
            kept="You are not signed in by it.",
            next_step="Sign in again.",
        )

"""The way to an OpenID provider and back: what is noted meanwhile, and what is asked of whoever comes back."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from steelyard.domain.errors import Forbidden, IssuerFailed, NotFound
from steelyard.domain.openid import ARRIVAL_LASTS, BEGUN_LASTS, Arrival, Begun, OpenIdProvider
from steelyard.domain.people import SignedIn
from steelyard.openid.issuer import Arrived, Issuer, refusal
from steelyard.services.secret_tokens import hash_of, new_token
from steelyard.services.sign_in import NewSession
from steelyard.services.try_limits import TryLimits
from steelyard.storage import openid_begun
from steelyard.storage.database import Database

_LOG = logging.getLogger("steelyard.openid")

# For all that an issuer is asked for one sign-in, in seconds.
WITHIN_S = 20.0
# RFC 7636, 4.1: 43 to 128 signs.
_VERIFIER_BYTES = 48


@dataclass(frozen=True)
class Sent:
    """Where the browser goes, and what it has to bring back, which is kept nowhere."""

    address: str
    browser_token: str = field(repr=False)


@dataclass(frozen=True)
class Answered:
    """What an issuer's answer carries in its address; blank for what it does not."""

    state: str = field(repr=False)
    code: str = field(repr=False)
    error: str = ""
    error_description: str = ""
    issuer: str | None = None


class OpenId:
    """Sends people to the issuers of the settings, and takes them back."""

    def __init__(
        self,
        database: Database,
        providers: Sequence[OpenIdProvider],
        limits: TryLimits,
        *,
        make: Callable[[OpenIdProvider], Issuer] = Issuer,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._issuers = {provider.id: make(provider) for provider in providers}
        self._limits = limits
        self._now = now

    def provider(self, name: str) -> OpenIdProvider:
        """The provider of that id. Raises NotFound."""
        return self._issuer(name).provider

    async def begin(self, begun: Begun, *, site: str, client_address: str) -> Sent:
        """Note that somebody goes to the provider that `begun` names; its nonce and verifier are made here.

        Raises NotFound, TooMany, IssuerFailed.
        """
        issuer = self._issuer(begun.provider)
        await self._limits.take(client_address, client_address)
        state, browser_token = new_token(), new_token()
        begun = replace(begun, nonce=new_token(), verifier=secrets.token_urlsafe(_VERIFIER_BYTES))
        async with _noted(begun.provider):
            address = await issuer.address(
                redirect_uri=callback(site, begun.provider), state=state, nonce=begun.nonce, verifier=begun.verifier
            )
        now = self._now()
        await openid_begun.add_begun(
            self._database, hash_of(state), hash_of(browser_token), begun, now=now, expires_at=now + BEGUN_LASTS
        )
        return Sent(address, browser_token)

    async def finish(
        self, name: str, answered: Answered, *, browser_token: str, site: str, client_address: str
    ) -> tuple[Begun, Arrived]:
        """Who came back, and what for. Works once, in the browser that was sent, for ten minutes.

        Raises NotFound, Forbidden for whoever was not sent from here, IssuerFailed.
        """
        issuer = self._issuer(name)
        begun = await openid_begun.take_begun(
            self._database, hash_of(answered.state), hash_of(browser_token), name, self._now()
        )
        # Before any word of the answer is shown: anybody can make an address with words in it.
        if begun is None:
            raise Forbidden(
                "This sign-in was begun in another browser, is used up, or was begun more than ten minutes ago.",
                kept="Nothing was changed.",
                next_step="Begin again. Cookies of this address must be allowed.",
            )
        async with _noted(name):
            await issuer.check_sender(answered.issuer)
            if answered.error or not answered.code:
                raise IssuerFailed(
                    f"The sign-in provider did not let you in: {refusal(answered.error, answered.error_description)}.",
                    next_step="Begin again, or sign in another way.",
                )
            arrived = await issuer.arrived(
                code=answered.code, redirect_uri=callback(site, name), verifier=begun.verifier, nonce=begun.nonce
            )
        await self._limits.succeeded(client_address, client_address)
        return begun, arrived

    async def note_origin(self, session: NewSession, name: str, id_token: str, *, vouched: bool) -> None:
        """Keep what the session came of, so that its end can be told to the issuer.

        `vouched`: the issuer said that the account's address is theirs.
        """
        await openid_begun.set_origin(self._database, hash_of(session.token), name, id_token, vouched=vouched)

    async def vouched(self, mine: SignedIn) -> bool:
        """Whether the session came by an issuer that said the account's address to be theirs."""
        return await openid_begun.is_vouched(self._database, mine.session_id)

    async def note_arrival(self, name: str, arrived: Arrived) -> str:
        """Keep what was said of somebody who belongs nowhere, while they choose; the token is kept nowhere."""
        token, now = new_token(), self._now()
        arrival = Arrival(name, arrived.claims, arrived.id_token)
        await openid_begun.add_arrival(self._database, hash_of(token), arrival, now=now, expires_at=now + ARRIVAL_LASTS)
        return token

    async def arrival(self, token: str) -> Arrival | None:
        """What was kept under that token, of a provider that there still is."""
        found = await openid_begun.find_arrival(self._database, hash_of(token), self._now())
        return found if found is not None and found.provider in self._issuers else None

    async def forget_arrival(self, token: str) -> None:
        """They have chosen."""
        await openid_begun.drop_arrival(self._database, hash_of(token))

    async def leaving(self, mine: SignedIn, *, site: str) -> str | None:
        """Where to end the issuer's session too; None where the session came by another way, or there is no such place.

        An issuer that does not answer keeps nobody signed in here.
        """
        origin = await openid_begun.origin_of(self._database, mine.session_id)
        if origin is None or origin.provider not in self._issuers:
            return None
        try:
            async with _noted(origin.provider):
                return await self._issuers[origin.provider].leaving(origin.id_token, f"{site}/sign-in")
        except IssuerFailed:
            return None

    def _issuer(self, name: str) -> Issuer:
        if name not in self._issuers:
            raise NotFound("There is no such sign-in provider here.")
        return self._issuers[name]


def callback(site: str, name: str) -> str:
    """Where an issuer sends people back to; it has to be told beforehand."""
    return f"{site}/sign-in/oidc/{name}/callback"


@asynccontextmanager
async def _noted(name: str) -> AsyncGenerator[None]:
    """Bounds what an issuer is asked in time, and has the log tell why it failed."""
    try:
        async with asyncio.timeout(WITHIN_S):
            yield
    except TimeoutError:
        _LOG.warning("Signing in by %s failed: it took longer than %g s.", name, WITHIN_S)
        raise IssuerFailed(
            f"The sign-in provider did not let you in: it took longer than {WITHIN_S:g} s.",
            next_step="Try again in a minute.",
        ) from None
    except IssuerFailed as error:
        _LOG.warning("Signing in by %s failed: %s", name, error.message)
        raise

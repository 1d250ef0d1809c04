"""One issuer as its client uses it: sending people there, and learning who came back."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote_plus, urlencode, urlsplit

from authlib.oauth2 import rfc7636  # pyright: ignore[reportMissingTypeStubs]
from joserfc.jwk import KeySet

from steelyard.domain.errors import IssuerFailed
from steelyard.domain.openid import Claims, OpenIdProvider
from steelyard.openid.http import Ask, ask
from steelyard.openid.id_token import UnknownKey, check_id_token, read_keys
from steelyard.openid.metadata import Metadata, read_metadata, well_known

# For so long, in seconds, an issuer is taken to be as it said it was.
KEPT_S = 3_600.0
# Of what an issuer says in refusing.
_LONGEST = 300


@dataclass(frozen=True)
class Arrived:
    """Who came back, and the token that says so: an issuer wants to see it again when they sign out."""

    claims: Claims
    id_token: str = field(repr=False)


class Issuer:
    """Keeps what the issuer says of itself for an hour, and its keys until it signs by others."""

    def __init__(
        self,
        provider: OpenIdProvider,
        *,
        ask: Ask = ask,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.provider = provider
        self._ask = ask
        self._clock = clock
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: KeySet | None = None
        self._asking = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """What the issuer says of itself. Raises IssuerFailed."""
        async with self._asking:
            if self._metadata is None or not 0 <= self._clock() - self._metadata[0] < KEPT_S:
                answer = await self._ask(well_known(self.provider.issuer))
                if answer.status != 200:
                    raise _failed(f"it answered HTTP {answer.status} where it should say what it is")
                self._metadata = (self._clock(), read_metadata(self.provider.issuer, answer.body))
                self._keys = None
            return self._metadata[1]

    async def address(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where to send a browser for a code that only who has `verifier` can use (PKCE). Raises IssuerFailed."""
        query = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.provider.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        return _with(query, (await self.metadata()).authorization)

    async def check_sender(self, told: str | None) -> None:
        """Raises IssuerFailed where the answer names another issuer, or none and this one names itself (RFC 9207)."""
        wanted = (await self.metadata()).tells_issuer
        if told != self.provider.issuer and (wanted or told is not None):
            raise _failed("the answer is another provider's")

    async def arrived(self, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> Arrived:
        """Who a code is of. Raises IssuerFailed."""
        metadata = await self.metadata()
        tokens = await self._tokens(metadata, code, redirect_uri, verifier)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise _failed("it gave no ID token")
        claims = await self._checked(metadata, id_token, nonce, access_token if isinstance(access_token, str) else None)
        told = claims
        if claims.get("email") is None and metadata.userinfo is not None and isinstance(access_token, str):
            told = await self._userinfo(metadata.userinfo, access_token, claims["sub"])
        return Arrived(_claims(self.provider.issuer, claims["sub"], told), id_token)

    async def leaving(self, id_token: str, redirect_uri: str) -> str | None:
        """Where to send a browser to sign out there too; None where there is no such place. Raises IssuerFailed."""
        metadata = await self.metadata()
        if metadata.end_session is None:
            return None
        query = {
            "id_token_hint": id_token,
            "client_id": self.provider.client_id,
            "post_logout_redirect_uri": redirect_uri,
        }
        return _with(query, metadata.end_session)

    async def _tokens(self, metadata: Metadata, code: str, redirect_uri: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        identity, secret = self.provider.client_id, self.provider.client_secret
        if secret is None or metadata.secret_in_body:
            form |= {"client_id": identity} | ({} if secret is None else {"client_secret": secret})
        else:
            # Each in the encoding of forms first (RFC 6749, 2.3.1).
            pair = f"{quote_plus(identity)}:{quote_plus(secret)}"
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        answer = await self._ask(metadata.token, form=urlencode(form), headers=headers)
        if answer.status != 200:
            raise _failed(refusal(answer.body.get("error"), answer.body.get("error_description")))
        return answer.body

    async def _checked(
        self, metadata: Metadata, id_token: str, nonce: str, access_token: str | None
    ) -> Mapping[str, Any]:
        def check(keys: KeySet) -> Mapping[str, Any]:
            return check_id_token(
                id_token,
                keys,
                issuer=self.provider.issuer,
                client_id=self.provider.client_id,
                nonce=nonce,
                access_token=access_token,
                algorithms=metadata.algorithms,
                now_s=int(self._clock()),
            )

        if self._keys is not None:
            try:
                return check(self._keys)
            except UnknownKey:
                # It may sign by a new one since. Nobody but the issuer makes us ask: tokens come from it alone.
                self._keys = None
        answer = await self._ask(metadata.keys)
        if answer.status != 200:
            raise _failed(f"it answered HTTP {answer.status} where its keys should be")
        self._keys = read_keys(answer.body)
        return check(self._keys)

    async def _userinfo(self, address: str, access_token: str, subject: str) -> Mapping[str, Any]:
        """What the token does not tell. It has to be of the same person (Core 1.0, 5.3.2)."""
        answer = await self._ask(address, headers={"authorization": f"Bearer {access_token}"})
        if answer.status != 200 or answer.body.get("sub") != subject:
            raise _failed("it does not tell who signed in")
        return answer.body


def refusal(error: object, description: object) -> str:
    """An issuer's refusal in its own words, which are a stranger's."""
    said = next((text for text in (description, error) if isinstance(text, str) and text.strip()), "no reason given")
    return f"it refused: {' '.join(said.split()).rstrip('.')[:_LONGEST]}"


def _claims(issuer: str, subject: str, told: Mapping[str, Any]) -> Claims:
    email, verified = told.get("email"), told.get("email_verified")
    names = (told.get("name"), told.get("preferred_username"))
    return Claims(
        issuer,
        subject,
        email if isinstance(email, str) and email else None,
        # Words are no yes: what one issuer calls "true" another may have let its users write.
        verified is True if verified is not None else None,
        next((name for name in names if isinstance(name, str) and name.strip()), None),
    )


def _challenge(verifier: str) -> str:
    return cast(Callable[[str], str], rfc7636.create_s256_code_challenge)(verifier)  # pyright: ignore[reportUnknownMemberType]


def _with(query: Mapping[str, str], address: str) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"


def _failed(why: str) -> IssuerFailed:
    return IssuerFailed(
        f"The sign-in provider did not let you in: {why}.",
        next_step="Begin again. If it stays, tell whoever runs this server.",
    )

"""What an ID token must be before a word of it is believed (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from authlib.oidc.core import CodeIDToken  # pyright: ignore[reportMissingTypeStubs]
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry

from steelyard.domain.errors import IssuerFailed

# Signatures by a private key alone: whoever knows what everybody knows, or the client's secret, can make the others.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
# How far clocks may be apart, in seconds.
LEEWAY_S = 60
_LONGEST = 65_536
_LONGEST_SUBJECT = 255


class UnknownKey(IssuerFailed):
    """The token names a key that is not among those given: the issuer may have others by now."""


def read_keys(told: Mapping[str, Any]) -> KeySet:
    """The keys of a JWK Set that can check signatures; others are left out. Raises IssuerFailed where none is left."""
    given = told.get("keys")
    keys: list[Key] = []
    for one in cast(list[object], given)[:100] if isinstance(given, list) else []:
        if not isinstance(one, dict):
            continue
        data = cast(dict[str, Any], one)
        if data.get("kty") not in ("RSA", "EC", "OKP") or data.get("use", "sig") != "sig":
            continue
        try:
            keys.append(JWKRegistry.import_key(data))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    if not keys:
        raise _refused("it has no keys that its tokens could be checked by")
    return KeySet(keys)


def check_id_token(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None,
    algorithms: Sequence[str],
    now_s: int,
) -> Mapping[str, Any]:
    """The claims of a token that is the issuer's, for this client, of now, and the answer to this very request.

    Raises UnknownKey where other keys may help, IssuerFailed for what no key helps.
    """
    if len(token) > _LONGEST:
        raise _refused("its ID token is too long")
    try:
        # Whether a header is known is left to the issuer, but those it calls critical must be.
        registry = JWSRegistry(
            algorithms=[name for name in algorithms if name in ALGORITHMS], strict_check_header=False
        )
        decoded = jwt.decode(token, keys, registry=registry)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
            {"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        cast(Any, claims).validate(now=now_s, leeway=LEEWAY_S)
    except InvalidKeyIdError as error:
        raise UnknownKey(
            _SAID.format("its ID token is signed by a key that it does not show"), next_step=_NEXT
        ) from error
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _refused(f"its ID token does not hold ({_word(error)})") from error
    subject = decoded.claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or "\x00" in subject:
        raise _refused("its ID token does not hold (sub)")
    return decoded.claims


_SAID = "The sign-in provider cannot be trusted: {}."
_NEXT = "Begin again. If it stays, tell whoever runs this server."


def _word(error: Exception) -> str:
    """What is wrong, in the library's few words: of a claim its name alone."""
    claim = getattr(error, "claim", None)
    return str(claim) if claim else str(getattr(error, "error", "malformed")).replace("_", " ")


def _refused(why: str) -> IssuerFailed:
    return IssuerFailed(_SAID.format(why), next_step=_NEXT)

"""What an issuer says of itself (OpenID Connect Discovery 1.0), as far as it is used and trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from steelyard.domain.errors import IssuerFailed
from steelyard.domain.openid import is_trusted_address
from steelyard.openid.id_token import ALGORITHMS


@dataclass(frozen=True)
class Metadata:
    """Addresses of an issuer, and what it can do. `algorithms` are those it signs with that are accepted here."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    end_session: str | None
    algorithms: tuple[str, ...]
    secret_in_body: bool
    tells_issuer: bool


def well_known(issuer: str) -> str:
    """Where an issuer says it (Discovery 1.0, 4)."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def read_metadata(issuer: str, told: Mapping[str, Any]) -> Metadata:
    """The document of `issuer`, which has to call itself by that very name. Raises IssuerFailed."""
    if told.get("issuer") != issuer:
        raise _unfit("it calls itself by another name than the issuer of the settings")
    algorithms = _texts(told, "id_token_signing_alg_values_supported") or ["RS256"]
    accepted = tuple(name for name in algorithms if name in ALGORITHMS)
    if not accepted:
        raise _unfit("it signs with no algorithm that is accepted")
    methods = _texts(told, "token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Metadata(
        _needed(told, "authorization_endpoint"),
        _needed(told, "token_endpoint"),
        _needed(told, "jwks_uri"),
        _address(told, "userinfo_endpoint"),
        _address(told, "end_session_endpoint"),
        accepted,
        secret_in_body="client_secret_basic" not in methods and "client_secret_post" in methods,
        tells_issuer=told.get("authorization_response_iss_parameter_supported") is True,
    )


def _needed(told: Mapping[str, Any], name: str) -> str:
    found = _address(told, name)
    if found is None:
        raise _unfit(f"it has no {name}")
    return found


def _address(told: Mapping[str, Any], name: str) -> str | None:
    found = told.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not is_trusted_address(found):
        raise _unfit(f"its {name} is no address with https")
    return found


def _texts(told: Mapping[str, Any], name: str) -> Sequence[str]:
    found = told.get(name)
    return [one for one in cast(list[object], found) if isinstance(one, str)] if isinstance(found, list) else []


def _unfit(why: str) -> IssuerFailed:
    return IssuerFailed(
        f"The sign-in provider cannot be used: {why}.",
        next_step="Tell whoever runs this server: its settings need a look.",
    )

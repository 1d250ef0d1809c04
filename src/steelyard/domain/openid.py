"""Signing in by OpenID Connect: the issuers that are trusted, and what one says of a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from steelyard.domain.access import Role

BEGUN_LASTS = timedelta(minutes=10)
ARRIVAL_LASTS = timedelta(minutes=30)
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST = 2_000


@dataclass(frozen=True)
class OpenIdProvider:
    """One issuer, as the operator has it in the settings. `id` stands in addresses, `name` on pages.

    With `domains` it lets in nobody whose address is not of one of them. `vouches`: each address it tells is the
    person's own, where it does not say itself whether that was verified. Who is invited nowhere becomes a member of
    `default_tenant`, a tenant's name, as `default_role`; None: they are refused.
    """

    id: str
    name: str
    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    domains: tuple[str, ...] = ()
    vouches: bool = False
    default_tenant: str | None = None
    default_role: Role = Role.VIEWER


@dataclass(frozen=True)
class Claims:
    """What an issuer says of whoever signed in there; `verified` None where it does not say."""

    issuer: str
    subject: str
    email: str | None = None
    verified: bool | None = None
    name: str | None = None


@dataclass(frozen=True)
class Begun:
    """What was noted as somebody was sent to an issuer.

    `setup_hash` is of the setup link they came by, and `tenant_name` what its tenant is to be called; `session_id` is
    of the session in which they connect the issuer to their account.
    """

    provider: str
    nonce: str = field(default="", repr=False)
    verifier: str = field(default="", repr=False)
    leads: str = ""
    setup_hash: bytes | None = field(default=None, repr=False)
    tenant_name: str = ""
    session_id: UUID | None = None


@dataclass(frozen=True)
class Arrival:
    """Who came back from a provider and belongs nowhere, while they choose among invitations."""

    provider: str
    claims: Claims
    id_token: str = field(repr=False)


@dataclass(frozen=True)
class IdentityRow:
    """A way of signing in that a user has."""

    id: UUID
    issuer: str
    email: str


def is_trusted_address(url: str) -> bool:
    """Whether secrets may travel there: by TLS, or within this machine."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if len(url) > _LONGEST or not url.isascii() or any(sign <= " " or sign in "\x7f\\\"'<>" for sign in url):
        return False
    if parts.username is not None or parts.password is not None or parts.fragment or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)

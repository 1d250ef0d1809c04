"""Users, their membership of tenants, and how long what lets them in lasts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from steelyard.domain.access import Role

IDLE = timedelta(days=7)
LONGEST_SESSION = timedelta(days=30)
INVITATION_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=1)
SETUP_LASTS = timedelta(hours=24)
MAX_NAME = 80


@dataclass(frozen=True)
class SignedIn:
    """A user with a session, in the tenant it is for at present; `tenants` is how many they belong to."""

    session_id: UUID
    user_id: UUID
    name: str
    email: str
    tenant_id: UUID
    tenant_name: str
    role: Role
    tenants: int


@dataclass(frozen=True)
class User:
    """A user; without a `password_hash`, one that cannot sign in by password."""

    id: UUID
    email: str
    name: str
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Proof:
    """By what somebody has shown to be a user, which has to hold still as a session is begun for it: one of the three.

    The hash that a password was compared with, the issuer and subject of an identity, or a session there is.
    """

    user_id: UUID
    password_hash: str | None = field(default=None, repr=False)
    identity: tuple[str, str] | None = None
    session_id: UUID | None = None


@dataclass(frozen=True)
class Belonging:
    """One tenant of a user."""

    tenant_id: UUID
    name: str
    role: Role


@dataclass(frozen=True)
class MemberRow:
    """One member of the current tenant; `seen_at` is when they last had a session here, None for never or long ago."""

    user_id: UUID
    email: str
    name: str
    role: Role
    joined_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True)
class SessionRow:
    """A session as its user sees it; `device` is what the browser says of itself."""

    id: UUID
    tenant_name: str
    device: str
    address: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True)
class Invitation:
    """An invitation that waits."""

    id: UUID
    email: str
    role: Role
    invited_by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Invited:
    """What an invitation's token leads to."""

    tenant_id: UUID
    tenant_name: str
    id: UUID
    email: str
    role: Role
    invited_by: str
    expires_at: datetime


@dataclass(frozen=True)
class KnownTenant:
    """A tenant as the operator sees it."""

    id: UUID
    name: str
    created_at: datetime
    members: int

"""Who was sent to an OpenID provider and is not back yet; and what a session that came of it shows there as it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from steelyard.domain.openid import Arrival, Begun, Claims
from steelyard.storage.database import Database, clean


@dataclass(frozen=True)
class Origin:
    """The provider that a session came by, and the token that said so."""

    provider: str
    id_token: str = field(repr=False)


async def add_begun(
    database: Database, state_hash: bytes, browser_hash: bytes, begun: Begun, *, now: datetime, expires_at: datetime
) -> None:
    """Note it; what is too old goes."""
    await database.ask("DELETE FROM openid_begun WHERE expires_at < %s", (now,))
    await database.ask(
        """INSERT INTO openid_begun (state_hash, browser_hash, provider, nonce, verifier, leads, setup_hash,
                                     tenant_name, session_id, expires_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            state_hash,
            browser_hash,
            begun.provider,
            begun.nonce,
            begun.verifier,
            clean(begun.leads),
            begun.setup_hash,
            clean(begun.tenant_name),
            begun.session_id,
            expires_at,
        ),
    )


async def take_begun(
    database: Database, state_hash: bytes, browser_hash: bytes, provider: str, now: datetime
) -> Begun | None:
    """What was noted for that browser, and is noted no more: of two that come with it one alone has it."""
    rows = await database.ask(
        """DELETE FROM openid_begun
            WHERE state_hash = %s AND browser_hash = %s AND provider = %s AND expires_at > %s
           RETURNING provider, nonce, verifier, leads, setup_hash, tenant_name, session_id""",
        (state_hash, browser_hash, provider, now),
    )
    return Begun(**rows[0]) if rows else None


async def add_arrival(
    database: Database, token_hash: bytes, arrival: Arrival, *, now: datetime, expires_at: datetime
) -> None:
    """Note it; what is too old goes."""
    await database.ask("DELETE FROM openid_arrivals WHERE expires_at < %s", (now,))
    said = arrival.claims
    texts = [None if text is None else clean(text) for text in (said.issuer, said.subject, said.email, said.name)]
    await database.ask(
        """INSERT INTO openid_arrivals (token_hash, provider, issuer, subject, email, name, verified, id_token,
                                        expires_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (token_hash, arrival.provider, *texts, said.verified, clean(arrival.id_token), expires_at),
    )


async def find_arrival(database: Database, token_hash: bytes, now: datetime) -> Arrival | None:
    """What was noted under that token, while it is good."""
    rows = await database.ask(
        """SELECT provider, issuer, subject, email, verified, name, id_token FROM openid_arrivals
            WHERE token_hash = %s AND expires_at > %s""",
        (token_hash, now),
    )
    if not rows:
        return None
    provider, id_token = rows[0].pop("provider"), rows[0].pop("id_token")
    return Arrival(provider, Claims(**rows[0]), id_token)


async def drop_arrival(database: Database, token_hash: bytes) -> None:
    """They have chosen."""
    await database.ask("DELETE FROM openid_arrivals WHERE token_hash = %s", (token_hash,))


async def set_origin(
    database: Database, token_hash: bytes, provider: str, id_token: str, *, vouched: bool = False
) -> None:
    """Note what the session of that token came of; `vouched`: the issuer said that the account's address is theirs."""
    await database.ask(
        """INSERT INTO openid_sessions (session_id, provider, id_token, vouched)
           SELECT id, %s, %s, %s FROM sessions WHERE token_hash = %s""",
        (provider, clean(id_token), vouched, token_hash),
    )


async def is_vouched(database: Database, session_id: UUID) -> bool:
    """Whether the issuer that the session came by said that the account's address is theirs."""
    rows = await database.ask("SELECT vouched FROM openid_sessions WHERE session_id = %s", (session_id,))
    return bool(rows and rows[0]["vouched"])


async def origin_of(database: Database, session_id: UUID) -> Origin | None:
    """What a session came of; None for one by password."""
    rows = await database.ask("SELECT provider, id_token FROM openid_sessions WHERE session_id = %s", (session_id,))
    return Origin(**rows[0]) if rows else None

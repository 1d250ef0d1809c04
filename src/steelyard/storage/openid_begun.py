"""Who was sent to an OpenID provider and is not back yet; and what a session that came of it shows there as it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from steelyard.domain.openid import Begun
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


async def set_origin(database: Database, token_hash: bytes, provider: str, id_token: str) -> None:
    """Note what the session of that token came of."""
    await database.ask(
        """INSERT INTO openid_sessions (session_id, provider, id_token)
           SELECT id, %s, %s FROM sessions WHERE token_hash = %s""",
        (provider, clean(id_token), token_hash),
    )


async def origin_of(database: Database, session_id: UUID) -> Origin | None:
    """What a session came of; None for one by password."""
    rows = await database.ask("SELECT provider, id_token FROM openid_sessions WHERE session_id = %s", (session_id,))
    return Origin(**rows[0]) if rows else None

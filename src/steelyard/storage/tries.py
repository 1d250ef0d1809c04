"""How often something was tried under a key, counted over all processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from steelyard.storage.database import Database


@dataclass(frozen=True)
class Tries:
    """Tries so far, this one among them, and when counting begins anew."""

    key: str
    tries: int
    ends_at: datetime


async def count_try(database: Database, keys: Sequence[str], now: datetime, within: timedelta) -> list[Tries]:
    """Count one more under each key; the first of a while begins it. Of several at once each sees another count."""
    rows = await database.ask(
        """INSERT INTO tries AS old (key, tries, ends_at) SELECT key, 1, %(end)s FROM unnest(%(keys)s::text[]) AS key
             ORDER BY key
           ON CONFLICT (key) DO UPDATE
              SET tries = CASE WHEN old.ends_at <= %(now)s THEN 1 ELSE old.tries + 1 END,
                  ends_at = CASE WHEN old.ends_at <= %(now)s THEN EXCLUDED.ends_at ELSE old.ends_at END
           RETURNING key, tries, ends_at""",
        {"keys": list(keys), "now": now, "end": now + within},
    )
    return [Tries(**row) for row in rows]


async def take_back(database: Database, key: str) -> None:
    """One try less: it was none to be counted."""
    await database.ask("UPDATE tries SET tries = greatest(tries - 1, 0) WHERE key = %s", (key,))


async def forget(database: Database, key: str) -> None:
    """Begin anew, and let go of all that is over."""
    await database.ask("DELETE FROM tries WHERE key = %s OR ends_at < now() - interval '1 day'", (key,))

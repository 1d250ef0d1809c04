"""Making, listing and revoking API keys, and finding out whose one is."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from steelyard.domain.access import Scope
from steelyard.domain.api_keys import KEY, SECRET_BYTES, ApiKey, key_text
from steelyard.domain.errors import Conflict, InputError, NotFound
from steelyard.services.handing_on import check_handed_on, hold_acting_key
from steelyard.services.names import check_not_ours
from steelyard.services.tokens import read_place, write_place
from steelyard.storage import api_keys, memberships
from steelyard.storage.api_keys import FoundKey
from steelyard.storage.database import Database
from steelyard.storage.once import bind

# What is suggested where nothing is said: long enough not to be in the way, and not for ever.
USUAL_DAYS = 365
MOST_DAYS = 3_650
MOST_USABLE = 200
MOST_A_MINUTE = 1_000_000
_LISTED = 400
LONGEST_NAME = 100
_DAYS = re.compile(r"(\d{1,4})\s*(d|days?)?\Z", re.ASCII)


@dataclass(frozen=True)
class MadeKey:
    """A key just made. `text` is all there will ever be of its secret."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    text: str = field(repr=False)


class ApiKeys:
    """The keys of one tenant at a time."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def make(
        self,
        tenant_id: UUID,
        name: str,
        scopes: Sequence[str],
        *,
        expires: str = f"{USUAL_DAYS}d",
        a_minute: str = "",
    ) -> MadeKey:
        """A new key. `expires` is days, as "90d", or "never"; `a_minute` requests a minute, blank for the usual.

        Raises InputError with the field, Conflict where the tenant has as many keys as it may, Forbidden where a key
        makes one beyond itself.
        """
        called = " ".join(name.split())
        if not 1 <= len(called) <= LONGEST_NAME:
            raise InputError(f"A key has a name of 1 to {LONGEST_NAME} characters: what uses it.", field="name")
        check_not_ours(called)
        chosen = _scopes(scopes)
        expires_at = self._expiry(expires)
        limit = _limit(a_minute)
        key_id, secret = uuid4(), secrets.token_bytes(SECRET_BYTES)
        text = key_text(key_id, secret)
        async with self._database.tenant(tenant_id) as connection:
            check_handed_on(await hold_acting_key(connection), chosen, expires_at)
            await memberships.hold_members(connection)
            if await memberships.name_is_taken(connection, called, keys=False):
                raise InputError(
                    f"A member is called {called}, or nearly so.",
                    field="name",
                    kept="Nothing was changed.",
                    next_step="Name the key by what uses it.",
                )
            if await api_keys.count_usable(connection) >= MOST_USABLE:
                raise Conflict(
                    f"There are {MOST_USABLE} keys that can be used.", next_step="Revoke those that nothing uses."
                )
            await api_keys.insert_key(
                connection,
                tenant_id,
                key_id,
                name=called,
                scopes=chosen,
                secret_hash=hash_of(text),
                a_minute=limit,
                expires_at=expires_at,
            )
            await bind(connection, key_id)
        return MadeKey(key_id, called, chosen, expires_at, text)

    async def listed(self, tenant_id: UUID) -> list[ApiKey]:
        """Those that can be used first, then those that no longer can, the newest of each first."""
        async with self._database.tenant(tenant_id) as connection:
            return await api_keys.list_keys(connection, _LISTED)

    async def after(
        self, tenant_id: UUID, *, after: str | None = None, limit: int = 50
    ) -> tuple[Sequence[ApiKey], str | None]:
        """At most `limit`, the newest first, and the token of the older ones. Raises InputError."""
        place = None if after is None else read_place(after)
        async with self._database.tenant(tenant_id) as connection:
            found = await api_keys.keys_before(connection, limit + 1, place)
        shown = found[:limit]
        return shown, write_place(shown[-1].created_at, shown[-1].id) if len(found) > limit else None

    async def get(self, tenant_id: UUID, key_id: UUID) -> ApiKey:
        """The key of that id, whether it can be used or not. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            found = await api_keys.key_by_id(connection, key_id)
        if found is None:
            raise _no_such_key()
        return found

    async def find(self, tenant_id: UUID, ref: str) -> ApiKey:
        """The one key that can be used and has this name, or begins or is identified so. Raises NotFound, Conflict."""
        match = KEY.fullmatch(ref)
        wanted = f"sy_{match[1]}" if match else ref
        keys = [key for key in await self.listed(tenant_id) if key.usable(self._now())]
        found = [key for key in keys if wanted in (key.name, key.start, str(key.id))]
        if not found:
            raise NotFound("No key that can be used has this name.", next_step="`steelyard keys list` lists them.")
        if len(found) > 1:
            raise Conflict(
                f"{len(found)} keys have this name.", next_step="Say which by how it begins: `steelyard keys list`."
            )
        return found[0]

    async def revoke(self, tenant_id: UUID, key_id: UUID) -> None:
        """From now on it is no key. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            if not await api_keys.revoke_key(connection, key_id):
                raise _no_such_key()

    async def look_up(self, text: str) -> FoundKey | None:
        """Whose key this is and whether it can be used; None for what is no key of anybody."""
        return await api_keys.key_by_hash(self._database, hash_of(text)) if KEY.fullmatch(text) else None

    async def note_use(self, tenant_id: UUID, key_id: UUID) -> None:
        """It was used now."""
        async with self._database.tenant(tenant_id) as connection:
            await api_keys.note_use(connection, key_id)

    def _expiry(self, text: str) -> datetime | None:
        said = text.strip().lower()
        if said == "never":
            return None
        match = _DAYS.match(said)
        days = int(match[1]) if match else 0
        if not 1 <= days <= MOST_DAYS:
            raise InputError(
                "When it expires cannot be read.",
                field="expires",
                next_step=f"Say after how many days, 1 to {MOST_DAYS:,}, as 90d; or never.",
            )
        return self._now() + timedelta(days=days)


def hash_of(text: str) -> bytes:
    """What is kept of a key. It has 256 random bits, so nothing slower than SHA-256 would make it harder to guess."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _no_such_key() -> NotFound:
    return NotFound("There is no such key.", next_step="Look at the list of keys.")


def _scopes(given: Sequence[str]) -> tuple[Scope, ...]:
    unknown = [scope for scope in given if scope not in set(Scope)]
    if unknown or not given:
        raise InputError(
            f"There is no scope {unknown[0][:40]!r}." if unknown else "A key needs a scope: what it may do.",
            field="scopes",
            next_step=f"Choose among {', '.join(Scope)}.",
        )
    return tuple(scope for scope in Scope if scope in given)


def _limit(text: str) -> int | None:
    said = text.strip().replace(",", "")
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and 1 <= int(said[:9]) <= MOST_A_MINUTE):
        raise InputError(
            "The limit cannot be read.",
            field="a_minute",
            next_step=f"Say how many requests a minute, 1 to {MOST_A_MINUTE:,}; blank for what every key may send.",
        )
    return int(said)

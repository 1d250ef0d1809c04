"""A request is answered once for each Idempotency-Key, however often it is sent and wherever it is cut off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from steelyard.domain.errors import Conflict, InputError
from steelyard.domain.once import Reservation
from steelyard.storage import once
from steelyard.storage.database import Database

KEPT_FOR = timedelta(hours=24)
# How long a request may take before it is taken for dead; what it would still make then is refused.
LEASE = timedelta(minutes=3)
MAX_KEY = 200


@dataclass(frozen=True)
class Kept:
    """What was answered before."""

    status: int
    body: bytes
    location: str | None


@dataclass(frozen=True)
class Made:
    """What was made by a request that was cut off before it was answered."""

    id: UUID


class OnceService:
    """Reserves keys and keeps answers, for one tenant at a time."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def begin(self, tenant_id: UUID, principal: str, key: str, digest: str) -> Reservation | Kept | Made:
        """The right to answer the request of that digest, or what became of it before.

        Raises InputError where the key is none or stands for another request, Conflict while that is being answered.
        """
        if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
            raise InputError(
                f"An Idempotency-Key has 1 to {MAX_KEY} printable ASCII characters.",
                field="Idempotency-Key",
                kept="Nothing was changed.",
            )
        mine = Reservation(principal, key, uuid4())
        async with self._database.tenant(tenant_id) as connection:
            found = await once.reserve(
                connection, tenant_id, mine, digest, now=self._now(), kept_for=KEPT_FOR, lease=LEASE
            )
        if found is None:
            return mine
        if found.digest != digest:
            raise InputError(
                "This Idempotency-Key was sent with another request.",
                field="Idempotency-Key",
                kept="That one's answer is kept; nothing was changed.",
                next_step="Give each request a key of its own.",
            )
        if found.status is not None:
            return Kept(found.status, found.body or b"", found.location)
        if found.made_id is not None:
            return Made(found.made_id)
        raise Conflict(
            "The same request is being answered.",
            kept="It goes on.",
            next_step="Send it again in a few seconds with the same key: the answer is that one's.",
        )

    async def answered(self, tenant_id: UUID, mine: Reservation, answer: Kept) -> None:
        """Keep the answer for whoever sends the request again."""
        async with self._database.tenant(tenant_id) as connection:
            await once.keep_answer(connection, mine, answer.status, answer.body, answer.location)

    async def release(self, tenant_id: UUID, mine: Reservation) -> None:
        """The request was refused: where it made nothing, its key is free again."""
        async with self._database.tenant(tenant_id) as connection:
            await once.release(connection, mine)

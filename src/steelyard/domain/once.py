"""What one request has reserved, so that what it makes is made once however often it is sent."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Reservation:
    """A key of whoever sends (`principal`), held by one `attempt` at its request."""

    principal: str
    key: str
    attempt: UUID


# A door sets it for the task of one request; the transaction that makes what was asked for notes it there.
reserved: ContextVar[Reservation | None] = ContextVar("reserved", default=None)

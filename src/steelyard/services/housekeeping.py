"""What the check does besides. A chore takes (database, tenant, now): one of CHORES, or the workbench's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from steelyard.services.intake import SPANS_KNOWN_DAYS
from steelyard.services.once import KEPT_FOR
from steelyard.storage import deliveries, notices, once, seen_spans
from steelyard.storage.database import Database

Chore = Callable[[Database, UUID, datetime], Awaitable[object]]

# Days for which the log of messages and the causes that are gone are kept.
LOG_DAYS = 30
GONE_DAYS = 400


async def forget_spans(database: Database, tenant_id: UUID, now: datetime) -> None:
    """Marks of spans so old that no exporter sends them again; the intake does so too, where anything comes in."""
    async with database.tenant(tenant_id) as connection:
        await seen_spans.forget_spans(connection, now.date() - timedelta(days=SPANS_KNOWN_DAYS))


async def forget_notices(database: Database, tenant_id: UUID, now: datetime) -> None:
    """Messages that have ended, and causes long gone."""
    async with database.tenant(tenant_id) as connection:
        await deliveries.forget_ended(connection, now - timedelta(days=LOG_DAYS))
        await notices.forget_gone(connection, now - timedelta(days=GONE_DAYS))


async def forget_keys(database: Database, tenant_id: UUID, now: datetime) -> None:
    """Idempotency keys that are kept no longer."""
    async with database.tenant(tenant_id) as connection:
        await once.forget_keys(connection, now - KEPT_FOR)


CHORES: tuple[Chore, ...] = (forget_spans, forget_notices, forget_keys)

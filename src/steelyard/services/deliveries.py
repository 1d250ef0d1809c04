"""Sending notices: each message is stored before it is sent, and tried until it is taken or given up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from steelyard.domain.notices import TEST, NoticeSettings, Way, retry_at
from steelyard.outbound import mail, webhook
from steelyard.outbound.outcome import Outcome
from steelyard.services.notice_words import mail_of
from steelyard.storage import deliveries, schedule
from steelyard.storage.database import Connection, Database
from steelyard.storage.deliveries import Delivery, Webhook

# Longer than any attempt lasts: who has it in hand this long was killed with it.
LEASE_S = 300
MOST_AT_A_TIME = 50


class Deliveries:
    """Keeps and sends messages, for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        settings: NoticeSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._settings = settings
        self._now = now

    async def ways(self, connection: Connection) -> list[Way]:
        """How the tenant can be told."""
        found: list[Way] = []
        if await deliveries.find_webhook(connection) is not None:
            found.append("webhook")
        if self._settings.smtp is not None and await deliveries.recipients(connection):
            found.append("mail")
        return found

    async def store(
        self, connection: Connection, tenant_id: UUID, kind: str, payload: Mapping[str, Any], now: datetime
    ) -> list[UUID]:
        """A message on every way there is, in the caller's transaction; returns their ids."""
        return [
            await deliveries.add_delivery(connection, tenant_id, way, kind, payload, now)
            for way in await self.ways(connection)
        ]

    async def send_due(self, tenant_id: UUID, only: UUID | None = None) -> int:
        """Try what is due, or that one alone; returns how many were tried."""
        tried = 0
        while tried < MOST_AT_A_TIME:
            now = self._now()
            async with self._database.tenant(tenant_id) as connection:
                until = now + timedelta(seconds=LEASE_S)
                found = await deliveries.claim_delivery(connection, now, until, only)
                hook = await deliveries.find_webhook(connection)
                to = await deliveries.recipients(connection)
            if found is None:
                break
            tried += 1
            outcome = await (self._post(found, hook) if found.way == "webhook" else self._mail(found, to))
            await self._note(tenant_id, found, outcome)
        return tried

    async def _note(self, tenant_id: UUID, found: Delivery, outcome: Outcome) -> None:
        now = self._now()
        # A test answers whoever asked for it, at once.
        ends = outcome.for_good or found.kind == TEST
        again = None if outcome.delivered or ends else retry_at(found.attempts, now)
        state = "delivered" if outcome.delivered else "given_up" if again is None else "waiting"
        async with self._database.tenant(tenant_id) as connection:
            await deliveries.end_attempt(connection, found, state=state, status=outcome.status, now=now, next_at=again)

    def _post(self, found: Delivery, hook: Webhook | None) -> Awaitable[Outcome]:
        if hook is None:
            return _known(Outcome(False, "no webhook is set any more", for_good=True))
        body = json.dumps(found.payload, ensure_ascii=False, separators=(",", ":")).encode()
        return webhook.post(
            hook.url,
            hook.secret,
            str(found.id),
            int(self._now().timestamp()),
            body,
            allow_private=self._settings.allow_private,
        )

    def _mail(self, found: Delivery, to: list[str]) -> Awaitable[Outcome]:
        server = self._settings.smtp
        if server is None or not to:
            return _known(Outcome(False, "no mail server or no address is set any more", for_good=True))
        subject, text = mail_of(found.payload)
        try:
            message = mail.message(
                server, to, subject=subject, text=text, message_id=str(found.id), date=found.created_at
            )
        except ValueError:
            return _known(Outcome(False, "the addresses cannot be written into a mail", for_good=True))
        return asyncio.to_thread(mail.send, server, message)


async def _known(outcome: Outcome) -> Outcome:
    return outcome


async def settle(database: Database, tenant_id: UUID, again: datetime | None) -> None:
    """Note when the tenant has something to do next."""
    async with database.tenant(tenant_id) as connection:
        await schedule.settle_work(connection, again)

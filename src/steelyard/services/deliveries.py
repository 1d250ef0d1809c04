"""Sending notices: each message is stored before it is sent, and tried until it is taken or given up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from steelyard.domain.errors import SettingsError
from steelyard.domain.masking import keep_secret
from steelyard.domain.notices import TEST, NoticeSettings, Way, retry_at
from steelyard.outbound import mail, webhook
from steelyard.outbound.outcome import Outcome
from steelyard.services.notice_words import mail_of
from steelyard.services.secret_keeping import SecretKeeping
from steelyard.storage import deliveries, schedule
from steelyard.storage.database import Connection, Database
from steelyard.storage.deliveries import Delivery, Webhook
from steelyard.storage.sealed import SealedRow, reseal
from steelyard.vault.ring import CannotUnseal, Place, Sealed

# Longer than any attempt lasts: who has it in hand this long was killed with it.
LEASE_S = 300
MOST_AT_A_TIME = 50


class Deliveries:
    """Keeps and sends messages, for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        settings: NoticeSettings,
        secrets: SecretKeeping,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._settings = settings
        self._secrets = secrets
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
                hook = await self._encrypted(connection, tenant_id, await deliveries.find_webhook(connection))
                to = await deliveries.recipients(connection)
            if found is None:
                break
            tried += 1
            outcome = await (self._post(tenant_id, found, hook) if found.way == "webhook" else self._mail(found, to))
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

    async def sealed(self, tenant_id: UUID, secret: str) -> Sealed:
        """A webhook's secret as it is stored. Raises SettingsError where no master key is at hand."""
        keep_secret(tenant_id, secret)
        return await self._secrets.seal(secret, _place(tenant_id))

    async def _encrypted(self, connection: Connection, tenant_id: UUID, hook: Webhook | None) -> Webhook | None:
        """The webhook, its secret encrypted now where it was stored before there was encryption."""
        if hook is None or hook.secret is None:
            return hook
        with suppress(SettingsError):
            sealed = await self.sealed(tenant_id, hook.secret)
            await reseal(connection, SealedRow("webhook", "", None, None, hook.secret), sealed.data, sealed.key_id)
        return hook

    async def _post(self, tenant_id: UUID, found: Delivery, hook: Webhook | None) -> Outcome:
        if hook is None:
            return Outcome(False, "no webhook is set any more", for_good=True)
        try:
            secret = hook.secret or await self._secret(tenant_id, hook)
        except (CannotUnseal, SettingsError) as error:
            return Outcome(False, f"not sent, for its secret cannot be read: {error.message.rstrip('.')}")
        body = json.dumps(found.payload, ensure_ascii=False, separators=(",", ":")).encode()
        return await webhook.post(
            hook.url,
            secret,
            str(found.id),
            int(self._now().timestamp()),
            body,
            reach=self._settings.reach,
        )

    async def _secret(self, tenant_id: UUID, hook: Webhook) -> str:
        assert hook.key_id is not None
        assert hook.sealed is not None
        return await self._secrets.unseal(Sealed(hook.key_id, hook.sealed), _place(tenant_id))

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


def _place(tenant_id: UUID) -> Place:
    return Place(tenant_id, "webhook")


async def _known(outcome: Outcome) -> Outcome:
    return outcome


async def settle(database: Database, tenant_id: UUID, again: datetime | None) -> None:
    """Note when the tenant has something to do next."""
    async with database.tenant(tenant_id) as connection:
        await schedule.settle_work(connection, again)

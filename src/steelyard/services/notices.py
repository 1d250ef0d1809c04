"""Who is told of stale benchmarks and how: the settings of a tenant, and trying them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.domain.notices import TEST, NoticeSettings
from steelyard.domain.reach import check_url
from steelyard.outbound.mail import check_recipients
from steelyard.outbound.signing import new_secret
from steelyard.services.deliveries import Deliveries
from steelyard.services.mail_limits import MailLimits
from steelyard.services.notice_words import test_payload
from steelyard.services.rebenchmarks import Budget, Rebenchmarks
from steelyard.storage import deliveries, schedule
from steelyard.storage.database import Database
from steelyard.storage.deliveries import DeliveryRow
from steelyard.storage.scheduled_runs import Allowance

MOST_LOGGED = 10


@dataclass(frozen=True)
class NoticeStanding:
    """What is set, and how it goes. The webhook's secret is not among it: it was shown when it was made.

    `budget` is how this month stands, None where nothing is run again of itself.
    """

    settings: NoticeSettings
    webhook: str | None
    recipients: Sequence[str]
    checked_at: datetime | None
    allowance: Allowance
    budget: Budget | None
    log: Sequence[DeliveryRow]


class NoticeService:
    """Reads and changes the settings of notices, for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        sending: Deliveries,
        rebenchmarks: Rebenchmarks,
        settings: NoticeSettings,
        mail_limits: MailLimits,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._sending = sending
        self._rebenchmarks = rebenchmarks
        self._settings = settings
        self._mail_limits = mail_limits
        self._now = now

    async def standing(self, tenant_id: UUID) -> NoticeStanding:
        """All of it."""
        allowance, budget = await self._rebenchmarks.standing(tenant_id)
        async with self._database.tenant(tenant_id) as connection:
            hook = await deliveries.find_webhook(connection)
            recipients = await deliveries.recipients(connection)
            checked_at = await schedule.checked_at(connection)
            log = await deliveries.list_deliveries(connection, MOST_LOGGED)
        url = None if hook is None else hook.url
        return NoticeStanding(self._settings, url, recipients, checked_at, allowance, budget, log)

    async def set_webhook(self, tenant_id: UUID, url: str, *, renew: bool = False) -> str | None:
        """Post notices there. Returns the secret where one was made, to be shown this once: for the first address, and
        with `renew`. A blank address posts nothing any more. Raises InputError, also where no master key is at hand."""
        async with self._database.tenant(tenant_id) as connection:
            if not url.strip():
                await deliveries.drop_webhook(connection)
                return None
            checked = check_url(url, self._settings.reach, what="a webhook", field="url")
            if not renew and await deliveries.move_webhook(connection, checked):
                return None
            secret = new_secret()
            sealed = await self._sending.sealed(tenant_id, secret)
            await deliveries.put_webhook(connection, tenant_id, checked, sealed.data, sealed.key_id)
        return secret

    async def renew_secret(self, tenant_id: UUID) -> str:
        """A new secret in place of the one there is. Raises InputError where there is no webhook."""
        async with self._database.tenant(tenant_id) as connection:
            hook = await deliveries.find_webhook(connection)
        if hook is None:
            raise InputError("There is no webhook.", field="url", next_step="Set its address first.")
        secret = await self.set_webhook(tenant_id, hook.url, renew=True)
        assert secret is not None
        return secret

    async def set_recipients(self, tenant_id: UUID, texts: Sequence[str]) -> None:
        """E-mail addresses that are told; none for no mail. Raises InputError."""
        checked = check_recipients(texts)
        async with self._database.tenant(tenant_id) as connection:
            await deliveries.set_recipients(connection, checked)

    async def test(self, tenant_id: UUID) -> list[DeliveryRow]:
        """Send a test on every way there is, once and now; how each went.

        Raises InputError where there is none, TooMany.
        """
        now = self._now()
        async with self._database.tenant(tenant_id) as connection:
            recipients = await deliveries.recipients(connection)
        await self._mail_limits.take_test(tenant_id, recipients)
        async with self._database.tenant(tenant_id) as connection:
            sent = await self._sending.store(connection, tenant_id, TEST, test_payload(now), now)
        if not sent:
            raise InputError(
                "Nobody is told yet.",
                next_step="Set a webhook; or e-mail addresses, with a mail server in the settings file.",
            )
        for one in sent:
            await self._sending.send_due(tenant_id, one)
        async with self._database.tenant(tenant_id) as connection:
            return [row for row in await deliveries.list_deliveries(connection, MOST_LOGGED) if row.id in sent]

"""How much mail a tenant may cause, and one address may get, in an hour: counted over all processes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from uuid import UUID

from steelyard.domain.errors import TooMany
from steelyard.storage import tries
from steelyard.storage.database import Database

WITHIN = timedelta(hours=1)
INVITATIONS_OF_TENANT = 60
# Of one tenant; of all together more, so that no tenant uses up what others may send.
INVITATIONS_TO_ADDRESS = 5
INVITATIONS_TO_ADDRESS_OF_ALL = 20
TESTS_OF_TENANT = 10
TESTS_TO_ADDRESS_OF_ALL = 30


@dataclass(frozen=True)
class _Bound:
    key: str
    most: int
    said: str


class MailLimits:
    """Counts before anything is sent, so that many at once are counted as well as one by one."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def take_invitation(self, tenant_id: UUID, email: str) -> None:
        """Count one invitation that goes by mail, to an address in lower case. Raises TooMany."""
        to_one = f"At most {INVITATIONS_TO_ADDRESS} invitations an hour are mailed to one address."
        to_all = f"At most {INVITATIONS_TO_ADDRESS_OF_ALL} an hour are mailed to one address by all tenants."
        of_all = f"At most {INVITATIONS_OF_TENANT} invitations an hour are mailed for a tenant."
        await self._take(
            [
                _Bound(_key("invitations", str(tenant_id)), INVITATIONS_OF_TENANT, of_all),
                _Bound(_key("invitations-to", f"{tenant_id} {email}"), INVITATIONS_TO_ADDRESS, to_one),
                _Bound(_key("invitations-all", email), INVITATIONS_TO_ADDRESS_OF_ALL, to_all),
            ]
        )

    async def take_test(self, tenant_id: UUID, recipients: Sequence[str]) -> None:
        """Count one test of a tenant's notices, which goes to these addresses. Raises TooMany."""
        of_all = f"At most {TESTS_OF_TENANT} tests of notices an hour are sent for a tenant."
        to_all = f"At most {TESTS_TO_ADDRESS_OF_ALL} tests of notices an hour are mailed to one address."
        await self._take(
            [
                _Bound(_key("tests", str(tenant_id)), TESTS_OF_TENANT, of_all),
                *(
                    _Bound(_key("tests-all", email), TESTS_TO_ADDRESS_OF_ALL, to_all)
                    for email in sorted({one.lower() for one in recipients})
                ),
            ]
        )

    async def _take(self, bounds: Sequence[_Bound]) -> None:
        now = self._now()
        counted = {
            one.key: one for one in await tries.count_try(self._database, [bound.key for bound in bounds], now, WITHIN)
        }
        for bound in bounds:
            if counted[bound.key].tries > bound.most:
                wait = counted[bound.key].ends_at - now
                minutes = max(1, ceil(wait / timedelta(minutes=1)))
                raise TooMany(
                    bound.said,
                    retry_after_s=max(1, ceil(wait.total_seconds())),
                    next_step=f"Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}.",
                )


def _key(what: str, value: str) -> str:
    return f"mail:{what}:{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()[:32]}"

"""How often signing in may be tried, for one account and from one address, over all processes of an installation."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil

from steelyard.domain.errors import TooMany
from steelyard.storage import tries
from steelyard.storage.database import Database

WITHIN = timedelta(minutes=15)
MOST_OF_ACCOUNT = 10
MOST_OF_ADDRESS = 50


class TryLimits:
    """Counts tries before anything is done for them, so that many at once are counted as well as one by one.

    `what` keeps the counts of one purpose apart from another's.
    """

    def __init__(
        self,
        database: Database,
        what: str,
        *,
        of_account: int = MOST_OF_ACCOUNT,
        of_address: int = MOST_OF_ADDRESS,
        within: timedelta = WITHIN,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._what = what
        self._of_account = of_account
        self._of_address = of_address
        self._within = within
        self._now = now

    async def take(self, email: str, address: str) -> None:
        """Count one try. Raises TooMany, in the same words whether there is such an account or not."""
        account, client, now = self._account(email), self._client(address), self._now()
        for counted in await tries.count_try(self._database, [account, client], now, self._within):
            most = self._of_account if counted.key == account else self._of_address
            if counted.tries > most:
                wait = counted.ends_at - now
                minutes = max(1, ceil(wait / timedelta(minutes=1)))
                raise TooMany(
                    "This was tried too often with that address of e-mail, or from your network.",
                    retry_after_s=max(1, ceil(wait.total_seconds())),
                    next_step=f"Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}.",
                )

    async def succeeded(self, email: str, address: str) -> None:
        """It was no guess: the account's count begins anew, and the address has one try less."""
        await tries.forget(self._database, self._account(email))
        await tries.take_back(self._database, self._client(address))

    async def forgive(self, email: str) -> None:
        """Begin the account's count anew."""
        await tries.forget(self._database, self._account(email))

    def _account(self, email: str) -> str:
        return self._key("account", email)

    def _client(self, address: str) -> str:
        return self._key("address", network_of(address))

    def _key(self, kind: str, value: str) -> str:
        return f"{self._what}:{kind}:{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()[:32]}"


def network_of(address: str) -> str:
    """What is counted as one client: an IPv4 address, or the /64 that a customer of IPv6 has at least."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)

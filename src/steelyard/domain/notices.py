"""Telling of stale benchmarks: when it is looked for, over what it is sent, and how often that is tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from steelyard.domain.reach import PUBLIC, Reach
from steelyard.domain.stale_causes import FoundCause

Way = Literal["webhook", "mail"]
Security = Literal["starttls", "tls", "none"]

# Seconds to the next attempt after each that failed: as the Standard Webhooks advise, over some three days.
RETRY_AFTER_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
TEST = "steelyard.test"
STALE = "benchmark.stale"


@dataclass(frozen=True)
class CheckTimes:
    """When all benchmarks are checked: at `at` (UTC) and every `every_hours` hours from then on; never if not `on`."""

    on: bool = True
    at: time = time(6, 0)
    every_hours: int = 24

    def last_slot(self, now: datetime) -> datetime:
        """The latest time of the schedule that is not after `now`."""
        anchor = datetime.combine(datetime(2000, 1, 1, tzinfo=UTC), self.at, UTC)
        every = timedelta(hours=self.every_hours)
        return anchor + (now - anchor) // every * every


@dataclass(frozen=True)
class SmtpServer:
    """Where e-mail is handed over. The password never shows in a repr."""

    host: str
    port: int
    sender: str
    security: Security = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class NoticeSettings:
    """What the settings file says of checks and notices. `base_url` is where this installation's pages are, for links.

    `reach`: which webhooks may go to this machine and the networks around it, and without TLS.
    """

    checks: CheckTimes = CheckTimes()
    base_url: str | None = None
    reach: Reach = PUBLIC
    smtp: SmtpServer | None = None


@dataclass(frozen=True)
class StaleNotice:
    """What is new of one skill. `outlook` says what is done of itself about it, None where nothing was asked for."""

    skill: str
    run_id: str
    causes: Sequence[FoundCause]
    outlook: str | None = None


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many attempts have failed; None: no more."""
    if attempts > len(RETRY_AFTER_S):
        return None
    return now + timedelta(seconds=RETRY_AFTER_S[attempts - 1])

"""When checks are due, and how often a message is tried."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.notices import RETRY_AFTER_S, CheckTimes, retry_at

moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
times = st.builds(CheckTimes, at=st.times().map(lambda at: time(at.hour, at.minute)), every_hours=st.integers(1, 168))


@given(times, moments)
def test_the_last_slot_is_the_latest_one_not_after_now(checks: CheckTimes, now: datetime) -> None:
    slot, every = checks.last_slot(now), timedelta(hours=checks.every_hours)
    assert slot <= now < slot + every
    assert checks.last_slot(slot) == slot
    assert checks.last_slot(slot + every) == slot + every
    if 24 % checks.every_hours == 0:
        assert (slot.minute, slot.hour % checks.every_hours) == (checks.at.minute, checks.at.hour % checks.every_hours)


def test_waits_between_attempts_grow_and_end() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    waits = [retry_at(attempts, now) for attempts in range(1, len(RETRY_AFTER_S) + 2)]
    assert waits[-1] is None
    known = [wait for wait in waits if wait is not None]
    assert len(known) == len(RETRY_AFTER_S)
    assert known == sorted(known)
    assert known[0] > now

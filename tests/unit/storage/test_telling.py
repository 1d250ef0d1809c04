"""Trouble that lasts is told as it begins and again at intervals, whatever else is told in between."""

from steelyard.storage.telling import Telling


def test_a_trouble_is_told_at_once_and_again_after_a_while_each_for_itself() -> None:
    now = 0.0
    telling = Telling(60, clock=lambda: now)
    told: list[tuple[float, str]] = []
    for second in range(0, 130, 10):
        now = float(second)
        told += [(now, one) for one in ("away", "no room") if (one == "away" or second >= 30) and telling.due(one)]
    assert told == [(0, "away"), (30, "no room"), (60, "away"), (90, "no room"), (120, "away")]

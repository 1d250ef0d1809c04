"""What a race's page says of it."""

from __future__ import annotations

from dataclasses import replace

from steelyard.domain.races import DroppedModel, RaceStanding
from steelyard.execution.outcome import Raced
from steelyard.web.race_words import race_words

GONE = DroppedModel("openai:c", 10, "openai:a", 0.001)
SILENT = DroppedModel("openai:d", 10, None, None)
UNDER_WAY = RaceStanding("set", 40, 10, 20, 1, 4, 100, 2, False, ("openai:a", "openai:b"), (GONE, SILENT))


def test_a_race_under_way_says_its_round_and_why_each_was_dropped() -> None:
    words = race_words(UNDER_WAY)
    assert words.state == "Round 2 of at most 4: cases 11 to 20 of 40."
    assert words.left == ("a", "b")
    assert [one.after for one in words.dropped] == [
        "dropped after 10 cases, behind a",
        "dropped after 10 cases, for its missing scores",
    ]
    assert words.saved is None


def test_a_race_whose_run_was_stopped_says_where() -> None:
    first = replace(UNDER_WAY, n=0, n_next=10, rounds=0, dropped=())
    assert race_words(first, Raced(first, None)).state == (
        "It was stopped in round 1 of at most 4, before its first look, so no model was dropped."
    )
    assert race_words(UNDER_WAY, Raced(UNDER_WAY, None)).state == (
        "It was stopped in round 2 of at most 4, after 10 cases of 40 had been looked at."
    )


def test_an_ended_race_says_what_it_saved_and_when_that_is_not_known() -> None:
    over = replace(UNDER_WAY, done=True, n=20, n_next=20, rounds=2)
    known, unknown = (race_words(over, Raced(over, saved)).saved for saved in (123_000_000, None))
    assert known == "It saved 200 of 320 cells and about $1.23 against every model on every case."
    assert unknown is not None
    assert "is not known" in unknown
    nothing = replace(over, n=40, n_next=40, dropped=(), survivors=("openai:a", "openai:b"))
    assert race_words(nothing, Raced(nothing, 0)).saved == (
        "Every model was called for every case, so nothing was saved."
    )

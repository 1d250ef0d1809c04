"""A difference is called better or worse only where its whole interval says so, and drawn where it lies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.services.comparisons import Difference
from steelyard.services.cost_change import CostChange, CostParts
from steelyard.web.comparison_words import cost_sentence, direction_of, place_of, reach_of

points = st.floats(-100, 100)


def difference(mean: float, low: float | None, high: float | None) -> Difference:
    return Difference(20, 70.0, 70.0 + mean, mean, low, high, 0.01, "paired t", 20, 0)


def cost(before: int, after: int, tokens: int, price: int, calls: int = 1) -> CostChange:
    return CostChange(calls, 0, CostParts(before, after, tokens, price, after - before - tokens - price))


@given(points, points, points)
def test_a_direction_is_claimed_only_by_a_whole_interval_on_one_side(a: float, b: float, c: float) -> None:
    low, mean, high = sorted((a, b, c))
    match direction_of(difference(mean, low, high)):
        case "better":
            assert low > 0
        case "worse":
            assert high < 0
        case "open":
            assert low <= 0 <= high


def test_without_an_interval_nothing_is_claimed() -> None:
    assert direction_of(difference(30.0, None, None)) == "open"


@given(st.lists(st.tuples(points, points, points), min_size=1, max_size=6))
def test_one_scale_holds_every_interval_and_keeps_their_order(found: list[tuple[float, float, float]]) -> None:
    differences = [difference(mean, low, high) for low, mean, high in map(sorted, found)]
    reach = reach_of(differences)
    for one in differences:
        place = place_of(one, reach)
        assert place is not None
        assert place.low is not None
        assert place.high is not None
        assert 0 <= place.low <= place.point <= place.high <= 100
        assert (place.point > 50) == (one.difference > 0 and place.point != 50)  # type: ignore[operator]


def test_zero_lies_in_the_middle() -> None:
    place = place_of(difference(0.0, -10.0, 10.0), 10.0)
    assert place is not None
    assert (place.low, place.point, place.high) == (0.0, 50.0, 100.0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            cost(40_000_000, 10_000_000, -10_000_000, -20_000_000),
            "A call costs $0.10 instead of $0.40 (75% less): −$0.10 by tokens, −$0.20 by prices.",
        ),
        (
            cost(10_000_000, 13_000_000, 0, 0),
            "A call costs $0.13 instead of $0.10 (30% more): +$0.03 by what neither explains.",
        ),
        (cost(10_000_000, 10_000_000, 0, 0), "A call costs the same as before, $0.10."),
        (
            cost(10_000_000, 10_020_000, 20_000, 0),
            "A call costs about the same as before: $0.10 against $0.10.",
        ),
        (
            CostChange(0, 4, CostParts(0, 0, 0, 0, 0)),
            "The cost is not compared: no call in both runs has a known cost.",
        ),
    ],
)
def test_the_cost_is_said_with_its_reasons(change: CostChange, sentence: str) -> None:
    assert cost_sentence(change) == sentence

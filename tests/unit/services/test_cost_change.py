"""A change of cost is split without a microcent lost, and nothing is blamed on what did not change."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.calls import Usage
from steelyard.services.cost_change import CostChange, CostParts, PricedCall, cost_change, sum_of

DAYS = [date(2025, 1, 1), date(2025, 6, 1), date(2026, 1, 1)]
RATES = {DAYS[0]: 3, DAYS[1]: 7}

calls = st.builds(
    PricedCall,
    usage=st.builds(Usage, st.integers(0, 10_000), st.integers(0, 10_000)),
    cost_microcents=st.none() | st.integers(0, 10**9),
    price_version=st.sampled_from(["a", "b", "settings"]),
    price_date=st.none() | st.sampled_from(DAYS),
)


def price_on(usage: Usage, day: date) -> int | None:
    """The last day's price is not known."""
    return None if day not in RATES else usage.total_tokens * RATES[day]


@given(st.lists(st.tuples(calls, calls), max_size=30))
def test_the_parts_sum_to_the_whole_in_total_and_on_average(pairs: list[tuple[PricedCall, PricedCall]]) -> None:
    found = cost_change(pairs, price_on)
    assert found.calls + found.unpriced == len(pairs)
    known = [(a.cost_microcents, b.cost_microcents) for a, b in pairs]
    total = sum(b - a for a, b in known if a is not None and b is not None)
    assert found.total.change == total == found.total.tokens + found.total.price + found.total.unexplained
    each = found.per_call
    if each is not None:
        assert each.change == each.tokens + each.price + each.unexplained
        for part in ("before", "after", "tokens", "price", "unexplained"):
            whole, average = getattr(found.total, part), getattr(each, part)
            assert abs(whole - average * found.calls) < found.calls or whole == average * found.calls


@given(
    st.integers(1, 50),
    st.lists(st.integers(-(10**6), 10**6), min_size=4, max_size=4),
    st.integers(0, 2),
)
def test_a_part_that_is_nothing_stays_nothing_on_average(number: int, values: list[int], nothing: int) -> None:
    parts = values[:3]
    parts[nothing] = 0
    change = CostChange(number, 0, CostParts(values[3], values[3] + sum(parts), *parts))
    each = change.per_call
    assert each is not None
    assert (each.tokens, each.price, each.unexplained)[nothing] == 0


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1), st.sampled_from(DAYS[:2]))
def test_at_one_price_it_is_all_the_tokens(tokens: list[tuple[int, int]], day: date) -> None:
    def call(count: int) -> PricedCall:
        return PricedCall(Usage(count, 0), count * RATES[day], "a", day)

    found = cost_change([(call(a), call(b)) for a, b in tokens], price_on).total
    assert (found.price, found.unexplained) == (0, 0)


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_with_the_same_tokens_it_is_all_the_price(tokens: list[int]) -> None:
    pairs = [
        (PricedCall(Usage(n, 0), 3 * n, "a", DAYS[0]), PricedCall(Usage(n, 0), 7 * n, "a", DAYS[1])) for n in tokens
    ]
    found = cost_change(pairs, price_on).total
    assert (found.tokens, found.unexplained) == (0, 0)
    assert found.price == 4 * sum(tokens)


def test_a_price_that_is_known_no_more_leaves_the_change_unexplained() -> None:
    old = PricedCall(Usage(10, 0), 30, "a", DAYS[0])
    new = PricedCall(Usage(20, 0), 90, "a", DAYS[2])
    found = cost_change([(old, new)], price_on).total
    assert (found.tokens, found.price, found.unexplained) == (0, 0, 60)


@pytest.mark.parametrize("version", ["settings", "own since 2026-01-31"])
def test_an_edited_price_of_ones_own_is_not_taken_for_tokens(version: str) -> None:
    old = PricedCall(Usage(10, 0), 1_000, version, DAYS[0])
    new = PricedCall(Usage(10, 0), 30, version, DAYS[0])
    found = cost_change([(old, new)], price_on).total
    assert (found.tokens, found.price, found.unexplained) == (0, 0, -970)


@given(st.lists(st.tuples(calls, calls), max_size=10), st.lists(st.tuples(calls, calls), max_size=10))
def test_the_sum_of_two_changes_is_the_change_of_both(
    one: list[tuple[PricedCall, PricedCall]], other: list[tuple[PricedCall, PricedCall]]
) -> None:
    assert sum_of([cost_change(one, price_on), cost_change(other, price_on)]) == cost_change(one + other, price_on)

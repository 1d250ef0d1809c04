"""The parts of a change of cost: they add up, each is its own factor's, and the way back is the way there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.calls import Usage
from steelyard.services.cost_split import ModelPeriod, SplitParts, split_cost

PERIOD = st.builds(
    ModelPeriod,
    st.integers(1, 10**6),
    st.builds(Usage, st.integers(0, 10**9), st.integers(0, 10**8)),
    st.integers(0, 10**12),
)
PERIODS = st.dictionaries(st.sampled_from("abcd"), PERIOD, max_size=4)
REFERENCES = st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)))


def parts(split: SplitParts) -> list[int]:
    return [split.volume, split.models, split.tokens, split.price, split.unexplained]


@given(PERIODS, PERIODS, REFERENCES)
def test_the_parts_are_whole_and_add_up_to_the_change(
    before: dict[str, ModelPeriod], after: dict[str, ModelPeriod], reference: dict[str, tuple[int, int]]
) -> None:
    split = split_cost(before, after, reference)
    assert sum(parts(split)) == split.change
    assert (split.before, split.after) == (
        sum(one.cost_microcents for one in before.values()),
        sum(one.cost_microcents for one in after.values()),
    )
    back = split_cost(after, before, {name: (late, early) for name, (early, late) in reference.items()})
    assert all(abs(there + other) <= 1 for there, other in zip(parts(split), parts(back), strict=True))


def period(uses: int, tokens: int, cost: int) -> ModelPeriod:
    return ModelPeriod(uses, Usage(tokens), cost)


@pytest.mark.parametrize(
    ("before", "after", "reference", "expected"),
    [
        ({"a": period(10, 100, 1000)}, {"a": period(30, 300, 3000)}, {"a": (1000, 3000)}, [2000, 0, 0, 0, 0]),
        ({"a": period(10, 100, 1000)}, {"a": period(10, 150, 1500)}, {"a": (1000, 1500)}, [0, 0, 500, 0, 0]),
        ({"a": period(10, 100, 1000)}, {"a": period(10, 100, 800)}, {"a": (800, 800)}, [0, 0, 0, -200, 0]),
        ({"a": period(10, 100, 1000)}, {"a": period(10, 100, 800)}, {}, [0, 0, 0, 0, -200]),
        ({"a": period(10, 9, 1000)}, {"b": period(10, 9, 50)}, {"a": (1000, 0), "b": (0, 50)}, [0, -950, 0, 0, 0]),
        ({}, {"b": period(10, 9, 50)}, {"b": (0, 50)}, [50, 0, 0, 0, 0]),
        ({}, {}, {}, [0, 0, 0, 0, 0]),
        # Twice the uses, each of twice the tokens: of 3000 more, half by each.
        ({"a": period(10, 100, 1000)}, {"a": period(20, 400, 4000)}, {"a": (1000, 4000)}, [1500, 0, 1500, 0, 0]),
    ],
)
def test_what_changed_alone_has_the_whole_change(
    before: dict[str, ModelPeriod],
    after: dict[str, ModelPeriod],
    reference: dict[str, tuple[int, int]],
    expected: list[int],
) -> None:
    assert parts(split_cost(before, after, reference)) == expected

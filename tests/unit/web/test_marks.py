"""The arithmetic of sparklines."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from steelyard.web.marks import spark

values = st.lists(st.none() | st.floats(-1e9, 1e9), max_size=40)


@given(values)
def test_a_line_stays_in_its_box_and_has_a_point_for_every_value(given_values: list[float | None]) -> None:
    drawn = spark(given_values)
    points = [(float(x), float(y)) for x, y in re.findall(r"([\d.e-]+),([\d.e-]+)", drawn.line)]
    assert all(0 <= x <= 100 and 0 <= y <= 24 for x, y in points)
    assert len(points) >= sum(value is not None for value in given_values)


def test_a_gap_breaks_the_line() -> None:
    assert spark([1, 2, None, 3, 4]).line.count("M") == 2


def test_more_is_higher() -> None:
    assert spark([1, 2]).line == "M0,22 L100,2"


def test_no_values_draw_nothing() -> None:
    assert spark([None, None]).line == spark([]).line == ""

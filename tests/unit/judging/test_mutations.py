"""A mutation changes one fact, says which, and leaves the rest alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.judging.mutations import MutationKind, mutations


def of_kind(text: str, kind: str) -> tuple[str, str] | None:
    return next(((one.before, one.after) for one in mutations(text) if one.kind == kind), None)


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("It weighs 120 g.", ("120", "187")),
        ("1. Take it\n2) Weigh it: 40 g", ("40", "67")),
        ("- 3. third\nabout 2.5 kg", ("2.5", "10.8")),
        ("$1,250.00 is due", ("1,250.00", "1,882.00")),
        ("version 2.3.1 of 2024-01-02 at 10:30, see #12", None),
        ("Python3 and x2", None),
        ("no number", None),
    ],
)
def test_a_number_is_changed_where_it_is_a_quantity(text: str, change: tuple[str, str] | None) -> None:
    assert of_kind(text, "number") == change


def test_a_number_is_changed_in_every_place() -> None:
    (found,) = [one for one in mutations("120 g, that is 120 g and not 1200 g") if one.kind is MutationKind.NUMBER]
    assert found.text == "187 g, that is 187 g and not 1200 g"


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("The brass is heavy.", ("is", "is not")),
        ("It must not be sold.", ("must not", "must")),
        ("Heavy brass", None),
    ],
)
def test_a_negation_is_put_in_or_taken_out(text: str, change: tuple[str, str] | None) -> None:
    assert of_kind(text, "negation") == change


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("Send it to Ada. Then thank Ada.", ("Ada", "Marlowe")),
        ("Marlowe wrote to Berta", ("Berta", "Quillfeather")),
        ("The answer: This one", None),
        ("Nobody", None),
    ],
)
def test_a_name_is_another_name(text: str, change: tuple[str, str] | None) -> None:
    assert of_kind(text, "name") == change


@given(st.text() | st.from_regex(r"([A-Z]?[a-z]{1,6}|is|not|\d{1,6}(\.\d)?|[,.\n ])+"))
def test_a_mutation_is_another_text_that_says_what_it_changed(text: str) -> None:
    for one in mutations(text):
        assert one.text != text
        assert one.before in text
        assert one.after in one.text
        assert one.before != one.after

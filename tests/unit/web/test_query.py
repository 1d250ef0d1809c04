"""What a person mistypes in an address is left aside."""

from __future__ import annotations

from enum import StrEnum

from hypothesis import given
from hypothesis import strategies as st

from steelyard.web.query import natural, one_of


class Side(StrEnum):
    LEFT = "left"


@given(st.integers(0, 999_999_999))
def test_a_whole_number_is_read(number: int) -> None:
    assert natural(str(number)) == number


@given(st.text())
def test_any_other_text_is_zero_and_never_an_error(text: str) -> None:
    assert 0 <= natural(text) <= 999_999_999
    assert natural(f"-{text}") == natural(f"{text}.") == natural("²") == natural("٣") == 0


def test_a_choice_is_read_by_its_value() -> None:
    assert one_of(Side, "left") is Side.LEFT
    assert one_of(Side, "LEFT") is one_of(Side, "") is None

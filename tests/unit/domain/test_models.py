"""Model references: one spelling for each variant, and none too long to be kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import MAX_REFERENCE, ModelRef


@pytest.mark.parametrize(
    "text",
    [
        "openai:" + "m" * 394,
        "openai:m?note=" + "n" * 400,
        # A setting's value is kept as an address has it, in which each of these is nine characters.
        "openai:m?note=" + "重" * 50,
        "no reference at all " * 50,
    ],
)
def test_a_reference_too_long_for_an_index_is_refused_in_a_sentence_of_ordinary_length(text: str) -> None:
    with pytest.raises(
        ModelRefError, match=r"characters as it is kept, with its settings; 400 are the most\."
    ) as caught:
        ModelRef.typed(text)
    assert len(caught.value.message) < 200


def test_the_longest_reference_is_taken_and_spaces_around_it_do_not_count() -> None:
    text = "openai:" + "m" * (MAX_REFERENCE - len("openai:"))
    assert ModelRef.typed(f"  {text}\n").text == text


@pytest.mark.parametrize("text", ["openai:" + "m" * 394, "openai:m?note=" + "n" * 400])
def test_a_reference_that_an_older_version_kept_is_read_whatever_its_length(text: str) -> None:
    assert ModelRef.parse(text).text == text


@given(st.text(max_size=450), st.text(min_size=1, max_size=60))
def test_what_is_taken_is_taken_again_as_it_is_kept(name: str, value: str) -> None:
    try:
        ref = ModelRef.typed(f"test:{name}?note={value}")
    except ModelRefError:
        return
    assert ModelRef.typed(ref.text) == ModelRef.parse(ref.text) == ref

"""Which models stand side by side when one is pressed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from steelyard.web.case_page import toggled

CHOSEN = st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True)


@given(CHOSEN, st.integers(0, 9))
def test_pressing_a_model_leaves_one_to_four_without_doubles(chosen: list[int], place: int) -> None:
    after = toggled(chosen, place, 4)
    assert 1 <= len(after) <= 4
    assert len(after) == len(set(after))


@given(CHOSEN, st.integers(0, 9))
def test_pressing_a_hidden_model_shows_it_and_a_shown_one_hides_it(chosen: list[int], place: int) -> None:
    after = toggled(chosen, place, 4)
    assert (place in after) == (place not in chosen or chosen == [place])


@given(CHOSEN, st.integers(0, 9))
def test_the_others_keep_their_order(chosen: list[int], place: int) -> None:
    after = [one for one in toggled(chosen, place, 4) if one != place]
    assert after == [one for one in chosen if one in after]

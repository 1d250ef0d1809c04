"""One grade out of several: the plain mean, and what more than half say."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.grading import Grade
from steelyard.judging.panel import panel_grade

grades = st.builds(
    Grade,
    quality=st.floats(0, 100),
    passed=st.booleans(),
    matches_expected=st.booleans(),
    notes=st.just(""),
)


@given(st.lists(grades, min_size=1, max_size=5), st.randoms())
def test_all_judges_count_alike_in_whatever_order(given_: list[Grade], dice: Random) -> None:
    found = panel_grade(given_)
    qualities = [grade.quality or 0.0 for grade in given_]
    assert found.quality == pytest.approx(math.fsum(qualities) / len(qualities))
    votes = [grade.passed for grade in given_]
    assert found.passed == (votes.count(True) > votes.count(False))
    shuffled = list(given_)
    dice.shuffle(shuffled)
    other = panel_grade(shuffled)
    assert (other.quality, other.passed, other.matches_expected) == (
        found.quality,
        found.passed,
        found.matches_expected,
    )


@given(grades)
def test_one_judge_is_its_own_jury(grade: Grade) -> None:
    found = panel_grade([grade])
    assert (found.quality, found.passed, found.matches_expected) == (
        grade.quality,
        grade.passed,
        grade.matches_expected,
    )


def test_without_an_expected_output_there_is_nothing_to_match() -> None:
    grade = Grade(50.0, False, None, "")
    assert panel_grade([grade, grade]).matches_expected is None


def test_a_judge_without_a_quality_makes_no_grade() -> None:
    with pytest.raises(ValueError, match="every judge"):
        panel_grade([Grade(50.0, True, True, ""), Grade(None, None, None, "")])

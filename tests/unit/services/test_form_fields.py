"""Numbers of a form: what is one is read, what is none is kept as a problem of its field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.errors import InvalidForm
from steelyard.services.form_fields import Problems


@given(st.text())
def test_any_text_is_a_number_or_a_problem(text: str) -> None:
    problems = Problems()
    value = problems.number("budget", text, 7.0)
    whole = problems.whole("trials", text, 7)
    assert abs(value) < float("inf")
    assert isinstance(whole, int)
    assert {problem.field for problem in problems.found} <= {"budget", "trials"}


@pytest.mark.parametrize(("text", "value"), [("", 7.0), (" 1,234.5 ", 1234.5), ("-2e3", -2000.0)])
def test_a_number_is_read_as_people_write_it(text: str, value: float) -> None:
    problems = Problems()
    assert problems.number("budget", text, 7.0) == value
    problems.raise_any()


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "one", "1.2.3", "0,5", "0,01", "1_0", "1,2345", "."])
def test_what_is_no_number_is_a_problem(text: str) -> None:
    problems = Problems()
    problems.number("budget", text, 7.0)
    with pytest.raises(InvalidForm):
        problems.raise_any()

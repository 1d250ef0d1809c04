"""When the page of a run says that the skill does harm."""

from __future__ import annotations

import pytest

from steelyard.web.run_notices import lift_harm


@pytest.mark.parametrize(
    ("lift", "high", "harm"),
    [
        (None, None, None),
        (4.0, 9.0, None),
        (-2.0, -0.5, "proven"),
        (-2.0, 1.0, None),
        (-5.0, 1.0, "possible"),
        (-30.0, None, "possible"),
        (0.0, 0.0, None),
    ],
)
def test_harm_is_proven_by_the_whole_interval_and_possible_from_the_margin_on(
    lift: float | None, high: float | None, harm: str | None
) -> None:
    assert lift_harm(lift, high, margin=5.0) == harm

"""What is said of a run under way."""

from __future__ import annotations

import pytest

from steelyard.cli.progress import Standing, bars, summary


def standing(*, least: bool, budget: int | None = None) -> Standing:
    return Standing({("openai:m", "judged"): 120}, 1_230_000, least, budget, 16, 42.0)


@pytest.mark.parametrize(("least", "said"), [(True, "at least $0.0123"), (False, ", $0.0123")])
@pytest.mark.parametrize(("budget", "of"), [(None, ""), (100_000_000, " of $1.0000")])
def test_money_that_may_be_more_is_said_to_be_at_least(least: bool, said: str, budget: int | None, of: str) -> None:
    shown = standing(least=least, budget=budget)
    assert f"{said}{of} spent" in summary(shown, 600, None)
    assert f"{said}{of} spent" in bars(shown, ["openai:m"], 600, None, 100)[-1].plain

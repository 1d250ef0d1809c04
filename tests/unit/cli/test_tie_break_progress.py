"""What is said of a tie-break under way."""

from __future__ import annotations

import pytest

from steelyard.cli.progress import PLAIN_EVERY_S
from steelyard.cli.terminal import Terminal
from steelyard.cli.tie_break import TieBreakProgress
from steelyard.domain.calls import Trouble
from tests.unit.cli.made import tie_break_row


def test_without_a_terminal_a_failing_provider_is_named_once_and_no_line_is_said_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with TieBreakProgress(Terminal()) as progress:
        for seconds in range(int(PLAIN_EVERY_S) * 10):
            trouble = Trouble("openai", "The provider is overloaded", 2, seconds + 3.0)
            progress.update(tie_break_row(done=3), 2, [trouble], float(seconds))
        progress.update(tie_break_row(done=4), 2, [], PLAIN_EVERY_S * 11)
    said = capsys.readouterr().err
    assert said.count("openai: The provider is overloaded – trying 2 calls again") == 1
    assert (said.count("3 of 30 comparisons"), said.count("4 of 30 comparisons")) == (1, 1)

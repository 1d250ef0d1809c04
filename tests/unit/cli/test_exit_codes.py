"""The exit code of how a run ended: scripts and CI rely on it."""

from __future__ import annotations

from typing import Any

import pytest

from steelyard.cli import exits
from steelyard.cli.follow import code_of
from steelyard.domain.runs import RunCounts
from tests.unit.cli.made import names, report, summary

NONE_ANSWERED = RunCounts(20, 0, 0, 0, 20, 0)
ALL_SCORED_ZERO = RunCounts(20, 0, 0, 20, 0, 0)
UNANSWERED = [summary("openai:m", 0.0, avg_tokens=None, heard=False, avg_cost_microcents=None)]


@pytest.mark.parametrize(
    ("run", "code"),
    [
        ({"status": "completed"}, exits.OK),
        ({"status": "failed", "stop_cause": "error", "partial": True}, exits.FAULT),
        ({"status": "failed", "stop_cause": "error", "counts": NONE_ANSWERED}, exits.FAULT),
        ({"status": "completed", "stop_cause": "budget", "partial": True}, exits.BUDGET),
        ({"status": "completed", "counts": NONE_ANSWERED}, exits.PROVIDERS),
        ({"status": "completed", "counts": ALL_SCORED_ZERO}, exits.OK),
        ({"status": "completed", "counts": ALL_SCORED_ZERO, "summaries": UNANSWERED}, exits.PROVIDERS),
        ({"status": "running", "counts": NONE_ANSWERED}, exits.OK),
    ],
)
def test_how_a_run_ended_is_its_exit_code(run: dict[str, Any], code: int) -> None:
    assert code_of(report(**run)) == code


@pytest.mark.parametrize(
    ("require", "models", "code"),
    [("best", 3, exits.OK), ("verdict", 3, exits.OK), ("best", 1, exits.NO_VERDICT), ("verdict", 1, exits.NO_VERDICT)],
)
def test_a_verdict_that_was_required_and_is_not_there_is_three(require: str, models: int, code: int) -> None:
    assert code_of(report(names(models)), require) == code


def test_a_failed_run_is_a_fault_whatever_verdict_was_required() -> None:
    assert code_of(report(status="failed"), "best") == exits.FAULT

"""A race over HTTP: whoever is worse is called no more, and a kill in its midst changes neither calls nor decisions."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.conftest import Shell
from tests.acceptance.racing import write_race
from tests.acceptance.test_crash import SAVING_S

pytestmark = pytest.mark.alone

CASES = 40
REPLIES = ("--reply", "tests.acceptance.racing:reply")


def arguments(folder: Path, target: str = "future") -> list[str]:
    models = [part for name in ("good-a", "good-b", "poor") for part in ("--model", f"openai:{name}")]
    return ["run", str(folder), *models, "--race", target, "--concurrency", "8"]


def cells(report: dict[str, Any]) -> int:
    """What the rounds of this race call for: each model with its cases, in both arms."""
    dropped = {one["model"]: one["after_cases"] for one in report["race"]["dropped"]}
    names = {one["model"] for one in report["models"]}
    return 2 * sum(dropped.get(name, report["race"]["cases_run"]) for name in names)


@pytest.mark.parametrize("shell", [(0.02, *REPLIES)], indirect=True)
def test_a_model_clearly_worse_is_dropped_after_the_first_look(shell: Shell, tmp_path: Path) -> None:
    report = shell.json(*arguments(write_race(tmp_path / f"parts-{uuid4().hex[:8]}", CASES)))
    assert {"model": "openai:poor", "after_cases": 10}.items() <= report["race"]["dropped"][0].items()
    assert report["verdict"]["method"] == "race-future/1"
    assert report["run"]["answered"] == report["run"]["planned"] == cells(report) == shell.seen()["served"]
    assert report["race"]["cells_not_called"] == 3 * 2 * CASES - cells(report) > 0


@pytest.mark.parametrize("shell", [(0.02, *REPLIES)], indirect=True)
def test_the_best_of_the_set_is_named_and_its_report_tells_what_was_saved(shell: Shell, tmp_path: Path) -> None:
    folder = write_race(tmp_path / f"parts-{uuid4().hex[:8]}", CASES)
    models = ["--model", "openai:good", "--model", "openai:fair", "--model", "openai:poor"]
    done = shell.run("run", str(folder), *models, "--race", "set", "--arm", "with_skill")
    assert done.returncode == 0, done.stderr
    assert "openai:good is best on this set of cases" in done.stdout
    assert "openai:poor dropped after 10 cases, behind openai:good" in done.stdout
    assert "90 of the 120 cells of all models on all cases not called" in " ".join(done.stdout.split())
    assert "at most" in done.stderr


@pytest.mark.parametrize("shell", [(0.1, *REPLIES)], indirect=True)
def test_a_race_killed_again_and_again_calls_and_decides_as_one_left_alone(shell: Shell, tmp_path: Path) -> None:
    folder = write_race(tmp_path / f"parts-{uuid4().hex[:8]}", CASES)
    kills: list[tuple[float, float]] = []
    for served in (15, 45, 75, 110):
        process = shell.start(*arguments(folder), "--quiet", stdout=None, stderr=None)
        deadline = time.monotonic() + 30
        while shell.seen()["served"] < served and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        sent = time.monotonic()
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills.append((sent, time.monotonic()))
    calls = shell.calls()
    in_flight = sum(
        arrived <= dead and (over is None or over >= sent - SAVING_S) for sent, dead in kills for arrived, over in calls
    )
    report = shell.json(*arguments(folder))
    assert report["run"]["status"] == "completed"
    assert report["run"]["answered"] == report["run"]["planned"] == cells(report)
    assert shell.seen()["served"] - cells(report) <= in_flight
    alone = shell.json(*arguments(folder), "--fresh")
    assert alone["race"] == report["race"]
    assert alone["verdict"] == report["verdict"]


@pytest.mark.parametrize("shell", [(0.05, *REPLIES)], indirect=True)
def test_two_processes_share_the_rounds_and_call_no_cell_twice(shell: Shell, tmp_path: Path) -> None:
    folder = write_race(tmp_path / f"parts-{uuid4().hex[:8]}", CASES)
    helper = shell.start("worker", "--concurrency", "8")
    try:
        report = shell.json(*arguments(folder))
    finally:
        helper.send_signal(signal.SIGINT)
        helper.communicate(timeout=60)
    assert report["run"]["answered"] == cells(report) == shell.seen()["served"]
    assert shell.seen()["repeated_calls"] == 0

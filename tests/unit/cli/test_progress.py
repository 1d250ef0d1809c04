"""What is said of a run under way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steelyard.cli.progress import Progress, Standing, bars, summary
from steelyard.cli.terminal import Terminal
from steelyard.domain.calls import Trouble
from steelyard.domain.races import DroppedModel, RaceStanding
from steelyard.judging.examination import Result
from steelyard.services.examining import ExaminationStanding


def standing(*, least: bool, budget: int | None = None) -> Standing:
    return Standing({("openai:m", "judged"): 120}, 1_230_000, least, budget, 16, 42.0)


@pytest.mark.parametrize(("least", "said"), [(True, "at least $0.0123"), (False, ", $0.0123")])
@pytest.mark.parametrize(("budget", "of"), [(None, ""), (100_000_000, " of $1.0000")])
def test_money_that_may_be_more_is_said_to_be_at_least(least: bool, said: str, budget: int | None, of: str) -> None:
    shown = standing(least=least, budget=budget)
    assert f"{said}{of} spent" in summary(shown, 600, None)
    assert f"{said}{of} spent" in bars(shown, ["openai:m"], 600, None, 100)[-1].plain


def away(since_s: float, port: int = 9) -> Trouble:
    return Trouble("openai", f"No connection to http://127.0.0.1:{port}/v1: refused", 2, since_s)


def test_a_wait_names_the_provider_the_address_and_how_long_it_has_lasted() -> None:
    waiting = replace(standing(least=False), troubles=[away(12.3)])
    line = bars(waiting, ["openai:m"], 600, None, 100)[-1].plain
    assert line == "openai: No connection to http://127.0.0.1:9/v1: refused – trying 2 calls again, 12 s"
    assert all(len(part) <= 40 for part in bars(waiting, ["openai:m"], 600, None, 40)[-1].plain.split("\n"))


def test_without_a_terminal_each_wait_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(Terminal()) as progress:
        progress.expect(["openai:m"], 600)
        for elapsed_s in range(20):
            progress.update(replace(standing(least=False), elapsed_s=elapsed_s, troubles=[away(elapsed_s + 3.0)]))
    assert capsys.readouterr().err.count("No connection to http://127.0.0.1:9/v1") == 1


def test_a_quiet_run_tells_no_wait(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(Terminal(quiet=True)) as progress:
        progress.update(replace(standing(least=False), troubles=[away(5.0)]))
    assert capsys.readouterr().err == ""


def test_a_race_counts_at_most_what_is_left_to_it_and_tells_each_drop_once(capsys: pytest.CaptureFixture[str]) -> None:
    gone = DroppedModel("openai:c", 10, "openai:a", 0.001)
    race = RaceStanding("set", 40, 10, 20, 1, 4, 100, 2, False, ("openai:a", "openai:b"), (gone,))
    models = [f"openai:{name}" for name in "abc"]
    shown = replace(standing(least=False), ended={("openai:a", "judged"): 30, ("openai:c", "judged"): 20}, race=race)
    lines = [line.plain for line in bars(shown, models, 80, None, 80)]
    assert ("30/80" in lines[0], "20/20" in lines[2]) == (True, True)
    assert lines[3].startswith("50 of at most 180 cells")
    assert lines[4] == "Race, round 2 of at most 4: cases 11 to 20 of 40, 2 of 3 models left"
    assert lines[5] == "openai:c dropped after 10 cases, behind openai:a"
    assert all(len(part) <= 40 for line in bars(shown, models, 80, None, 40)[4:] for part in line.plain.split("\n"))
    with Progress(Terminal()) as progress:
        progress.expect(models, 80)
        for elapsed_s in range(12):
            progress.update(replace(shown, elapsed_s=elapsed_s))
    assert capsys.readouterr().err.count("dropped after 10 cases, behind openai:a") == 1


def test_the_judges_examination_is_told_as_it_begins_and_when_it_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    begun = ExaminationStanding(11, 2, None, False)
    failed = ExaminationStanding(11, 11, Result.FAILED, True)
    shown = [begun, replace(begun, done=7), failed]
    with Progress(Terminal()) as progress:
        progress.expect(["openai:m"], 600)
        for examination in [None, *shown, shown[-1]]:
            progress.update(replace(standing(least=False), examination=examination))
    err = " ".join(capsys.readouterr().err.split())
    assert err.count("Examining the judge on 11 outputs of known grade: 2 done.") == 1
    assert "7 done" not in err
    on = "failed its examination on 11 outputs of known grade; it is accepted all the same"
    assert err.count(f"{on}.") == 1
    line = bars(replace(standing(least=False), examination=shown[1]), ["openai:m"], 600, None, 100)[-1].plain
    assert line == "Examining the judge on 11 outputs of known grade: 7 done."

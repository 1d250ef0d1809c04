"""The list of runs, a skill's remarks and what the demo leads to, on wide and narrow screens."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from steelyard.cli.commands.demo import what_next
from steelyard.cli.commands.runs import runs_table
from steelyard.cli.commands.skills import lint_skills
from steelyard.services.demo import examples
from tests.unit.cli.made import report
from tests.unit.cli.screens import shown

RUNS = [
    report(skill_name="weigh").run,
    report(skill_name="dead", status="running", unserved=True).run,
    report(skill_name="a-skill-with-a-rather-long-name-for-a-narrow-screen", status="running", partial=True).run,
]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_every_run_shows_its_id_name_status_and_spending_at_any_width(width: int) -> None:
    text = shown(runs_table(RUNS, width), width)
    assert all(cell_len(line.rstrip()) <= width for line in text.splitlines())
    assert "no worker serves it" in " ".join(text.split())
    for word in ("ab12cd34", "weigh", "2026-01-02 03:04", "completed", "running*", "interrupted", "$0.1235", "a-sk"):
        assert text.count(word) >= 1, (word, text)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_runs_that_nobody_can_serve_say_so_and_each_reason_once(width: int) -> None:
    gone: dict[str, Any] = {
        "status": "running",
        "left": True,
        "waits": "There is no provider 'workshop'. Nobody can serve it.",
    }
    runs = [report(left_why="There is no provider 'workshop'.", unserved=True, **gone).run] * 3
    runs += [report(left_why=f"The key {n} is gone.", **gone).run for n in range(5)]
    runs += [report(status="pending", waits="A worker is there, and takes it up as soon as it has a place.").run]
    lines = runs_table(runs, width)
    text = " ".join(shown(lines, width).split())
    assert all(cell_len(line.rstrip()) <= width for line in shown(lines, width).splitlines())
    assert text.count("running, waits") == 8
    assert text.count("There is no provider 'workshop' (ab12cd34 and 2 more).") == 1
    assert "`steelyard runs show ab12cd34` says what to do" in text
    assert "waits: for 3 reasons more" in text
    assert "interrupted" not in text


def test_a_remark_names_its_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skill = tmp_path / "weigh"
    (skill / "evals").mkdir(parents=True)
    (skill / "SKILL.md").write_text("---\nname: weigh\ndescription: Weighs.\n---\nSee references/none.md.\n")
    (skill / "evals" / "triggering.json").write_text('[{"query": "weigh it", "should_trigger": true}]')
    lint_skills([str(skill)])
    out = capsys.readouterr().out
    assert out.count("triggering.json") == 1
    assert out.count("SKILL.md") == 1


def test_what_the_demo_leads_to_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = examples()
    for place in (folder.parent, Path("/")):
        monkeypatch.chdir(place)
        (line,) = [line.plain for line in what_next(folder / "quiz-answer") if " run " in line.plain]
        words = shlex.split(line)
        assert (place / words[words.index("run") + 1] / "SKILL.md").is_file()

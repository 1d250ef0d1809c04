"""Whatever is given: one clear sentence, the next step, the documented exit code, no traceback, nothing lost."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell

MODEL = ("--model", "openai:model-a")


def refused(shell: Shell, *arguments: str, stdin: str | None = None) -> str:
    """The message of a command that must be refused with code 2 before anything is called."""
    done = shell.run(*arguments, stdin=stdin)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert shell.seen()["started"] == 0
    return " ".join(done.stderr.split())


def test_a_folder_without_a_skill_says_so(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert "SKILL.md" in refused(shell, "run", str(tmp_path), *MODEL)


def test_a_folder_of_skills_names_them(shell: Shell, skill: Path) -> None:
    assert skill.name in refused(shell, "run", str(skill.parent), *MODEL)


def test_broken_frontmatter_names_file_and_line(shell: Shell, skill: Path) -> None:
    (skill / "SKILL.md").write_text("---\nname: weigh\nmetadata: [1, 2\n---\nWeigh it.\n")
    assert "SKILL.md:" in refused(shell, "run", str(skill), *MODEL)


@pytest.mark.parametrize(
    ("evals", "says"),
    [
        ('{"evals": [', "evals.json:1"),
        ('{"evals": [{"id": 1, "expected_output": "x"}]}', "input"),
        ('{"evals": [{"id": 1, "prompt": "a"}, {"id": 1, "prompt": "b"}]}', "1"),
    ],
)
def test_a_case_file_that_cannot_be_used_names_the_place(shell: Shell, skill: Path, evals: str, says: str) -> None:
    (skill / "evals" / "evals.json").write_text(evals)
    message = refused(shell, "run", str(skill), *MODEL)
    assert "evals.json" in message
    assert says in message


def test_a_case_file_that_is_a_link_to_nowhere_is_named(shell: Shell, skill: Path) -> None:
    (skill / "evals" / "evals.json").unlink()
    (skill / "evals" / "evals.json").symlink_to(skill / "gone.json")
    said = refused(shell, "run", str(skill), *MODEL)
    assert "evals.json" in said
    assert "a symbolic link to nothing in the folder" in said


def test_no_cases_says_how_to_add_some(shell: Shell, skill: Path) -> None:
    (skill / "evals" / "evals.json").unlink()
    message = refused(shell, "run", str(skill), *MODEL)
    assert "evals/evals.json" in message
    assert "--case" in message


def test_a_case_of_fifty_megabytes_is_one_sentence(shell: Shell, skill: Path) -> None:
    huge = {"evals": [{"id": 1, "prompt": "x" * 50_000_000, "expected_output": "y"}]}
    (skill / "evals" / "evals.json").write_text(json.dumps(huge))
    assert len(refused(shell, "run", str(skill), *MODEL)) < 600


def test_a_binary_file_is_no_prompt(shell: Shell, tmp_path: Path) -> None:
    binary = tmp_path / "prompt.md"
    binary.write_bytes(bytes(range(256)) * 10)
    assert "prompt.md" in refused(shell, "run", str(binary), *MODEL, "--case", "a", "--expect", "b")


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("nowhere:model", "anthropic"),
        ("gpt", "provider:name"),
        ("openai:model-a?warmth=3", "warmth"),
        ("local:no-such-model", "smollm2-135m"),
    ],
)
def test_an_unknown_model_names_what_is_known(shell: Shell, skill: Path, model: str, says: str) -> None:
    assert says in refused(shell, "run", str(skill), "--model", model)


def test_a_missing_key_names_the_variable(shell: Shell, skill: Path) -> None:
    shell.env |= {"GEMINI_API_KEY": "", "GOOGLE_API_KEY": ""}
    message = refused(shell, "run", str(skill), "--model", "google:gemini-3-pro-preview")
    assert "GEMINI_API_KEY" in message


@pytest.mark.parametrize(
    "options",
    [
        ("--budget", "-1"),
        ("--budget", "nan"),
        ("--margin", "101"),
        ("--trials", "0"),
        ("--seed", "9223372036854775808"),
        ("--seed", "-1"),
        ("--arm", "left"),
        ("--require", "luck"),
        ("--case", "only an input"),
        ("--model", "openai:model-a"),
        ("--cases", "no-such-file.json"),
        ("--case-set", "none-such"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(shell: Shell, skill: Path, options: tuple[str, ...]) -> None:
    assert refused(shell, "run", str(skill), *MODEL, *options)


def test_cases_come_from_standard_input_in_any_notation_and_never_count(shell: Shell, skill: Path) -> None:
    lines = '{"input": "a", "expected": "b"}\n{"input": "c", "expected": "d"}\n'
    done = shell.run("run", str(skill), *MODEL, "--judge", "openai:judge", "--cases", "-", "--json", "-", stdin=lines)
    report = json.loads(done.stdout)
    assert (report["run"]["planned"], report["run"]["of_record"]) == (4, False)


def with_checks(skill: Path, *, but: int = 0) -> Path:
    """The skill with cases that checks alone can grade, all `but` so many."""
    evals = [
        {"id": index, "prompt": f"Weigh {index}.", "expected_output": "1 g"}
        | ({} if index < but else {"checks": [{"type": "contains", "value": "g"}]})
        for index in range(12)
    ]
    (skill / "evals" / "evals.json").write_text(json.dumps({"skill_name": skill.name, "evals": evals}))
    return skill


def test_cases_that_nobody_would_grade_are_refused_and_some_of_them_are_counted(shell: Shell, skill: Path) -> None:
    message = refused(shell, "run", str(skill), *MODEL, "--judge", "none")
    assert "all 12 need a judge, and none is to be asked" in message
    assert "next: Name a judge that can be called" in message
    done = shell.run("run", str(with_checks(skill, but=3)), *MODEL, "--judge", "none", "--arm", "with_skill")
    assert "3 of 12 cases need a judge and will not be graded" in done.stderr


@pytest.mark.parametrize("shell", [(1.0,)], indirect=True)
def test_an_interrupt_at_any_moment_before_the_run_has_ended_leaves_no_run_or_says_how_to_go_on(
    shell: Shell, skill: Path
) -> None:
    # So few calls at once that the run cannot end before it is interrupted, and other cells each time.
    command = ("run", str(with_checks(skill)), *MODEL, "--judge", "none", "--arm", "with_skill", "--concurrency", "2")
    before = json.loads(shell.run("runs", "list", "--json", "-").stdout)["runs"]
    for after_s in (0.6, 1.0, 1.4, 1.8, 2.2):
        process = shell.start(*command, "--max-tokens", str(round(1000 * after_s)))
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "Traceback" not in err
        made = [run for run in json.loads(shell.run("runs", "list", "--json", "-").stdout)["runs"] if run not in before]
        assert all(run["status"] == "cancelled" for run in made)
        assert not made or "steelyard runs resume" in out + err
        before += made


def test_the_same_command_keeps_the_budget_and_says_so(shell: Shell, skill: Path) -> None:
    command = ("run", str(with_checks(skill)), "--model", "openai:gpt-5.4", "--judge", "none", "--concurrency", "2")
    assert shell.run(*command, "--budget", "0.0005").returncode == 4
    again = shell.run(*command)
    assert again.returncode == 4
    assert "Budget $0.0005, as before; --budget changes it." in again.stderr
    more = shell.run(*command, "--budget", "5")
    assert more.returncode == 0
    assert "as before" not in more.stderr


# Each a model that was not run before, as the estimate would go by what it took then.
@pytest.mark.parametrize(("model", "quiet"), [("openai:gpt-4.1", ()), ("openai:gpt-4o", ("--quiet",))])
def test_above_a_dollar_nothing_is_called_where_nobody_can_be_asked(
    shell: Shell, skill: Path, model: str, quiet: tuple[str, ...]
) -> None:
    called = shell.seen()["started"]
    command = ("run", str(with_checks(skill)), "--model", model, "--judge", "none", "--trials", "40")
    done = shell.run(*command, *quiet)
    assert (done.returncode, shell.seen()["started"]) == (2, called)
    assert "Give --yes to go on without asking, or --budget USD" in " ".join(done.stderr.split())
    assert shell.run(*command, *quiet, "--budget", "0.0005").returncode == 4


def test_a_budget_stops_the_run_with_its_own_code_and_resuming_finishes_it(shell: Shell, skill: Path) -> None:
    with_checks(skill)
    named = ("--model", "openai:gpt-5.4", "--judge", "none", "--concurrency", "2")
    first = shell.run("run", str(skill), *named, "--budget", "0.0005", "--json", "-")
    assert first.returncode == 4, first.stderr
    run = json.loads(first.stdout)["run"]
    assert run["stop_cause"] == "budget"
    assert 0 < run["answered"] < run["planned"]
    again = shell.run("runs", "resume", run["id"][:8], "--budget", "5", "--json", "-")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["run"]["answered"] == run["planned"]
    assert shell.seen()["repeated_calls"] == 0


def test_require_turns_the_verdict_into_an_exit_code(shell: Shell, skill: Path) -> None:
    done = shell.run("run", str(skill), *MODEL, "--judge", "openai:judge", "--require", "best", "--quiet")
    assert done.returncode == 3
    assert done.stdout.count("\n") == 1

"""`steelyard tie-break` as a user gives it: what it takes first, what came of it, and nothing paid twice."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from steelyard.storage.server import Server
from tests.acceptance.conftest import Shell
from tests.acceptance.test_crash import in_flight_at

CASES = 12
GATE = 6
COMPARISONS = 2 * CASES + GATE


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    """Cases whose one check everything passes, so that all models are tied."""
    folder = tmp_path / f"weigh-{uuid4().hex[:8]}"
    (folder / "evals").mkdir(parents=True)
    (folder / "SKILL.md").write_text(f"---\nname: {folder.name}\ndescription: Weighs.\n---\n\nState the weight.\n")
    evals = [
        {
            "id": number,
            "prompt": f"What does item {number} weigh?",
            "expected_output": f"Item {number} weighs {number * 12} g.",
            "checks": [{"type": "regex", "value": "[a-z]"}],
        }
        for number in range(1, CASES + 1)
    ]
    (folder / "evals" / "evals.json").write_text(json.dumps({"skill_name": folder.name, "evals": evals}))
    return folder


def tied_run(shell: Shell, skill: Path) -> str:
    command = ["run", str(skill), "--model", "openai:gpt-4o-mini", "--model", "openai:gpt-4.1-mini"]
    report = shell.json(*command, "--judge", "none", "--arm", "with_skill")
    assert report["verdict"]["kind"] == "tied"
    assert report["tie_breaks"] == []
    return report["run"]["id"][:8]


def asked(shell: Shell) -> int:
    return shell.seen()["by_model"].get("gpt-4.1", 0)


def test_it_says_what_it_takes_and_what_came_of_it_and_the_report_has_it(shell: Shell, skill: Path) -> None:
    run = tied_run(shell, skill)
    assert f"steelyard tie-break {run}" in shell.run("runs", "show", run).stdout
    done = shell.run("tie-break", run, "--judge", "openai:gpt-4.1", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"{COMPARISONS} calls of the judge, {GATE} of them to try the judge on junk first" in done.stderr
    assert "about $0." in done.stderr
    assert "By pairwise comparison, beside the scores: nobody is ahead." in done.stdout
    assert "The run's verdict stays as it is." in done.stdout
    assert "of a compared model's own family" in done.stdout
    assert asked(shell) == COMPARISONS
    again = shell.run("tie-break", run, "--judge", "openai:gpt-4.1", "--json", "-", "--quiet")
    told = json.loads(again.stdout)
    assert (told["schema"], told["tie_break"]["status"], asked(shell)) == (
        "steelyard.tie-break/1",
        "completed",
        COMPARISONS,
    )
    assert "nobody is ahead" in again.stderr
    shown = shell.run("runs", "show", run)
    assert "By pairwise comparison, beside the scores: nobody is ahead." in shown.stdout
    assert shown.stdout.splitlines()[1].startswith("Tied: ")


def test_a_budget_ends_it_with_4_and_a_higher_one_goes_on(shell: Shell, skill: Path) -> None:
    run = tied_run(shell, skill)
    command = ["tie-break", run, "--judge", "openai:gpt-4.1", "--concurrency", "1"]
    stopped = shell.run(*command, "--budget", "0.004")
    assert stopped.returncode == 4, stopped.stderr
    assert "stopped by its budget" in stopped.stdout
    assert 0 < asked(shell) < COMPARISONS
    gone_on = shell.run(*command, "--budget", "1")
    assert gone_on.returncode == 0, gone_on.stderr
    assert asked(shell) == COMPARISONS


def test_of_another_verdict_or_without_a_judge_it_says_why_not(shell: Shell, skill: Path) -> None:
    single = shell.json("run", str(skill), "--model", "openai:gpt-4o-mini", "--judge", "none")
    refused = shell.run("tie-break", single["run"]["id"][:8], "--judge", "openai:gpt-4.1")
    assert refused.returncode == 2
    assert "nothing" in refused.stderr.lower()


@pytest.mark.alone
@pytest.mark.parametrize("shell", [(0.3,)], indirect=True)
def test_killed_and_interrupted_it_is_asked_again_only_for_what_was_in_flight(
    shell: Shell, server: Server, skill: Path
) -> None:
    run = tied_run(shell, skill)
    command = ["tie-break", run, "--judge", "openai:gpt-4.1", "--concurrency", "3"]
    kills: list[tuple[float, float]] = []
    for wanted in (3, 10, 16):
        process = shell.start(*command, "--quiet", stdout=None, stderr=None)
        while asked(shell) < wanted and process.poll() is None:
            time.sleep(0.01)
        sent = time.monotonic()
        process.kill()
        process.wait()
        kills.append((sent, time.monotonic()))
    in_flight = in_flight_at(kills, shell)
    process = shell.start(*command)
    while asked(shell) < 22:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "what was compared is saved" in err
    assert "cancelled" in out
    done = shell.run(*command, "--quiet")
    assert done.returncode == 0, done.stderr
    assert COMPARISONS <= asked(shell) <= COMPARISONS + in_flight
    with psycopg.connect(server.admin_dsn) as connection:
        row = connection.execute(
            """SELECT t.spent_microcents, t.calls, t.done,
                      (SELECT sum(c.cost_microcents)::bigint FROM pair_comparisons c WHERE c.skill_id = r.skill_id)
                 FROM tie_breaks t JOIN benchmark_runs r ON r.id = t.benchmark_run_id
                WHERE r.id::text LIKE %s""",
            (f"{run}%",),
        ).fetchone()
    assert row is not None
    assert row[0] == row[3] > 0
    assert (row[1], row[2]) == (COMPARISONS, COMPARISONS)

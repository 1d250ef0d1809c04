"""A real skill against servers that fail as vendors do: every cell ends answered or with a named error."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from steelyard.storage.server import Server
from tests.acceptance.conftest import Shell

# What a judge is examined on for a skill of `write_skill`.
CANARIES = 11
FAULTS = ("--fault-429", "0.05", "--fault-529", "0.02", "--fault-reset", "0.01", "--fault-malformed", "0.01")


@pytest.mark.parametrize("shell", [(0.02, *FAULTS, "--retry-after", "0.2", "--seed", "7")], indirect=True)
def test_a_real_skill_on_three_models_and_two_vendors_loses_no_cell_to_faults(
    shell: Shell, server: Server, shared: Path
) -> None:
    skill = shared / "skills" / "coreyhaines31__marketingskills" / "cold-email"
    models = ["openai:model-a", "openai:model-b", "anthropic:model-c"]
    arguments = [part for model in models for part in ("--model", model)]
    report = shell.json("run", str(skill), *arguments, "--judge", "anthropic:judge", "--concurrency", "20")
    run, seen = report["run"], shell.seen()
    cases = run["planned"] // (len(models) * 2)
    assert cases >= 5
    assert run["planned"] == cases * len(models) * 2
    assert run["answered"] + run["failed"] + run["missing"] == run["planned"]
    assert sum(seen["faults"].values()) >= 3
    with psycopg.connect(server.admin_dsn) as connection:
        rows = connection.execute(
            "SELECT state, failure_kind, error_message FROM benchmark_results WHERE benchmark_run_id = %s", (run["id"],)
        ).fetchall()
    assert len(rows) == run["planned"]
    assert all(state == "judged" or (kind and message) for state, kind, message in rows), Counter(rows)
    # Retries mend nearly all of it: a fault is rare enough not to strike one call again and again.
    assert run["judged"] >= 0.95 * run["planned"]
    assert set(seen["by_path"]) == {"/v1/chat/completions", "/v1/messages"}


@pytest.mark.parametrize("shell", [(0.0, "--fault-5xx", "1.0")], indirect=True)
def test_when_no_model_gives_an_answer_the_exit_code_and_the_reasons_say_so(
    shell: Shell, skill: Path, tmp_path: Path
) -> None:
    (shell.home / "settings.toml").write_text("[calls]\ndeadline_s = 0.5\n")
    try:
        done = shell.run("run", str(skill), "--model", "openai:model-a", "--judge", "openai:judge")
    finally:
        (shell.home / "settings.toml").unlink()
    assert done.returncode == 5
    assert "24 missing" in done.stdout
    assert "server" in done.stdout
    assert "steelyard runs resume" in done.stdout


@pytest.mark.parametrize("shell", [(0.0, "--api-key", "the-right-one")], indirect=True)
def test_a_wrong_key_is_not_tried_again_and_never_printed(shell: Shell, skill: Path) -> None:
    shell.env["OPENAI_API_KEY"] = "sk-a-wrong-secret-key"
    done = shell.run("run", str(skill), "--model", "openai:model-a", "--judge", "openai:judge", "--arm", "with_skill")
    assert done.returncode == 5
    # Each case once, and once what the judge is examined on.
    assert shell.seen()["started"] == 12 + CANARIES
    assert "OPENAI_API_KEY" in done.stdout
    assert "sk-a-wrong-secret-key" not in done.stdout + done.stderr


def test_a_base_url_nobody_answers_at_is_named(shell: Shell, skill: Path) -> None:
    (shell.home / "settings.toml").write_text("[calls]\ndeadline_s = 0.5\n")
    shell.env["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1"
    try:
        done = shell.run(
            "run", str(skill), "--model", "openai:model-a", "--judge", "openai:judge", "--arm", "with_skill"
        )
    finally:
        (shell.home / "settings.toml").unlink()
    assert done.returncode == 5
    assert "127.0.0.1:9" in done.stdout


def test_a_judge_that_replies_with_prose_costs_no_answer(shell: Shell, skill: Path) -> None:
    command = ("run", str(skill), "--model", "openai:model-a", "--arm", "with_skill")
    ended = shell.run(*command, "--judge", "openai:prose", "--json", "-", "--quiet")
    assert ended.returncode == 5
    assert "not one grade" in ended.stderr
    done = json.loads(ended.stdout)
    assert (done["run"]["answered"], done["run"]["judged"]) == (12, 0)
    assert done["verdict"]["kind"] == "not_enough"
    assert [failure["kind"] for failure in done["failures"]] == ["judge"]
    # The same answers, judged by one that keeps to the form: nothing is called for again.
    again = shell.json(*command, "--judge", "openai:judge")
    assert (again["run"]["reused"], again["run"]["judged"]) == (12, 12)
    assert shell.seen()["by_model"]["model-a"] == 12


def test_empty_and_cut_answers_score_zero_and_are_counted_apart(shell: Shell, skill: Path) -> None:
    done = shell.json("run", str(skill), "--model", "openai:empty", "--model", "openai:cut", "--judge", "openai:judge")
    assert (done["run"]["failed"], done["run"]["answered"], done["run"]["missing"]) == (48, 0, 0)
    assert {failure["kind"] for failure in done["failures"]} == {"empty", "cut"}
    assert {model["quality"] for model in done["models"]} == {0.0}
    # It was examined beside them, and has none of them to grade.
    assert shell.seen()["by_model"]["judge"] == done["certificate"]["calls"] == CANARIES

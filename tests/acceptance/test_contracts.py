"""What others script against: the JSON form, the Makefile's tasks, and a help that does not make one wait."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell

ROOT = Path(__file__).resolve().parents[2]
RUN_KEYS = {
    "id", "skill", "skill_version", "status", "started_at", "completed_at", "planned", "answered", "judged", "failed",
    "missing", "reused", "spent_microcents", "judge_spent_microcents",
}  # fmt: skip
MODEL_KEYS = {
    "model", "arm", "n", "quality", "quality_low", "quality_high", "pass_rate", "avg_cost_microcents", "avg_tokens",
    "latency_ms_p50", "latency_ms_p95", "failures",
}  # fmt: skip
VERDICT_KEYS = {
    "kind", "best", "tied", "cheapest_good_enough", "more_cases", "more_cost_microcents", "sentence", "method",
}  # fmt: skip


def test_the_json_has_every_documented_key_and_null_for_what_is_unknown(shell: Shell, skill: Path) -> None:
    arguments = ("--model", "openai:model-a", "--model", "openai:gpt-5.4", "--judge", "openai:judge")
    report = shell.json("run", str(skill), *arguments)
    assert report["schema"] == "steelyard.run/1"
    assert set(report["run"]) >= RUN_KEYS
    assert all(set(model) >= MODEL_KEYS for model in report["models"])
    assert set(report["verdict"]) >= VERDICT_KEYS
    by_model = {(model["model"], model["arm"]): model for model in report["models"]}
    assert set(by_model) == {
        (m, a) for m in ("openai:model-a", "openai:gpt-5.4") for a in ("with_skill", "without_skill")
    }
    assert by_model["openai:model-a", "with_skill"]["avg_cost_microcents"] is None
    assert by_model["openai:gpt-5.4", "with_skill"]["avg_cost_microcents"] > 0
    assert report["run"]["spent_is_lower_bound"] is True
    shown = shell.json("runs", "show", report["run"]["id"][:8])
    assert shown == report


def test_the_command_of_the_readme_exists_and_help_is_quick() -> None:
    command = [sys.executable, "-m", "steelyard.cli.main", "--help"]
    cost: list[float] = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cost.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(cost) < 0.25


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_makefile_has_the_promised_tasks() -> None:
    listed = subprocess.run(["make", "-C", str(ROOT), "help"], check=True, capture_output=True, text=True).stdout
    for task in ("install", "demo", "test", "check", "bench", "serve", "help"):
        assert re.search(rf"^  make {task}\b", listed, re.M), task


def test_the_home_holds_all_local_state(shell: Shell, skill: Path, tmp_path: Path) -> None:
    user = tmp_path / "user"
    user.mkdir()
    shell.env["HOME"] = str(user)
    assert shell.run("skills", "add", str(skill)).returncode == 0
    assert list(user.iterdir()) == []
    assert skill.name in shell.run("skills", "list").stdout


@pytest.mark.browser
def test_a_browser_is_here_for_pages_to_be_tested_in(tmp_path: Path) -> None:
    """Pages are looked at in a real browser; this shows that the one found can render a local file."""
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    if found is None:
        pytest.skip("no Chromium or Chrome is installed")
    page = tmp_path / "page.html"
    page.write_text("<p id=x></p><script>document.getElementById('x').textContent = 6 * 20 + ' g'</script>")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    done = subprocess.run(
        [found, *options, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"HOME": str(tmp_path)},
    )
    assert "120 g" in done.stdout, done.stderr


@pytest.mark.parametrize("command", [("runs", "list"), ("serve", "--port", "0"), ("worker",), ("migrate",)])
def test_an_address_of_a_database_that_is_none_is_a_usage_error_in_one_sentence(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    env = os.environ | {"DATABASE_URL": "garbage", "STEELYARD_HOME": str(tmp_path), "NO_COLOR": "1"}
    line = [sys.executable, "-m", "steelyard.cli.main", *command]
    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert " ".join(done.stderr.split()) == (
        "error: DATABASE_URL is not a PostgreSQL address: it does not begin with postgresql://. next: Write"
        " postgresql://user:password@host:5432/database, or unset it."
    )


def test_a_command_that_calls_no_model_does_not_wait_for_the_vendors_clients(shell: Shell) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "steelyard.cli.main", "skills", "list"]
    done = subprocess.run(command, env=shell.environment(), capture_output=True, text=True, check=True)
    assert "steelyard.providers.tenants" in done.stderr
    assert not re.search(r"\b(pydantic_ai|openai|anthropic|authlib|fastapi)\b", done.stderr)


def test_output_that_nobody_reads_to_its_end_is_no_fault(shell: Shell, skill: Path) -> None:
    assert shell.run("skills", "add", str(skill)).returncode == 0
    reading, writing = os.pipe()
    os.close(reading)
    shown = shell.start("cases", "history", skill.name, stdout=writing)
    os.close(writing)
    _, said = shown.communicate(timeout=120)
    assert (shown.returncode, said) == (0, "")


def test_a_database_that_is_away_is_no_want_of_rights(shell: Shell) -> None:
    shell.env["DATABASE_URL"] = "postgresql://somebody@127.0.0.1:1/steelyard"
    said = shell.run("migrate").stderr
    assert "The database cannot be reached" in said
    assert "CREATEROLE" not in said


@pytest.mark.parametrize(
    ("database", "said"),
    [
        (
            "postgresql://somebody@127.0.0.1:1/steelyard",
            "The database cannot be reached: .* were not looked at: .* Run `steelyard doctor` to see what is wrong.",
        ),
        ("", "There is no database yet: these are the known prices and those in settings.toml."),
    ],
)
def test_prices_are_told_to_the_last_digit_without_a_database_which_is_said(
    tmp_path: Path, database: str, said: str
) -> None:
    settings = '[providers.openai.prices."m"]\ninput = 0.60000001\noutput = 1234.56789\ncache_read = 100\n'
    (tmp_path / "settings.toml").write_text(settings)
    done = Shell(tmp_path, "http://127.0.0.1:9", {"DATABASE_URL": database}).run("models", "price", "openai:m")
    assert done.returncode == 0, done.stderr
    told = "input 0.60000001, output 1234.56789, cache read 100, cache write 0.60000001."
    assert told in " ".join(done.stdout.split())
    assert re.search(said, " ".join(done.stderr.split())), done.stderr
    assert not (tmp_path / "postgres").exists()


def test_an_address_of_a_database_that_is_none_is_no_database_that_is_away(tmp_path: Path) -> None:
    done = Shell(tmp_path, "http://127.0.0.1:9", {"DATABASE_URL": "garbage"}).run("models", "price", "openai:m")
    assert (done.returncode, done.stdout) == (2, "")

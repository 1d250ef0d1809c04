"""`steelyard stale` as CI uses it: what it says, what it exits with, and that testing again calls what it said."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.conftest import Shell

MODELS = ("--model", "anthropic:claude-sonnet-5-5", "--model", "anthropic:claude-haiku-5-5")
JUDGE = ("--judge", "anthropic:claude-opus-5-5")


def test_a_changed_skill_is_stale_until_it_was_run_again(shell: Shell, skill: Path) -> None:
    shell.json("run", str(skill), *MODELS, *JUDGE)
    fresh = shell.run("stale", skill.name, "--fail")
    assert (fresh.returncode, f"{skill.name}  fresh" in fresh.stdout) == (0, True), fresh.stdout
    with (skill / "SKILL.md").open("a") as file:
        file.write("\nState it kindly.\n")
    assert shell.run("skills", "add", str(skill)).returncode == 0
    before = shell.seen()["served"]
    stale = shell.run("stale", skill.name, "--fail")
    assert stale.returncode == 7
    assert "SKILL.md edited" in stale.stdout
    assert "Re-test: 24 calls of models and 24 of the judge" in " ".join(stale.stdout.split())
    told = shell.run("stale", "--json", "-")
    assert told.returncode == 0, "without --fail it only tells"
    body = json.loads(told.stdout)
    assert body["schema"] == "steelyard.staleness/1"
    mine = next(one for one in body["skills"] if one["skill"] == skill.name)
    assert [cause["kind"] for cause in mine["causes"]] == ["skill"]
    assert shell.seen()["served"] == before, "to find out, no model is called"
    shell.json("run", str(skill), *MODELS, *JUDGE)
    retest = mine["causes"][0]["retest"]
    assert shell.seen()["served"] - before == retest["calls"] + retest["judge_calls"]
    assert shell.run("stale", skill.name, "--fail").returncode == 0


def test_a_name_that_is_not_there_and_days_that_are_none_are_refused(shell: Shell, skill: Path) -> None:
    assert shell.run("stale", "nobody-has-this-name").returncode == 2
    assert shell.run("skills", "stale-after", "0").returncode == 2
    assert shell.run("skills", "add", str(skill)).returncode == 0
    set_to = shell.run("skills", "stale-after", "30", "--skill", skill.name)
    assert "once its oldest answer is 30 days old" in " ".join(set_to.stdout.split())
    back = shell.run("skills", "stale-after", "default", "--skill", skill.name)
    assert "90 days old" in " ".join(back.stdout.split())
    never = shell.run("stale", skill.name, "--fail")
    assert (never.returncode, "never benchmarked" in never.stdout) == (0, True)


def test_a_run_is_shown_at_todays_prices(shell: Shell, skill: Path) -> None:
    report = shell.json("run", str(skill), *MODELS, "--judge", "anthropic:claude-opus-5-5")
    short = report["run"]["id"][:8]
    shown = shell.run("runs", "show", short, "--prices", "today")
    assert "At the prices of" in shown.stdout
    assert "No average cost is another than it was." in shown.stdout
    body = shell.json("runs", "show", short, "--prices", "2025-01-01")
    assert body["prices"]["prices_of"] == "2025-01-01"
    assert body["prices"]["schema"] == "steelyard.prices/1"
    past = shell.run("runs", "show", short, "--prices", "2025-01-01").stdout.split("At the prices of")[1]
    assert ("In the run" in past, past.count("2025-01-01") >= 2, "Now" in past) == (True, True, False)
    assert shell.run("runs", "show", short, "--prices", "someday").returncode == 2

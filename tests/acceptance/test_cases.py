"""`steelyard cases` and lists of names at a terminal: decisions that overturn others, their history, and odd names."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from steelyard.bootstrap import open_workbench
from steelyard.domain.feedback import Feedback, FeedbackType
from tests.acceptance.conftest import Shell


async def given_example(shell: Shell, name: str) -> str:
    async with open_workbench(env=shell.environment()) as bench:
        row = await bench.catalogue.find(bench.tenant_id, name)
        given = Feedback(FeedbackType.TRAINING_EXAMPLE, example_input="2 lb", expected_output="907 g", author="Ann")
        return str((await bench.feedback.add(bench.tenant_id, row.id, given)).id)


def words_of(text: str) -> str:
    return " ".join(text.split())


def test_a_rejected_example_is_in_the_history_and_comes_back_with_what_that_overturns(
    shell: Shell, skill: Path
) -> None:
    assert shell.run("skills", "add", str(skill)).returncode == 0
    example = asyncio.run(given_example(shell, skill.name))
    reject = ("cases", "reject", example, "--reason", "Never seen.", "--who", "Bob")
    assert shell.run(*reject).returncode == 0
    again = shell.run(*reject)
    assert (again.returncode, "This example was rejected by Bob on 20" in words_of(again.stderr)) == (2, True)
    for ref in (example, skill.name):
        assert "by Bob: Never seen." in words_of(shell.run("cases", "history", ref).stdout)
    accepted = shell.run("cases", "accept", example[:8], "--who", "Ann")
    assert "overturns what was decided: rejected by Bob on 20" in words_of(accepted.stdout)
    told = json.loads(shell.run("cases", "history", example, "--json", "-").stdout)
    assert [(row["change"], row["who"]) for row in told["changes"]] == [("added", "Ann"), ("rejected", "Bob")]
    nowhere = shell.run("cases", "history", "nobody-has-this-name")
    assert "Neither a skill nor a case is called 'nobody-has-this-name'." in words_of(nowhere.stderr)


def test_a_name_that_reorders_letters_is_spelled_in_lists(shell: Shell, tmp_path: Path) -> None:
    rows = tmp_path / "uses.csv"
    rows.write_text(
        "key,skill,model,measured_at,input_tokens,output_tokens\nodd-1,odd\u202eeman,openai:m,2026-07-01T00:00:00Z,1,1\n"
    )
    assert shell.run("measurements", "import", str(rows)).returncode == 0
    assert "odd(U+202E)eman" in shell.run("measurements", "unmatched").stdout

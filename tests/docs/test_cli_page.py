"""The page of the command line names every command, option and exit code there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from steelyard.cli import exits
from steelyard.cli.main import GROUPS, app

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its full name."""
    inner = getattr(command, "commands", {})
    for part, child in inner.items():
        yield from commands(child, f"{name} {part}")
    if not inner:
        yield name, command


@pytest.mark.parametrize(("name", "command"), list(commands(typer.main.get_command(app), "steelyard")))
def test_every_option_of_a_command_is_on_its_part_of_the_page(name: str, command: Any) -> None:
    part = PAGE.split(f"\n## `{name}`\n")[1].split("\n## ")[0]
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert [option for option in sorted(options - {"--help"}) if f"`{option}`" not in part] == []


def test_every_exit_code_is_on_the_page() -> None:
    assert [code for code in exits.MEANINGS if f"| {code} |" not in PAGE] == []


def test_every_page_the_readme_names_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {part.split(")")[0] for part in readme.split("](")[1:]}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_lists_of_commands_cut_no_sentence_off() -> None:
    for words in ([], *([word] for word in GROUPS)):
        shown = CliRunner().invoke(app, [*words, "--help"], terminal_width=80, env={"COLUMNS": "80"}).stdout
        assert [line for line in shown.splitlines()[1:] if line.endswith("...")] == []

"""docs/security.md: the tests it names are there, and every attack of the suite is on it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_tests_it_names_are_there_and_those_of_the_suite_are_named() -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)`", (ROOT / "docs/security.md").read_text(encoding="utf-8")))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert {f"tests/attacks/{path.name}" for path in (ROOT / "tests/attacks").glob("test_*.py")} <= named

"""The example skills: sound, short, and graded by checks alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from steelyard.skills.folder import find_skills, read_skill

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "skills"


@pytest.mark.parametrize("path", find_skills(EXAMPLES), ids=lambda path: path.name)
def test_an_example_is_sound_short_and_needs_no_judge(path: Path) -> None:
    loaded = read_skill(path)
    assert loaded.content.lint == ()
    assert loaded.findings == ()
    assert len(loaded.content.prompt.split()) < 120
    assert len(loaded.cases) >= 12
    assert not any(case.needs_judge for case in loaded.cases)
    assert all(2 <= len(case.checks) <= 4 for case in loaded.cases)
    assert len({case.input for case in loaded.cases}) == len(loaded.cases)


def test_there_are_examples() -> None:
    assert len(find_skills(EXAMPLES)) >= 2

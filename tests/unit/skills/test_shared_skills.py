"""Every skill of the shared collection loads, with the counts its list of sources gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from steelyard.skills.cases import parse_cases, write_evals_json
from steelyard.skills.folder import LoadedSkill, read_skills

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "skills"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared skills are not beside the repository")


def sources() -> list[tuple[str, int, int]]:
    """(folder, skills, cases) per row of SOURCES.md."""
    path = SHARED / "SOURCES.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    rows = re.findall(r"^\| (\S+__\S+) \|[^|]*\|[^|]*\| (\d+) / (\d+)", text, re.MULTILINE)
    return [(folder, int(skills), int(cases)) for folder, skills, cases in rows]


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[LoadedSkill]]:
    return {folder: read_skills(SHARED / folder) for folder, _, _ in sources()}


def test_counts_are_those_of_the_list_of_sources(loaded: dict[str, list[LoadedSkill]]) -> None:
    counts = {folder: (len(skills), sum(len(skill.cases) for skill in skills)) for folder, skills in loaded.items()}
    assert counts == {folder: (skills, cases) for folder, skills, cases in sources()}
    assert sorted(counts.values()) == [(1, 1), (1, 4), (5, 22), (18, 81), (46, 297)]


def test_every_case_can_be_asked_and_graded(loaded: dict[str, list[LoadedSkill]]) -> None:
    for skills in loaded.values():
        for skill in skills:
            assert skill.content.prompt
            for case in skill.cases:
                assert case.expected or case.assertions or case.checks


def test_what_is_lossy_is_known(loaded: dict[str, list[LoadedSkill]]) -> None:
    lossy = {
        (folder, finding.code)
        for folder, skills in loaded.items()
        for skill in skills
        for finding in skill.findings
        if finding.code != "trigger-set"
    }
    assert lossy == {("microsoft__waza", code) for code in ("waza-expected", "waza-grader", "waza-input")}


def test_no_real_case_loses_a_key_or_a_sentence_when_written_back(loaded: dict[str, list[LoadedSkill]]) -> None:
    for skills in loaded.values():
        for skill in skills:
            assert skill.path is not None
            path = skill.path / "evals" / "evals.json"
            if not path.exists():
                continue
            files = {name: text.encode() for case in skill.cases for name, text in case.files.items()}
            written = write_evals_json(skill.cases, skill.content.name)
            assert parse_cases("evals/evals.json", written, files).cases == skill.cases
            before, after = json.loads(path.read_bytes())["evals"], json.loads(written)["evals"]
            for old, new in zip(before, after, strict=True):
                renamed = {
                    ("assertions" if key == "expectations" else key): value for key, value in old.items() if value != []
                }
                assert renamed.items() <= new.items() or {**renamed, **new} == new

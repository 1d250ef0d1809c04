"""Skills and cases from the disk: what is read, what is left out, and what is said about it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from steelyard.domain.errors import CaseError, SkillError
from steelyard.skills.folder import find_skills, read_cases_file, read_skill, read_skills
from steelyard.skills.text import MAX_FILE_BYTES

HEAD = "---\nname: {}\ndescription: d\n---\n"
CASE = {"id": 1, "prompt": "p", "expected_output": "e"}


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def skill(folder: Path, body: str = "Do it.", cases: object = None) -> Path:
    write(folder / "SKILL.md", HEAD.format(folder.name) + body)
    if cases is not None:
        write(folder / "evals" / "evals.json", json.dumps(cases))
    return folder


def test_a_case_whose_name_is_too_long_with_its_files_is_refused_by_file(tmp_path: Path) -> None:
    folder = skill(tmp_path / "demo")
    for stem in ("a", "b" * 100):
        write(folder / "evals" / f"{stem}.json", json.dumps([{**CASE, "id": "i" * 100}]))
    with pytest.raises(CaseError, match="name of 201 characters, with its file's; 200 are the most") as caught:
        read_skill(folder)
    assert (caught.value.file or "").endswith(f"{'b' * 100}.json")


def test_a_folder_gives_its_skill_and_its_cases(tmp_path: Path) -> None:
    loaded = read_skill(skill(tmp_path / "demo", cases={"skill_name": "demo", "evals": [CASE]}))
    assert loaded.content.name == "demo"
    assert loaded.content.lint == ()
    assert [case.input for case in loaded.cases] == ["p"]
    assert loaded.findings == ()
    assert set(loaded.content.files) == {"SKILL.md"}


def test_a_skill_file_stands_for_its_folder_and_lower_case_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    path = write(folder / "skill.md", HEAD.format("demo") + "x")
    assert read_skill(path).content.digest == read_skill(folder).content.digest
    assert [finding.code for finding in read_skill(path).content.lint] == ["file-name"]


def test_a_prompt_file_is_a_skill_without_cases(tmp_path: Path) -> None:
    loaded = read_skill(write(tmp_path / "translate.txt", "Translate into French."))
    assert loaded.content.name == "translate"
    assert loaded.content.prompt == "Translate into French."
    assert loaded.cases == ()


def test_a_folder_of_skills_is_searched_without_hidden_evals_and_node_modules(tmp_path: Path) -> None:
    for place in ("a", "group/b", ".hidden/c", "node_modules/d", "evals/e", "a/inner"):
        skill(tmp_path / place)
    assert find_skills(tmp_path) == [tmp_path / "a", tmp_path / "group" / "b"]
    assert [loaded.content.name for loaded in read_skills(tmp_path)] == ["a", "b"]
    assert find_skills(tmp_path / "a") == [tmp_path / "a"]


def test_a_folder_of_skills_given_as_one_skill_names_them(tmp_path: Path) -> None:
    skill(tmp_path / "a")
    skill(tmp_path / "b")
    with pytest.raises(SkillError, match="it holds 2 skills: a, b") as caught:
        read_skill(tmp_path)
    assert caught.value.next_step == "Give one of these folders."


def test_a_folder_without_a_skill_says_what_it_holds_and_what_to_do(tmp_path: Path) -> None:
    write(tmp_path / "notes.md", "x")
    with pytest.raises(SkillError, match=r"no SKILL\.md; it holds notes\.md") as caught:
        read_skill(tmp_path)
    assert "notes.md" in (caught.value.next_step or "")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SkillError, match="it is empty"):
        read_skill(tmp_path / "empty")
    with pytest.raises(SkillError, match="no such file"):
        read_skill(tmp_path / "gone")


def test_a_search_of_one_level_looks_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skill(tmp_path / "group" / "b")
    (tmp_path / "group" / "c" / "d").mkdir(parents=True)
    looked: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(str(path)) or scandir(path))
    with pytest.raises(SkillError, match=r"no SKILL\.md; it holds group"):
        read_skills(tmp_path, levels=1)
    assert set(looked) <= {str(tmp_path), str(tmp_path / "group")}
    skill(tmp_path / "a")
    assert [loaded.content.name for loaded in read_skills(tmp_path, levels=1)] == ["a"]


@pytest.mark.parametrize("name", ["passwd", "id_rsa.pub", "notes.csv"])
def test_a_file_that_is_not_called_a_prompt_is_not_read_as_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(SkillError, match=r"is no prompt file; the name of one ends in \.md, \.txt or \.prompt"):
        read_skill(write(tmp_path / name, "root:x:0:0"))


def test_a_file_too_large_is_left_out_and_said(tmp_path: Path) -> None:
    folder = skill(tmp_path / "demo", "See references/big.md")
    write(folder / "references" / "big.md", b"x" * (MAX_FILE_BYTES + 1))
    content = read_skill(folder).content
    assert set(content.files) == {"SKILL.md"}
    assert "file-too-large" in {finding.code for finding in content.lint}
    write(folder / "SKILL.md", b"x" * (MAX_FILE_BYTES + 1))
    with pytest.raises(SkillError, match=r"5\.0 MB"):
        read_skill(folder)


def test_symbolic_links_out_of_the_folder_are_left_out_and_said(tmp_path: Path) -> None:
    folder = skill(tmp_path / "demo", "See references/secret.md and references/own.md")
    secret = write(tmp_path / "secret.md", "SECRET")
    write(folder / "real.md", "OWN")
    (folder / "references").mkdir()
    os.symlink(secret, folder / "references" / "secret.md")
    os.symlink(folder / "real.md", folder / "references" / "own.md")
    os.symlink(tmp_path, folder / "up")
    content = read_skill(folder).content
    assert "SECRET" not in content.prompt
    assert "OWN" in content.prompt
    assert {finding.file for finding in content.lint if finding.code == "file-refused"} == {
        "references/secret.md",
        "up",
    }


def test_a_skill_file_that_is_a_link_to_outside_is_refused(tmp_path: Path) -> None:
    outside = write(tmp_path / "other.md", HEAD.format("demo") + "x")
    (tmp_path / "demo").mkdir()
    os.symlink(outside, tmp_path / "demo" / "SKILL.md")
    with pytest.raises(SkillError, match="symbolic link to nothing in the folder"):
        read_skill(tmp_path / "demo")


def test_what_is_no_regular_file_does_not_hang_the_reader(tmp_path: Path) -> None:
    folder = skill(tmp_path / "demo")
    os.mkfifo(folder / "pipe")
    assert "file-refused" in {finding.code for finding in read_skill(folder).content.lint}


def test_files_of_a_case_are_read_from_the_skill_folder_and_from_evals(tmp_path: Path) -> None:
    cases = [
        {**CASE, "id": number, "files": [path]} for number, path in enumerate(("evals/files/a.csv", "files/a.csv"))
    ]
    folder = skill(tmp_path / "demo", cases={"evals": cases})
    write(folder / "evals" / "files" / "a.csv", "month,revenue")
    for case in read_skill(folder).cases:
        assert "month,revenue" in case.prompt


def test_missing_and_binary_files_of_a_case_are_lossy_not_fatal(tmp_path: Path) -> None:
    folder = skill(tmp_path / "demo", cases={"evals": [{**CASE, "files": ["evals/x.pdf", "evals/gone.txt"]}]})
    write(folder / "evals" / "x.pdf", b"%PDF\x00\xff")
    loaded = read_skill(folder)
    assert {finding.code for finding in loaded.findings} == {"file-not-text", "file-missing"}
    assert loaded.cases[0].files == {}
    assert loaded.cases[0].extra["files"] == ["evals/x.pdf", "evals/gone.txt"]


@pytest.mark.parametrize("path", ["../../secret.txt", "/etc/hostname", "C:\\secret.txt"])
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    folder = skill(tmp_path / "demo", cases={"evals": [{**CASE, "files": [path]}]})
    with pytest.raises(CaseError, match=r"evals\.json:1: .* outside the skill's folder"):
        read_skill(folder)


def test_a_link_out_of_the_folder_is_not_followed_for_a_case(tmp_path: Path) -> None:
    write(tmp_path / "secret.txt", "SECRET")
    folder = skill(tmp_path / "demo", cases={"evals": [{**CASE, "files": ["link.txt"]}]})
    os.symlink(tmp_path / "secret.txt", folder / "link.txt")
    loaded = read_skill(folder)
    assert loaded.cases[0].files == {}
    assert [finding.code for finding in loaded.findings] == ["file-missing"]


def test_trigger_sets_and_other_case_files_are_named_not_read(tmp_path: Path) -> None:
    folder = skill(tmp_path / "demo", cases={"evals": [CASE]})
    write(folder / "evals" / "triggering.json", "[]")
    write(folder / "evals" / "evals.csv", "input,expected\na,b\n")
    loaded = read_skill(folder)
    assert len(loaded.cases) == 1
    assert {finding.code: finding.file for finding in loaded.findings} == {
        "trigger-set": "evals/triggering.json",
        "cases-not-read": "evals/evals.csv",
    }


def test_other_data_files_in_evals_are_read_when_there_is_no_evals_file(tmp_path: Path) -> None:
    folder = skill(tmp_path / "demo")
    write(folder / "evals" / "one.json", json.dumps({"query": "q", "expected_behavior": ["b"]}))
    write(folder / "evals" / "two.json", json.dumps([{"prompt": "p", "expected_output": "e"}]))
    write(folder / "evals" / "settings.json", json.dumps({"threshold": 3}))
    loaded = read_skill(folder)
    assert [case.case_id for case in loaded.cases] == ["one/1", "two/1"]
    assert [(finding.code, finding.file) for finding in loaded.findings] == [("no-cases", "evals/settings.json")]


def test_broken_cases_name_the_file_and_the_line(tmp_path: Path) -> None:
    folder = skill(tmp_path / "demo")
    path = write(
        folder / "evals" / "evals.json",
        '{"evals": [\n  {"id": 1, "prompt": "p", "expected_output": "e"},\n  {"id": 2}\n]}',
    )
    with pytest.raises(CaseError) as caught:
        read_skill(folder)
    assert str(caught.value).startswith(f"{path}:3: case '2': it has no input")


def test_cases_from_a_file_anywhere_find_the_files_beside_them(tmp_path: Path) -> None:
    write(tmp_path / "data.txt", "DATA")
    path = write(tmp_path / "more.jsonl", json.dumps({**CASE, "files": ["data.txt"]}))
    assert "DATA" in read_cases_file(path).cases[0].prompt


def test_a_case_of_fifty_megabytes_gives_one_clear_sentence(tmp_path: Path) -> None:
    path = write(tmp_path / "big.json", json.dumps([{"id": "huge", "prompt": "x" * 50_000_000}]))
    with pytest.raises(CaseError, match=r"big\.json:1: case 'huge' has 50\.0 MB of text; a case may have 5\.0 MB\."):
        read_cases_file(path)
    with path.open("ab") as file:
        file.truncate(70_000_000)
    with pytest.raises(CaseError, match=r"the file has 70\.0 MB; at most 64\.0 MB are read"):
        read_cases_file(path)


def test_a_missing_file_and_a_folder_of_cases_are_clear(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="cannot be opened"):
        read_cases_file(tmp_path / "gone.json")
    with pytest.raises(CaseError, match="is a folder"):
        read_cases_file(tmp_path)


def test_no_cases_and_nothing_said_of_cases_are_two_things(tmp_path: Path) -> None:
    assert read_skill(skill(tmp_path / "silent")).told_cases is None
    assert read_skill(skill(tmp_path / "none", cases={"evals": []})).told_cases == ()
    assert len(read_skill(skill(tmp_path / "one", cases={"evals": [CASE]})).told_cases or ()) == 1
    triggers = skill(tmp_path / "triggers", cases=[{"query": "weigh it", "should_trigger": True}])
    assert read_skill(triggers).told_cases is None
    assert read_skill(write(tmp_path / "prompt.md", "Do it.")).told_cases is None

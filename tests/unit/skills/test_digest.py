"""The digest names a version: the skill's own bytes, and nothing else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.skills.digest import content_files, digest

NAMES = st.text(alphabet="abcxyz-_", min_size=1, max_size=8)
OWN_PATHS = st.one_of(
    st.just("SKILL.md"), st.builds("references/{}.md".format, NAMES), st.builds("scripts/{}.py".format, NAMES)
)
SKILLS = st.dictionaries(OWN_PATHS, st.binary(max_size=40), min_size=1, max_size=6)
EVALUATION_PATHS = st.one_of(
    st.builds("evals/{}.json".format, NAMES),
    st.builds("evals/files/{}.csv".format, NAMES),
    st.builds("results/{}.json".format, NAMES),
    st.sampled_from(
        ["benchmark.json", "runs/grading.json", "runs/timing.json", ".git/HEAD", "scripts/__pycache__/a.pyc", ".env"]
    ),
)


@given(SKILLS, st.randoms())
def test_the_order_of_the_files_does_not_matter(files: dict[str, bytes], random: object) -> None:
    paths = list(files)
    random.shuffle(paths)  # type: ignore[attr-defined]
    assert digest({path: files[path] for path in paths}) == digest(files)


@given(SKILLS, st.dictionaries(EVALUATION_PATHS, st.binary(max_size=40), max_size=5))
def test_evaluation_results_and_hidden_files_do_not_matter(files: dict[str, bytes], more: dict[str, bytes]) -> None:
    assert digest(files | more) == digest(files)


@settings(max_examples=200)
@given(SKILLS, st.data())
def test_any_other_changed_byte_matters(files: dict[str, bytes], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(files)))
    old = files[path]
    new = data.draw(st.binary(max_size=40).filter(lambda value: value != old))
    assert digest(files | {path: new}) != digest(files)


@given(SKILLS, OWN_PATHS, st.binary(max_size=10))
def test_a_file_more_or_another_name_matters(files: dict[str, bytes], path: str, content: bytes) -> None:
    if path not in files:
        assert digest(files | {path: content}) != digest(files)


def test_bytes_cannot_move_between_a_name_and_its_content() -> None:
    assert digest({"ab": b"c"}) != digest({"a": b"bc"})
    assert digest({"a": b"b", "c": b""}) != digest({"a": b"", "c": b"b"})


def test_a_waza_suite_is_no_part_of_the_skill() -> None:
    skill = {"SKILL.md": b"x"}
    suite = {
        "eval.yaml": b"skill: x\ntasks:\n  - tasks/*.yaml\n",
        "tasks/one.yaml": b"id: 1",
        "fixtures/a.py": b"",
        "graders/g.py": b"",
        "trigger_tests.yaml": b"",
    }
    assert digest(skill | suite) == digest(skill)


def test_a_tasks_folder_without_a_waza_suite_is_part_of_the_skill() -> None:
    files = {"SKILL.md": b"x", "tasks/one.yaml": b"id: 1"}
    assert set(content_files(files)) == set(files)

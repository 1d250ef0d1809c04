"""Whatever a SKILL.md and the files beside it hold: a skill, or an error meant for a person, soon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.errors import InputError
from steelyard.skills.bundle import read_bundle, read_prompt_file
from steelyard.skills.folder import LoadedSkill
from tests.conftest import SHARED
from tests.fuzz.damage import at_most, damaged, fuzzed

ROOT = Path(__file__).resolve().parents[2]
FOUND = [*sorted(ROOT.glob("examples/skills/*/SKILL.md")), *sorted(SHARED.glob("skills/**/SKILL.md"))]
REAL = [path.read_bytes() for path in FOUND if path.stat().st_size < 30_000][:60]
PATHS = st.sampled_from(
    ["references/a.md", "scripts/run.py", "evals/evals.json", "a b.md", "eval.yaml", "tasks/t.yaml"]
)


def keepable(loaded: LoadedSkill) -> None:
    """What is kept can be written as JSON and as text."""
    content = loaded.content
    json.dumps(content.frontmatter, allow_nan=False)
    for text in (content.name, content.description, content.prompt, content.body):
        assert "\x00" not in text
        text.encode()
    assert len(content.digest) == 64
    for case in loaded.cases:
        json.dumps([case.input, case.expected, case.extra], allow_nan=False)


@fuzzed
@given(damaged(REAL))
def test_a_damaged_skill_file(data: bytes) -> None:
    with at_most(2):
        try:
            keepable(read_bundle({"SKILL.md": data, "references/a.md": b"[b](references/b.md)"}, "folder"))
        except InputError:
            return


@fuzzed
@given(damaged(REAL), st.text(max_size=20))
def test_a_damaged_prompt_file(data: bytes, name: str) -> None:
    with at_most(2):
        try:
            keepable(read_prompt_file(data, name))
        except InputError:
            return


@fuzzed
@given(st.dictionaries(PATHS, damaged([b'{"evals": [{"prompt": "p", "expected_output": "o"}]}', b"# [x](a%20b.md)"])))
def test_damaged_files_beside_it(others: dict[str, bytes]) -> None:
    with at_most(2):
        try:
            keepable(
                read_bundle(
                    {"SKILL.md": b"---\nname: x\ndescription: y\n---\n" + others.get("a b.md", b""), **others}, "x"
                )
            )
        except InputError:
            return


BIG = 200_000


@pytest.mark.parametrize(
    "body",
    [
        "[" * BIG,
        "](" * BIG,
        "](a(" * BIG,
        "](<" * BIG,
        "](a " + " " * BIG,
        "[x]: " + " " * BIG,
        "[x]:" * BIG,
        "[a]: b " * BIG,
        "a/" * BIG,
        "a." * BIG,
        "./a/b.c" * BIG,
        "`" * BIG,
        "${" * BIG,
        "%20" * BIG,
        "- " * BIG,
        "#" * BIG,
        "---\n" * BIG,
        "](a(b)c(d)e(f)" * (BIG // 10),
        "[link](references/a.md)\n" * (BIG // 10),
        "".join(f"[a](b{number}.md)\n" for number in range(BIG // 4)),
        "".join(f"[x]: b{number}.md\n" for number in range(BIG // 4)),
        "references/" + "a" * BIG + ".md",
        "\t" * BIG,
        "| a " * BIG,
        "<" * BIG,
    ],
    ids=lambda body: repr(body[:8]),
)
def test_a_body_costs_no_more_than_its_length(body: str) -> None:
    files = {"SKILL.md": f"---\nname: x\ndescription: y\n---\n{body}".encode(), "references/a.md": b"a"}
    with at_most(10):
        keepable(read_bundle(files, "x"))


@pytest.mark.parametrize(
    "frontmatter",
    [
        "a: " + "[" * 50_000,
        "a: " + "{" * 50_000,
        "".join("  " * depth + "a:\n" for depth in range(3_000)),
        "- " * 20_000,
        "? " * 20_000,
        "a: &a ["
        + "1, " * 9
        + "]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{f'*{chr(97 + n)}, ' * 9}]\n" for n in range(9)),
        "a: &a " + "x" * 1_000_000 + "\nb: [" + "*a, " * 100_000 + "]",
        "&a a: " + "x" * 1000 + "\n" + "? *a\n" * 10_000,
        "a: &a {" + "".join(f"k{n}: {n}, " for n in range(1000)) + "}\nb: {<<: [" + "*a, " * 3000 + "]}",
        "a: &a [*a]",
        "a: !!binary " + "A" * 100_000,
        "a: '" + "''" * 100_000 + "'",
        "a: |\n" + "  x\n" * 100_000,
        "a: " + "9" * 100_000,
        "a: 1" + "0" * 299 + "\nb: 1e308\nc: .inf\nd: .nan",
        "\n" * 50_000 + "a: b: c",
        "%YAML 1.1\n" * 10_000,
        "a: &" + "x" * 100_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_a_frontmatter_made_to_cost_much(frontmatter: str) -> None:
    with at_most(20, megabytes=900):
        try:
            keepable(read_bundle({"SKILL.md": f"---\n{frontmatter}\n---\nDo it.".encode()}, "x"))
        except InputError:
            return

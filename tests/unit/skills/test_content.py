"""A skill from its bytes: frontmatter, prompt, linked references, and what the linter says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.errors import SkillError
from steelyard.domain.skills import SkillContent
from steelyard.skills.content import build_prompt_skill, build_skill

HEAD = b"---\nname: demo\ndescription: Shows things.\n---\n"


def _prompt(data: bytes) -> SkillContent:
    return build_prompt_skill(data, "SKILL.md")


def codes(skill_md: bytes, folder: str = "demo", **files: bytes) -> dict[str, str]:
    found = build_skill({"SKILL.md": skill_md, **files}, folder).lint
    return {finding.code: finding.level for finding in found}


def test_a_sound_skill_has_its_parts_and_no_findings() -> None:
    skill = build_skill({"SKILL.md": HEAD + b"# Demo\n\nDo it.\n"}, "demo")
    assert (skill.name, skill.description) == ("demo", "Shows things.")
    assert skill.prompt == "# Demo\n\nDo it."
    assert skill.lint == ()


@pytest.mark.parametrize("read", [lambda data: build_skill({"SKILL.md": data}, "demo"), _prompt])
def test_a_name_too_long_to_be_kept_is_refused_with_its_line(read: Callable[[bytes], SkillContent]) -> None:
    text = "---\ndescription: d\nname: {}\n---\nx"
    assert read(text.format("n" * 200).encode()).name == "n" * 200
    with pytest.raises(SkillError, match="has 6,000 characters; 200 are the most") as caught:
        read(text.format("n" * 6_000).encode())
    assert (caught.value.file, caught.value.line) == ("SKILL.md", 3)
    assert len(caught.value.message) < 200


def test_a_path_too_long_to_be_kept_is_refused() -> None:
    longest = "references/" + "r" * (500 - len("references/"))
    assert longest in build_skill({"SKILL.md": HEAD, longest: b"x"}, "demo").files
    with pytest.raises(
        SkillError, match="its path in the skill's folder has 501 characters; 500 are the most"
    ) as caught:
        build_skill({"SKILL.md": HEAD, longest + "r": b"x"}, "demo")
    assert (caught.value.file or "").startswith("references/rrr")


def test_unknown_keys_are_kept_and_remarked_on() -> None:
    skill = build_skill({"SKILL.md": b"---\nname: demo\ndescription: d\nversion: 1.0\ntags: [a, b]\n---\nx"}, "demo")
    assert skill.frontmatter["version"] == 1.0
    assert skill.frontmatter["tags"] == ["a", "b"]
    assert [(finding.level, finding.code, finding.line) for finding in skill.lint] == [
        ("warning", "unknown-key", 4),
        ("warning", "unknown-key", 5),
    ]


def test_linked_references_follow_the_body_under_their_path_in_order_of_mention() -> None:
    body = b"See [the guide](references/guide.md#top) and `references/table.md`, again references/guide.md."
    files = {"SKILL.md": HEAD + body, "references/guide.md": b"GUIDE", "references/table.md": b"TABLE"}
    skill = build_skill({**files, "references/unused.md": b"UNUSED"}, "demo")
    assert skill.prompt == body.decode() + (
        "\n\n## File: references/guide.md\n\nGUIDE\n\n## File: references/table.md\n\nTABLE"
    )
    assert skill.cut == ()


@pytest.mark.parametrize(
    "mention",
    [
        "[x](references/a%20b.md)",
        "[x](<references/a b.md>)",
        '[x](./references/a%20b.md "title")',
        "[x][y]\n\n[y]: references/a%20b.md",
        "[x](demo/references/a%20b.md)",
        "[x](${SKILL_DIR}/references/a%20b.md)",
    ],
)
def test_every_way_to_link_finds_the_file(mention: str) -> None:
    skill = build_skill({"SKILL.md": HEAD + mention.encode(), "references/a b.md": b"FOUND"}, "demo")
    assert skill.prompt.endswith("FOUND")


@pytest.mark.parametrize(
    "mention", ["[x](https://e.org/references/a.md)", "[x](../other/references/a.md)", "https://e.org/references/a.md"]
)
def test_addresses_and_other_folders_are_not_the_skills_own_files(mention: str) -> None:
    skill = build_skill({"SKILL.md": HEAD + mention.encode(), "references/a.md": b"NOT MEANT"}, "demo")
    assert "NOT MEANT" not in skill.prompt
    assert skill.lint == ()


def test_a_reference_past_the_limit_is_left_out_whole_and_reported() -> None:
    files = {
        "SKILL.md": HEAD + b"references/long.md references/short.md",
        "references/long.md": b"L" * 500,
        "references/short.md": b"S",
    }
    skill = build_skill(files, "demo", reference_limit=200)
    assert skill.cut == ("references/long.md",)
    assert "LLL" not in skill.prompt
    assert skill.prompt.endswith("S")
    assert "references-cut" in {finding.code for finding in skill.lint}


@given(st.integers(0, 400), st.lists(st.integers(0, 120), max_size=5))
def test_a_prompt_passes_the_limit_only_by_its_body(limit: int, sizes: list[int]) -> None:
    names = [f"references/{number}.md" for number in range(len(sizes))]
    body = "Read " + " ".join(names)
    files = {name: b"x" * count for name, count in zip(names, sizes, strict=True)}
    skill = build_skill({"SKILL.md": HEAD + body.encode(), **files}, "demo", reference_limit=limit)
    assert skill.prompt.startswith(body.strip())
    assert len(skill.prompt) <= max(limit, len(body))
    assert set(skill.cut) | {name for name in names if f"## File: {name}\n" in skill.prompt} == set(names)


def test_scripts_and_binary_files_are_kept_but_never_sent() -> None:
    files = {
        "SKILL.md": HEAD + b"Run `scripts/go.py`, see [logo](assets/logo.png).",
        "scripts/go.py": b"print('ran')",
        "assets/logo.png": b"\x89PNG\x00\x01",
    }
    skill = build_skill(files, "demo")
    assert set(skill.files) == set(files)
    assert "ran" not in skill.prompt
    assert {finding.code for finding in skill.lint} == {"script-not-run", "binary-reference"}


def test_a_missing_and_a_deep_reference_are_remarked_on_with_their_line() -> None:
    files = {
        "SKILL.md": HEAD + b"Read [a](references/a.md)\nand [b](references/gone.md).",
        "references/a.md": b"More in [c](c.md).",
        "references/c.md": b"deep",
    }
    found = {finding.code: finding for finding in build_skill(files, "demo").lint}
    assert found["missing-file"].line == 6
    assert found["deep-reference"].file == "references/a.md"


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"name: Demo\ndescription: d", "name-characters"),
        (b"name: -demo\ndescription: d", "name-hyphens"),
        (b"name: a--b\ndescription: d", "name-hyphens"),
        (b"name: other\ndescription: d", "name-folder"),
        (b"name: " + b"a" * 65 + b"\ndescription: d", "name-length"),
        (b"name: 12\ndescription: d", "name-type"),
        (b"description: d", "name-missing"),
        (b"name: demo", "description-missing"),
        (b"name: demo\ndescription: " + b"d" * 1025, "description-length"),
        (b"name: demo\ndescription: [d]", "description-type"),
        (b"name: demo\ndescription: d\ncompatibility: " + b"c" * 501, "compatibility-length"),
        (b"name: demo\ndescription: d\nmetadata: {a: 1}", "metadata-values"),
        (b"name: demo\ndescription: d\nmetadata: x", "metadata-type"),
        (b"name: demo\ndescription: d\nallowed-tools: [Read]", "allowed-tools-type"),
        (b"name: demo\ndescription: Use when: asked", "broken-yaml"),
    ],
)
def test_what_the_official_rules_refuse_is_an_error_and_the_skill_is_usable(head: bytes, code: str) -> None:
    assert codes(b"---\n" + head + b"\n---\nbody")[code] == "error"


def test_a_skill_without_frontmatter_is_usable() -> None:
    skill = build_skill({"SKILL.md": b"Just do it."}, "demo")
    assert (skill.name, skill.prompt) == ("demo", "Just do it.")
    assert [finding.code for finding in skill.lint if finding.level == "error"] == ["no-frontmatter"]


def test_long_bodies_empty_bodies_and_other_spellings_are_warnings() -> None:
    assert codes(HEAD + b"line\n" * 600)["body-lines"] == "warning"
    assert codes(HEAD + b"word " * 5000)["body-tokens"] == "warning"
    assert codes(HEAD)["empty-body"] == "warning"
    lower = build_skill({"skill.md": HEAD + b"x"}, "demo")
    assert [(finding.code, finding.level) for finding in lower.lint] == [("file-name", "warning")]


def test_a_value_with_a_colon_is_read_as_it_was_meant() -> None:
    skill = build_skill({"SKILL.md": b"---\nname: demo\ndescription: Use when: it's asked\n---\nx"}, "demo")
    assert skill.description == "Use when: it's asked"
    assert [finding.line for finding in skill.lint if finding.code == "broken-yaml"] == [3]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"---\nname: demo\ndescription: [unclosed\nlicense: MIT\n---\nx", None),
        (b"---\nname: demo\n\tdescription: tab\n---\nx", 3),
        (b"---\nname: demo\nx", 1),
        (b"---\n- a\n- b\n---\nx", 2),
        (b"---\nname: demo\n---\nab\xff", 4),
    ],
)
def test_a_broken_skill_file_is_refused_with_file_and_line(data: bytes, line: int | None) -> None:
    with pytest.raises(SkillError) as caught:
        build_skill({"SKILL.md": data}, "demo")
    assert caught.value.file == "SKILL.md"
    assert caught.value.line is not None
    assert line in (None, caught.value.line)
    assert caught.value.next_step


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_with_a_byte_order_mark_is_read(encoding: str) -> None:
    text = HEAD.decode() + "Grüße"
    assert build_skill({"SKILL.md": text.encode(encoding)}, "demo").prompt == "Grüße"


def test_line_endings_of_any_system_give_the_same_prompt() -> None:
    unix = build_skill({"SKILL.md": HEAD + b"a\nb"}, "demo")
    windows = build_skill({"SKILL.md": (HEAD + b"a\nb").replace(b"\n", b"\r\n")}, "demo")
    assert (unix.prompt, unix.name) == (windows.prompt, windows.name)


def test_a_bare_prompt_is_a_skill_of_one_file() -> None:
    skill = build_prompt_skill(b"---\nNot frontmatter, a rule.\n", "My Prompt.txt")
    assert skill.name == "my-prompt"
    assert skill.prompt.startswith("---")
    assert set(skill.files) == {"SKILL.md"}
    assert skill.lint == ()


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(SkillError, match="empty"):
        build_prompt_skill(b" \n", "p.txt")


@given(st.binary(max_size=200), st.booleans())
def test_arbitrary_bytes_give_a_skill_or_a_skill_error(data: bytes, fenced: bool) -> None:
    data = b"---\n" + data + b"\n---\nbody" if fenced else data
    for build in (lambda: build_skill({"SKILL.md": data}, "demo"), lambda: build_prompt_skill(data, "p.md")):
        try:
            skill = build()
        except SkillError:
            continue
        assert skill.digest


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["a/", "](", "[a", "a.b", "](a(b", '](a "x ', "`a/b.", "${x}/"])
def test_no_body_costs_more_than_its_length(unit: str) -> None:
    assert build_skill({"SKILL.md": HEAD + unit.encode() * 100_000}, "demo").prompt

"""Edits are applied where their text stands exactly once, and nowhere else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.reviews import ReviewEdit
from steelyard.skills.edits import apply_edits, encode_like, with_line_ends_of


def edit(now: str, proposed: str) -> ReviewEdit:
    return ReviewEdit("SKILL.md", now, proposed, "")


def test_an_edit_is_applied_where_its_text_stands_once() -> None:
    made = apply_edits({"SKILL.md": b"Weigh it.\n", "a.md": b"Grams."}, [edit("Grams", "Ounces"), edit("it", "all")])
    assert (dict(made.files), made.applied, made.refused) == (
        {"SKILL.md": b"Weigh all.\n", "a.md": b"Ounces."},
        2,
        (),
    )


def test_what_stands_nowhere_or_several_times_or_only_adds_is_refused_and_said() -> None:
    files = {"SKILL.md": b"one two two\n", "b.md": b"one", "c.bin": b"\x00one two"}
    made = apply_edits(files, [edit("three", "x"), edit("two", "x"), edit("one", "x"), edit("", "x"), edit(" ", "x")])
    assert made.files == files
    assert [one.place for one in made.refused] == [0, 1, 2, 3, 4]
    assert [
        part in one.why for one, part in zip(made.refused, ("not there", "2 times", "2 times", "adds"), strict=False)
    ]
    assert "adds a text" in made.refused[3].why


def test_an_edit_works_on_what_those_before_it_made() -> None:
    made = apply_edits({"SKILL.md": b"a b"}, [edit("a", "b"), edit("b", "c")])
    assert (made.files["SKILL.md"], [one.place for one in made.refused]) == (b"b b", [1])


@given(st.text(alphabet="ab\n\r\N{SNOWMAN}", max_size=12), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_a_file_keeps_how_it_was_written(text: str, encoding: str) -> None:
    data = f"{text}once".encode(encoding)
    made = apply_edits({"SKILL.md": data}, [edit("once", "twice")]).files["SKILL.md"]
    assert made == f"{text}twice".encode(encoding)
    assert encode_like(f"{text}once", data) == data


def test_a_text_from_a_form_gets_its_line_ends_back() -> None:
    assert with_line_ends_of("a\nb", "x\r\ny") == "a\r\nb"
    assert with_line_ends_of("a\nb", "x\ny") == "a\nb"

"""Versions: in the order they came, whichever is current, and their differences as `diff -u` has them."""

from __future__ import annotations

import difflib
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.errors import InputError, NotFound
from steelyard.services.catalogue import SkillCatalogue
from steelyard.services.skills import SkillService
from steelyard.services.versions import (
    MAX_DIFF_BYTES,
    MAX_DIFF_FILES,
    MAX_DIFF_LINES,
    VersionService,
    diff_file,
    diff_files,
)
from steelyard.storage.database import Database
from tests.integration.services.made_skills import content, other_tenant, skill


async def test_an_older_text_saved_again_is_current_and_keeps_its_date(database: Database, tenant_id: UUID) -> None:
    skills, service = SkillService(database), VersionService(database)
    for text in (b"one", b"two", b"one", b"one"):
        row = await skills.add(tenant_id, content(files={"SKILL.md": text}), [])
    lines = await service.list(tenant_id, row.id)
    assert [(line.current, line.files, line.size) for line in lines] == [(False, 1, 3), (True, 1, 3)]
    assert lines[0].created_at > lines[1].created_at
    standing = await SkillCatalogue(database).find(tenant_id, "weigh")
    assert standing.version_id == lines[1].id
    assert standing.version_since > lines[0].created_at
    assert row.digest == lines[1].digest


async def test_a_diff_names_every_changed_file_and_shows_the_text_ones(database: Database, tenant_id: UUID) -> None:
    service = VersionService(database)
    files = {"SKILL.md": b"a\nb\nc\n", "gone.md": b"x\n", "logo.png": b"\x89PNG\x00", "same.md": b"s"}
    skill_id = await skill(database, tenant_id, files=files)
    changed = {"SKILL.md": b"a\nB\nc\n", "logo.png": b"\x89PNG\x00\x01", "new.md": b"n\n", "same.md": b"s"}
    await skill(database, tenant_id, files=changed)
    after, before = [line.id for line in await service.list(tenant_id, skill_id)]
    diff = await service.diff(tenant_id, before, after)
    assert [(file.path, file.change, file.shown) for file in diff.files] == [
        ("SKILL.md", "changed", "text"),
        ("gone.md", "removed", "text"),
        ("logo.png", "changed", "binary"),
        ("new.md", "added", "text"),
    ]
    assert (diff.added, diff.removed, diff.left_out) == (2, 2, 0)
    assert (await service.file(tenant_id, before, "logo.png")).text is None
    assert (await service.file(tenant_id, before, "SKILL.md")).text == "a\nb\nc\n"
    assert [file.path for file in await service.files(tenant_id, after)] == sorted(changed)
    assert (await service.find(tenant_id, skill_id, str(after)[:13])).id == after
    for nothing in ("", " ", "zz"):
        with pytest.raises(NotFound):
            await service.find(tenant_id, skill_id, nothing)


async def test_versions_of_two_skills_or_two_tenants_are_not_compared(database: Database, tenant_id: UUID) -> None:
    service, other = VersionService(database), await other_tenant(database)
    one, two = await skill(database, tenant_id, "one"), await skill(database, tenant_id, "two", {"SKILL.md": b"2"})
    first, second = (await service.list(tenant_id, one))[0].id, (await service.list(tenant_id, two))[0].id
    with pytest.raises(InputError):
        await service.diff(tenant_id, first, second)
    for call in (
        service.diff(other, first, first),
        service.get(other, first),
        service.file(other, first, "SKILL.md"),
        service.download(other, first, "SKILL.md"),
    ):
        with pytest.raises(NotFound):
            await call
    assert await service.list(other, one) == []
    assert await service.files(other, first) == []


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "d e", "\u2028", "\f"]), max_size=30)


@given(before=LINES, after=LINES)
def test_a_files_hunks_are_those_of_a_unified_diff(before: list[str], after: list[str]) -> None:
    old, new = "".join(f"{line}\n" for line in before).encode(), "".join(f"{line}\n" for line in after).encode()
    found = diff_file("f", old, new)
    signs = {"same": " ", "removed": "-", "added": "+"}
    written = [
        text for hunk in found.hunks for text in (hunk.header, *(signs[line.kind] + line.text for line in hunk.lines))
    ]
    assert written == list(difflib.unified_diff(before, after, lineterm=""))[2:]
    for line in (line for hunk in found.hunks for line in hunk.lines):
        assert line.old_number is None or before[line.old_number - 1] == line.text
        assert line.new_number is None or after[line.new_number - 1] == line.text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"x" * MAX_DIFF_BYTES, b"y"),
        (b"\n" * (MAX_DIFF_LINES + 2), b""),
        (None, b"line\n" * 200_000),
    ],
)
def test_a_file_too_large_to_compare_is_named_with_its_sizes(old: bytes | None, new: bytes) -> None:
    found = diff_file("f", old, new)
    assert (found.shown, found.hunks, found.old_size, found.new_size) == (
        "too_large",
        (),
        None if old is None else len(old),
        len(new),
    )


def test_the_largest_files_compared_take_no_long_time() -> None:
    many = [f"{index * 7919 % MAX_DIFF_LINES}" for index in range(MAX_DIFF_LINES)]
    began = time.perf_counter()
    diff_file("f", "\n".join(many).encode(), "\n".join(reversed(many)).encode())
    diff_file("f", b"a\nb\n" * (MAX_DIFF_LINES // 2), b"b\na\nb\n" * (MAX_DIFF_LINES // 3))
    assert time.perf_counter() - began < 20


def test_what_is_compared_of_many_files_is_bounded_by_what_all_of_them_take() -> None:
    """Lines that match in many places are the slowest to line up; 200 files of them took minutes."""
    old, new = ("\n".join(str(of(index)) for index in range(MAX_DIFF_LINES)).encode() for of in (_in_turns, _in_rows))
    began = time.process_time()
    found = diff_files([(f"{number:03}", old, new) for number in range(MAX_DIFF_FILES - 1)] + [("small", b"a", b"b")])
    assert time.process_time() - began < 20
    assert [file.shown for file in found[:3]] == ["text", "text", "too_large"]
    assert {file.shown for file in found[2:]} == {"too_large"}
    assert diff_files([("small", b"a", b"b"), ("large", old, new)])[0].shown == "text"


def _in_turns(index: int) -> int:
    return index // 50


def _in_rows(index: int) -> int:
    return index % 100

"""What an upload may hold, and that nothing else comes through."""

from __future__ import annotations

import io
import stat
import warnings
import zipfile
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.datastructures import UploadFile

from steelyard.domain.errors import InputError, TooLarge
from steelyard.skills import uploads
from steelyard.skills.bundle import read_bundle, read_prompt
from steelyard.skills.uploads import read_folder, read_zip

SKILL = b"---\nname: greet\ndescription: Greets.\n---\nSay hello."


def packed(*entries: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data, compress_type=compression)
    return buffer.getvalue()


def is_safe(path: str) -> bool:
    return not (set(path.split("/")) & {"", ".", ".."} or set(path) & {"\\", "\x00", "\n", "\x1b"})


@contextmanager
def duplicates_allowed() -> Generator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


names = st.one_of(
    st.text(min_size=1, max_size=40),
    st.lists(st.sampled_from(["a", "A", "..", ".", "", "evals", "SKILL.md", "é", "c:"]), min_size=1).map("/".join),
)


@given(st.lists(st.tuples(names, st.binary(max_size=50)), max_size=6))
@example([("../x", b""), ("a", b"")])
@example([("a/b", b"1"), ("A/B", b"2")])
def test_whatever_a_zip_holds_paths_stay_inside_and_differ_on_every_disk(entries: list[tuple[str, bytes]]) -> None:
    try:
        with duplicates_allowed():
            data = packed(*entries)
    except (ValueError, UnicodeEncodeError, IndexError):
        return
    try:
        upload = read_zip(data, "x.zip")
    except InputError:
        return
    assert all(is_safe(path) for path in upload.files)
    assert len({path.casefold() for path in upload.files}) == len(upload.files)
    assert sorted(upload.files.values()) == sorted(data for name, data in entries if not name.endswith("/"))


plain = st.text("abcdefgh0123456789-_é", min_size=1, max_size=12)


@given(st.dictionaries(st.lists(plain, min_size=1, max_size=4).map("/".join), st.binary(max_size=200), min_size=1))
def test_ordinary_files_come_out_as_they_went_in(files: dict[str, bytes]) -> None:
    folded = {path.casefold() for path in files}
    if len(folded) < len(files):
        return
    data = packed(*((f"top/{path}", content) for path, content in files.items()))
    upload = read_zip(data, "x.zip")
    assert dict(upload.files) == files
    assert upload.name == "top"


@given(st.binary(max_size=400))
def test_bytes_that_are_no_archive_are_named_as_such(data: bytes) -> None:
    with pytest.raises(InputError, match="no zip archive"):
        read_zip(data, "x.zip")


@given(st.integers(0, 2_000), st.integers(0, 255))
@example(291, 1)
def test_a_damaged_archive_is_refused_or_read_but_never_crashes(at: int, byte: int) -> None:
    data = bytearray(packed(("top/SKILL.md", SKILL), ("top/references/a.md", b"text " * 50)))
    data[at % len(data)] = byte
    try:
        upload = read_zip(bytes(data), "x.zip")
    except InputError:
        return
    assert all(is_safe(path) for path in upload.files)


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "C:/x", "a\\b", "a//b", "./a", "a/\x07b", "x" * 501]
)
def test_a_path_that_leaves_its_folder_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be taken"):
        read_zip(packed(("SKILL.md", SKILL), (name, b"")), "x.zip")


def test_two_names_that_are_one_file_elsewhere_are_refused() -> None:
    with pytest.raises(InputError, match=r"differs from SKILL\.md only"):
        read_zip(packed(("SKILL.md", SKILL), ("skill.MD", b"")), "x.zip")


def test_the_same_name_twice_is_refused() -> None:
    with duplicates_allowed():
        data = packed(("SKILL.md", SKILL), ("SKILL.md", b"other"))
    with pytest.raises(InputError, match="there twice"):
        read_zip(data, "x.zip")


def test_a_symbolic_link_is_refused() -> None:
    link = zipfile.ZipInfo("secrets")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(InputError, match="symbolic link"):
        read_zip(packed(("SKILL.md", SKILL), (link, b"/etc/passwd")), "x.zip")


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    data = packed(("SKILL.md", SKILL), ("zeros", b"\0" * 30_000_000))
    assert len(data) < 100_000
    with pytest.raises(InputError, match="200 times"):
        read_zip(data, "x.zip")


def test_a_total_past_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_TOTAL_BYTES", 1_000)
    with pytest.raises(TooLarge):
        read_zip(packed(*((f"f{n}", bytes(range(256))) for n in range(5))), "x.zip")


def test_an_entry_that_lies_about_its_size_is_refused() -> None:
    data = packed(("SKILL.md", SKILL), ("big", b"x" * 5_000), compression=zipfile.ZIP_STORED)
    lying = data.replace((5_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(InputError):
        read_zip(lying, "x.zip")


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_ENTRIES", 3)
    with pytest.raises(TooLarge):
        read_zip(packed(*((f"f{n}", b"") for n in range(4))), "x.zip")


def test_an_encrypted_entry_is_refused() -> None:
    data = bytearray(packed(("SKILL.md", SKILL)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(InputError, match="encrypted"):
        read_zip(bytes(data), "x.zip")


def test_a_name_that_is_not_utf8_is_refused() -> None:
    data = packed(("SKILL.md", SKILL), ("caf_.md", b"")).replace(b"caf_.md", b"caf\xe9.md")
    with pytest.raises(InputError, match="UTF-8"):
        read_zip(data, "x.zip")


def test_what_packers_leave_behind_is_passed_over() -> None:
    upload = read_zip(packed(("greet/SKILL.md", SKILL), ("__MACOSX/greet/._SKILL.md", b"x")), "x.zip")
    assert dict(upload.files) == {"SKILL.md": SKILL}


async def test_a_folder_upload_loses_its_top_folder() -> None:
    parts = [
        UploadFile(io.BytesIO(SKILL), filename="greet/SKILL.md"),
        UploadFile(io.BytesIO(b"{}"), filename="greet/a"),
    ]
    upload = await read_folder(parts)
    assert (dict(upload.files), upload.name) == ({"SKILL.md": SKILL, "a": b"{}"}, "greet")


def test_an_uploaded_skill_brings_its_golden_cases() -> None:
    evals = b'{"evals": [{"id": 1, "prompt": "Hi", "expected_output": "hello"}]}'
    upload = read_zip(packed(("greet/SKILL.md", SKILL), ("greet/evals/evals.json", evals)), "x.zip")
    skill = read_bundle(upload.files, upload.name)
    assert skill.content.name == "greet"
    assert [case.input for case in skill.cases] == ["Hi"]
    assert "evals/evals.json" not in skill.content.files


def test_a_zip_of_several_skills_says_which() -> None:
    upload = read_zip(packed(("top/a/SKILL.md", SKILL), ("top/b/SKILL.md", SKILL)), "x.zip")
    with pytest.raises(InputError, match="a, b"):
        read_bundle(upload.files, upload.name)


def test_a_pasted_prompt_takes_the_name_given() -> None:
    assert read_prompt("Answer in French.", "french").content.name == "french"

"""Zip archives made to do harm, and damaged ones: their files inside their folder, or an error for a person, soon."""

from __future__ import annotations

import io
import random
import stat
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.errors import InputError, TooLarge
from steelyard.skills import uploads
from steelyard.skills.uploads import packed, read_packed, read_zip
from tests.fuzz.damage import at_most, damaged, fuzzed

SKILL = b"---\nname: greet\ndescription: Greets.\n---\nSay hello.\n"


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.comment = comment
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


REAL = [
    zipped(("greet/SKILL.md", SKILL), ("greet/references/a.md", b"a" * 300)),
    zipped(("SKILL.md", SKILL), ("é/ü.md", b"x"), method=zipfile.ZIP_STORED, comment=b"PK\x05\x06 a comment"),
    zipped(("a.zip", zipped(("SKILL.md", SKILL)))),
]


def inside(files: object) -> None:
    assert isinstance(files, dict)
    for path in files:
        assert path
        assert not path.startswith("/")
        assert not set(path.split("/")) & {"", ".", ".."}
        assert not any(ord(letter) < 32 or letter in "\\\x7f" for letter in path)
        assert path[1:2] != ":" or not path[0].isalpha()
    assert len({path.casefold() for path in files}) == len(files)
    assert sum(map(len, files.values())) <= uploads.MAX_TOTAL_BYTES


def survives(data: bytes) -> None:
    with at_most(3):
        try:
            upload = read_zip(data, "x.zip")
        except InputError as error:
            str(error).encode()
            return
    inside(dict(upload.files))
    again = packed(upload)
    if again is not None:
        assert dict(read_packed(again, "", upload.kind).files) == dict(upload.files)


@fuzzed
@given(damaged(REAL))
def test_a_damaged_archive(data: bytes) -> None:
    survives(data)


@fuzzed
@given(st.sampled_from(REAL), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8))))
def test_an_archive_with_bytes_written_over(data: bytes, changes: list[tuple[float, bytes]]) -> None:
    whole = bytearray(data)
    for place, what in changes[:6]:
        at = int(place * len(whole))
        whole[at : at + len(what)] = what
    survives(bytes(whole[: len(data)]))


@fuzzed
@given(st.text(min_size=1, max_size=30), st.sampled_from(["utf-8", "utf-16-le", "cp437", "latin-1"]), st.booleans())
def test_a_name_in_any_spelling(name: str, encoding: str, marked: bool) -> None:
    survives(_raw([(name.encode(encoding, "replace"), SKILL)], flags=0x800 if marked else 0))


def _raw(
    entries: list[tuple[bytes, bytes]],
    *,
    flags: int = 0,
    method: int = 8,
    mode: int = 0,
    said: int | None = None,
    at: int | None = None,
    system: int = 3,
) -> bytes:
    """An archive written by hand: `said` sizes, all entries `at` one place, whatever names, flags and modes."""
    body, directory = bytearray(), bytearray()
    for name, data in entries:
        held = zlib.compress(data)[2:-4] if method == 8 else data
        size = len(data) if said is None else said
        common = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 0, zlib.crc32(data), len(held), size, len(name), 0)
        place = len(body) if at is None else at
        if at is None or not body:
            body += b"PK\x03\x04" + common + name + held
        directory += (
            b"PK\x01\x02" + bytes([20, system]) + common + struct.pack("<HHHII", 0, 0, 0, mode << 16, place) + name
        )
    end = struct.pack("<HHHHIIH", 0, 0, len(entries) % 65536, len(entries) % 65536, len(directory), len(body), 0)
    return bytes(body + directory) + b"PK\x05\x06" + end


@pytest.mark.parametrize(
    "name",
    [
        *("../SKILL.md", "a/../../x", "/etc/passwd", "C:/x", "c:x", "\\\\host\\share", "a\\..\\b", "a/./b", "a//b"),
        *("a\x00.md", "a\nb", "\x1b[31m", "\x7f", "..", ".", "/", "a/" * 30 + "x", "a" * 600, "\u202egp.dm"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_or_harmless(name: str) -> None:
    for flags in (0, 0x800):
        survives(_raw([(name.encode(), SKILL)], flags=flags))
    if name not in ("/", "\u202egp.dm"):
        with pytest.raises(InputError):
            read_zip(_raw([(name.encode(), SKILL), (b"SKILL.md", SKILL)], flags=0x800), "x.zip")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (_raw([(b"SKILL.md", SKILL), (b"skill.md", b"x")]), "case"),
        (_raw([(b"a", b"1"), (b"a", b"2")]), "twice"),
        (_raw([("é".encode(), b"1"), ("e\u0301".encode(), b"2")], flags=0x800), "case"),
        (_raw([(b"a", SKILL)], flags=1), "encrypted"),
        (_raw([(b"a", SKILL)], flags=0x40), "encrypted"),
        (_raw([(b"a", b"target")], mode=stat.S_IFLNK | 0o777), "symbolic link"),
        (_raw([(b"a", b"")], mode=stat.S_IFIFO | 0o600), "no ordinary file"),
        (_raw([(b"a", b"")], mode=stat.S_IFBLK | 0o600), "no ordinary file"),
        (_raw([(b"a", SKILL)], method=99), "compression"),
        (_raw([(b"a", b"\0" * 40_000_000)]), "times its size"),
        (_raw([(b"a", b"\0" * 40_000_000)], said=100), "no zip archive"),
        (_raw([(b"a", SKILL)], said=5), "no zip archive"),
        (_raw([(b"a", SKILL)], said=2**32 - 2), "unpacked"),
        (_raw([(str(n).encode(), b"") for n in range(6_000)]), "entries"),
        (_raw([(b"x%d" % n, random.Random(1).randbytes(900_000)) for n in range(60)], at=0), "unpacked"),
        (REAL[0][:-10], "no zip archive"),
        (b"PK\x05\x06" + b"\xff" * 18, "no zip archive"),
        (b"", "no zip archive"),
    ],
)
def test_what_would_do_harm_is_refused_by_name_and_soon(data: bytes, why: str) -> None:
    with at_most(5, megabytes=200), pytest.raises(InputError, match=why):
        read_zip(data, "x.zip")


def test_a_million_entries_are_refused_before_they_are_read() -> None:
    data = _raw([(b"%d" % n, b"") for n in range(100_000)], method=0, at=0)
    with at_most(5, megabytes=60), pytest.raises(TooLarge, match="entries"):
        read_zip(data, "x.zip")


def test_archives_within_an_archive_stay_packed() -> None:
    inner = zipped(("bomb", b"\0" * 1_000_000))
    for _ in range(6):
        inner = zipped(*((f"{n}.zip", inner) for n in range(4)))
    with at_most(5):
        upload = read_zip(zipped(("SKILL.md", SKILL), ("deep.zip", inner)), "x.zip")
    assert upload.files["deep.zip"] == inner

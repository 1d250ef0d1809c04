"""Uploads to files in memory: a zip, or the parts of a folder, with everything refused that could do harm.

Nothing is ever written to a path an upload names, so the rules guard the skill kept from it and whoever downloads or
exports it later.
"""

from __future__ import annotations

import base64
import binascii
import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from steelyard.domain.errors import InputError, TooLarge
from steelyard.skills.bundle import read_bundle, read_prompt_file
from steelyard.skills.content import MAX_PATH
from steelyard.skills.folder import LoadedSkill
from steelyard.skills.text import size

MAX_ENTRIES = 5_000
# Each entry of the directory begins with a mark; the library reads all of them, at ten times their size, before it says
# how many there are. Archives within the archive have such marks too.
MAX_MARKS = 4 * MAX_ENTRIES
_MARK = b"PK\x01\x02"
MAX_TOTAL_BYTES = 50_000_000
MAX_RATIO = 200
# Text of one letter compresses a thousandfold and harms nobody; a ratio says something from this size on.
RATIO_FROM_BYTES = 1_000_000
# Of the files' bytes; in base64 they have to fit into one field of a form.
MAX_PACKED_BYTES = 3_000_000
MAX_PACKED_FILES = 1_000
MAX_DEPTH = 20
_JUNK = ("__MACOSX/",)
_UTF8_FLAG = 0x800
_ENCRYPTED = 0x1 | 0x40
_KEPT = "Nothing was added."
# What the standard library raises on archives that are damaged or made to be so.
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(NotImplementedError, OverflowError, ValueError, LookupError),
)


Kind = Literal["folder", "archive", "prompt"]


class Part(Protocol):
    """One file of a folder as a form has it; its name is its path in the folder."""

    @property
    def filename(self) -> str | None: ...

    @property
    def size(self) -> int | None: ...

    async def read(self) -> bytes: ...


@dataclass(frozen=True)
class Upload:
    """`files`: relative POSIX path -> bytes; `name`: that of what they came in, as `kind` says.

    "folder": a top folder, which was taken off; "archive": a zip without one; "prompt": nothing, it is one prompt file.
    """

    files: Mapping[str, bytes]
    name: str | None
    kind: Kind = "folder"


def read_zip(data: bytes, file_name: str) -> Upload:
    """The files of a zip archive. Raises InputError, TooLarge when it holds too much."""
    stem = file_name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return _without_top(_unpack(data, file_name), stem or None)


def _unpack(data: bytes, file_name: str) -> dict[str, bytes]:
    if (marks := data.count(_MARK)) > MAX_MARKS:
        raise _too_many(marks, file_name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _unpacked(archive, file_name)
    except _UNREADABLE:
        raise InputError(
            "is no zip archive that can be read.",
            file=file_name,
            kept=_KEPT,
            next_step="Make it anew with an ordinary zip program, without a password.",
        ) from None


async def read_folder(parts: Iterable[Part]) -> Upload:
    """The files of a folder upload; each part's file name is its path. Raises InputError, TooLarge."""
    names = _Names()
    files: dict[str, bytes] = {}
    total = 0
    for part in parts:
        path = names.take(part.filename or "")
        if path is None:
            continue
        total += part.size or 0
        _check_total(total)
        files[path] = await part.read()
    return _without_top(files, None)


def gather(given: Iterable[tuple[str, bytes]]) -> Upload:
    """Files that are in memory, each with its path. Raises InputError, TooLarge."""
    names = _Names()
    files: dict[str, bytes] = {}
    for name, data in given:
        path = names.take(name)
        if path is not None:
            files[path] = data
    _check_total(sum(map(len, files.values())))
    return _without_top(files, None)


def read_upload(upload: Upload) -> LoadedSkill:
    """The skill of the files, with its golden cases. Raises SkillError, CaseError."""
    match upload.kind:
        case "folder":
            return read_bundle(upload.files, upload.name)
        case "archive":
            return read_bundle(upload.files, None, archive=upload.name)
        case "prompt":
            ((name, data), *_) = upload.files.items()
            return read_prompt_file(data, name)


def packed(upload: Upload) -> str | None:
    """The files as the text of one hidden field, for `read_packed`; None where they are too large for it."""
    if sum(map(len, upload.files.values())) > MAX_PACKED_BYTES or len(upload.files) > MAX_PACKED_FILES:
        return None
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, data in upload.files.items():
            archive.writestr(path, data)
    return base64.b64encode(buffer.getvalue()).decode()


def read_packed(text: str, name: str, kind: str) -> Upload:
    """What `packed` made; read as warily as any archive. Raises InputError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("The files did not come back whole.", kept=_KEPT, next_step="Upload them again.") from None
    known: Kind = kind if kind in ("archive", "prompt") else "folder"
    return Upload(_unpack(data, "upload.zip"), name or None, known)


def _unpacked(archive: zipfile.ZipFile, file_name: str) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise _too_many(len(entries), file_name)
    _check_total(sum(entry.file_size for entry in entries))
    names = _Names()
    files: dict[str, bytes] = {}
    total = 0
    for entry in entries:
        path = names.take(_name_of(entry), folder=entry.is_dir())
        _check_kind(entry)
        if path is None:
            continue
        data = _bytes_of(archive, entry)
        total += len(data)
        _check_total(total)
        files[path] = data
    return files


def _too_many(count: int, file_name: str) -> TooLarge:
    return TooLarge(
        f"holds {count:,} entries; at most {MAX_ENTRIES:,} are taken.",
        file=file_name,
        kept=_KEPT,
        next_step="Pack the skill's own folder alone.",
    )


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The name as it was written: the archive's own text where it says UTF-8, else its bytes read as UTF-8."""
    name = entry.orig_filename
    if entry.flag_bits & _UTF8_FLAG:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        raise _refused(name, "its name is not written in UTF-8", "Pack it with a program that writes UTF-8.") from None


def _check_kind(entry: zipfile.ZipInfo) -> None:
    mode = entry.external_attr >> 16
    if entry.flag_bits & _ENCRYPTED:
        raise _refused(entry.filename, "it is encrypted", "Pack it without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(entry.filename, "its compression is not an ordinary one", "Make the archive anew.")
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "no ordinary file"
        raise _refused(entry.filename, f"it is {what}", "Put the file itself in its place.")
    if entry.file_size > RATIO_FROM_BYTES and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
        raise _refused(entry.filename, f"it unpacks to more than {MAX_RATIO} times its size", "Leave it out.")


def _bytes_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """What the entry unpacks to, at most what it says: the directory's sizes are the sender's word."""
    with archive.open(entry) as file:
        data = file.read(min(entry.file_size, MAX_TOTAL_BYTES) + 1)
    if len(data) > entry.file_size:
        raise _refused(entry.filename, "it unpacks to more than the archive says", "Make the archive anew.")
    return data


def _check_total(total: int) -> None:
    if total > MAX_TOTAL_BYTES:
        raise TooLarge(
            f"The files have more than {size(MAX_TOTAL_BYTES)} unpacked.",
            kept=_KEPT,
            next_step="Leave out what the skill does not need, or add it by its path on this machine.",
        )


class _Names:
    """Paths taken so far: each is safe, and no two are one file on a disk that ignores case or accents' spelling."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def take(self, name: str, *, folder: bool = False) -> str | None:
        """The path to keep, None for folders and what packers leave behind. Raises InputError."""
        path = _safe(name)
        if folder or path.startswith(_JUNK):
            return None
        key = unicodedata.normalize("NFC", path).casefold()
        other = self._seen.get(key)
        if other == path:
            raise _refused(path, "it is there twice", "Leave one out.")
        if other is not None:
            raise _refused(path, f"it differs from {other} only in its letters' case or spelling", "Rename one.")
        self._seen[key] = path
        if len(self._seen) > MAX_ENTRIES:
            raise TooLarge(
                f"More than {MAX_ENTRIES:,} files were given.", kept=_KEPT, next_step="Give the skill's own folder."
            )
        return path


def _safe(name: str) -> str:
    """`name` as a path that stays inside its folder. Raises InputError."""
    step = "Pack the skill's folder anew."
    if not name or len(name) > MAX_PATH or name.count("/") > MAX_DEPTH:
        raise _refused(name, "its name is empty, too long or too deep", step)
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise _refused(name, "its name holds control characters", step)
    if "\\" in name:
        raise _refused(name, "its name holds a backslash", "Pack it with a program that writes / between folders.")
    if name.startswith("/") or (len(name) > 1 and name[1] == ":" and name[0].isalpha()):
        raise _refused(name, "its path is absolute", step)
    parts = name.rstrip("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise _refused(name, "its path leaves its folder", step)
    return "/".join(parts)


def _refused(name: str, why: str, step: str) -> InputError:
    shown = name if len(name) <= 80 else name[:77] + "…"
    return InputError(f"The file {shown!r} cannot be taken: {why}.", kept=_KEPT, next_step=step)


def _without_top(files: Mapping[str, bytes], name: str | None) -> Upload:
    """A single top folder taken off, as packers and folder uploads add one."""
    if not files:
        raise InputError("There are no files in it.", kept=_KEPT, next_step="Choose a folder or a zip with a SKILL.md.")
    tops = {path.split("/", 1)[0] for path in files}
    if len(tops) == 1 and all("/" in path for path in files):
        (top,) = tops
        return Upload({path.split("/", 1)[1]: data for path, data in files.items()}, top)
    return Upload(files, name, "archive")

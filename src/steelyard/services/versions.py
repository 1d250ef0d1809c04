"""A skill's versions: their files, and what changed from one to another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.skills.text import NotText, decode
from steelyard.storage import skills, versions
from steelyard.storage.database import Database
from steelyard.storage.skills import VersionRow
from steelyard.storage.versions import FileLine, VersionLine

MAX_DIFF_BYTES = 400_000
MAX_DIFF_LINES = 5_000
MAX_DIFF_FILES = 200
MAX_DIFF_WORK = 2 * MAX_DIFF_LINES**2
"""Of all files of a comparison: the lines of each, squared, for that is what matching them may take."""
MAX_SHOWN_BYTES = 1_000_000
_CONTEXT = 3
_MAX_LINE = 2_000


@dataclass(frozen=True)
class DiffLine:
    """One line; its numbers count from 1 and are None on the side it is not on. `text` has no line end."""

    kind: Literal["same", "removed", "added"]
    old_number: int | None
    new_number: int | None
    text: str


@dataclass(frozen=True)
class Hunk:
    """A stretch of changed lines with up to three unchanged ones around them; `header` as unified diffs write it."""

    header: str
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True)
class FileDiff:
    """One changed file. There are hunks for "text" alone: a binary file is only named, and so is one too large.

    `added` and `removed` count lines; `old_size` and `new_size` are bytes, None where the file is not there.
    """

    path: str
    change: Literal["added", "removed", "changed"]
    shown: Literal["text", "binary", "too_large"]
    old_size: int | None
    new_size: int | None
    added: int = 0
    removed: int = 0
    hunks: tuple[Hunk, ...] = ()


@dataclass(frozen=True)
class VersionDiff:
    """What changed from one version to another, file by file; `left_out` counts files past the limit."""

    before: VersionRow
    after: VersionRow
    files: tuple[FileDiff, ...]
    left_out: int = 0

    @property
    def added(self) -> int:
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        return sum(file.removed for file in self.files)


@dataclass(frozen=True)
class ShownFile:
    """One file. `text` is None for a binary file; `cut` where it is longer than what is shown."""

    path: str
    size: int
    text: str | None
    cut: bool


class VersionService:
    """Use cases on versions, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, tenant_id: UUID, skill_id: UUID) -> Sequence[VersionLine]:
        """The newest first."""
        async with self._database.tenant(tenant_id) as connection:
            return await versions.list_versions(connection, skill_id)

    async def get(self, tenant_id: UUID, version_id: UUID) -> VersionRow:
        """One version: its body, prompt, frontmatter and lint. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await skills.get_version(connection, version_id)

    async def files(self, tenant_id: UUID, version_id: UUID) -> Sequence[FileLine]:
        """The files by path, without their contents."""
        async with self._database.tenant(tenant_id) as connection:
            return await versions.list_files(connection, version_id)

    async def file(self, tenant_id: UUID, version_id: UUID, path: str) -> ShownFile:
        """One file to be looked at. Raises NotFound."""
        data = await self.download(tenant_id, version_id, path)
        try:
            text = decode(data)
        except NotText:
            return ShownFile(path, len(data), None, False)
        return ShownFile(path, len(data), text[:MAX_SHOWN_BYTES], len(text) > MAX_SHOWN_BYTES)

    async def download(self, tenant_id: UUID, version_id: UUID, path: str) -> bytes:
        """One file, byte for byte. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await versions.read_file(connection, version_id, path)

    async def diff(self, tenant_id: UUID, before_id: UUID, after_id: UUID) -> VersionDiff:
        """What changed from one version of a skill to another. Raises NotFound, InputError on two skills."""
        async with self._database.tenant(tenant_id) as connection:
            before = await skills.get_version(connection, before_id)
            after = await skills.get_version(connection, after_id)
            if before.skill_id != after.skill_id:
                raise InputError("These are versions of two skills.", next_step="Choose two versions of one skill.")
            changed = await versions.changed_files(connection, before_id, after_id)
        files = await asyncio.to_thread(diff_files, changed[:MAX_DIFF_FILES])
        return VersionDiff(before, after, files, max(0, len(changed) - MAX_DIFF_FILES))

    async def make_current(self, tenant_id: UUID, skill_id: UUID, digest_prefix: str) -> VersionLine:
        """Put an earlier version in use again, as adding its files once more would. Raises NotFound.

        Golden cases belong to the skill and stay as they are.
        """
        line = await self.find(tenant_id, skill_id, digest_prefix)
        async with self._database.tenant(tenant_id) as connection:
            await versions.make_current(connection, skill_id, line.id)
        return line

    async def find(self, tenant_id: UUID, skill_id: UUID, digest_prefix: str) -> VersionLine:
        """The version whose digest or id starts so. Raises NotFound when none or several do."""
        async with self._database.tenant(tenant_id) as connection:
            version_id = await versions.find_version(connection, skill_id, digest_prefix)
            lines = await versions.list_versions(connection, skill_id)
        return next(line for line in lines if line.id == version_id)


def diff_files(changed: Iterable[tuple[str, bytes | None, bytes | None]]) -> tuple[FileDiff, ...]:
    """The differences of several files in turn, of which those beyond MAX_DIFF_WORK are named only. Pure.

    `changed`: the path, and the file before and after, None where it is not there.
    """
    left, files = MAX_DIFF_WORK, list[FileDiff]()
    for path, old, new in changed:
        work = max((data or b"").count(b"\n") + 1 for data in (old, new)) ** 2
        files.append(diff_file(path, old, new, compare=work <= left))
        if files[-1].shown == "text":
            left -= work
    return tuple(files)


def diff_file(path: str, old: bytes | None, new: bytes | None, *, compare: bool = True) -> FileDiff:
    """The difference of one file; None where it is not there. Without `compare` a text is only named. Pure."""
    change = "added" if old is None else "removed" if new is None else "changed"
    sizes = (None if old is None else len(old), None if new is None else len(new))
    try:
        before, after = _lines(old), _lines(new)
    except NotText:
        return FileDiff(path, change, "binary", *sizes)
    large = sum(size or 0 for size in sizes) > MAX_DIFF_BYTES or max(len(before), len(after)) > MAX_DIFF_LINES
    if large or not compare:
        return FileDiff(path, change, "too_large", *sizes)
    matcher = SequenceMatcher(None, before, after)
    hunks = tuple(_hunk(group, before, after) for group in matcher.get_grouped_opcodes(_CONTEXT))
    lines = [line for hunk in hunks for line in hunk.lines]
    return FileDiff(
        path,
        change,
        "text",
        *sizes,
        added=sum(line.kind == "added" for line in lines),
        removed=sum(line.kind == "removed" for line in lines),
        hunks=hunks,
    )


def _lines(data: bytes | None) -> list[str]:
    # Only "\n" ends a line: a form feed or a line separator in a text is a part of it.
    return [] if not data else decode(data).removesuffix("\n").split("\n")


def _hunk(group: Sequence[tuple[str, int, int, int, int]], before: list[str], after: list[str]) -> Hunk:
    lines: list[DiffLine] = []
    for tag, a, a_end, b, b_end in group:
        if tag == "equal":
            pairs = zip(range(a, a_end), range(b, b_end), strict=True)
            lines += [DiffLine("same", old + 1, new + 1, _cut(before[old])) for old, new in pairs]
            continue
        lines += [DiffLine("removed", number + 1, None, _cut(before[number])) for number in range(a, a_end)]
        lines += [DiffLine("added", None, number + 1, _cut(after[number])) for number in range(b, b_end)]
    first, last = group[0], group[-1]
    return Hunk(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@", tuple(lines))


def _range(start: int, end: int) -> str:
    """As `diff -u` writes it: the line before an empty range stands for it."""
    length = end - start
    if length == 1:
        return f"{start + 1}"
    return f"{start + 1 if length else start},{length}"


def _cut(line: str) -> str:
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}… ({len(line) - _MAX_LINE:,} more characters)"

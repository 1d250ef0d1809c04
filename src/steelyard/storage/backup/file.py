"""The file of a backup: a line of JSON that says what it is, an archive of pg_dump, and the SHA-256 of both.

Without Steelyard at hand, `tail -n +2 FILE | head -c -65 | pg_restore` reads it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from steelyard.domain.errors import InputError, StorageError
from steelyard.storage.embedded.files import sync_folder

FORMAT = "steelyard.backup/1"
_CHUNK = 1 << 20
# Longer than any line of ours, so that a file of something else is not read in search of its end.
_MOST_HEAD = 4096
# The digest in hexadecimal and a line's end.
_TAIL = 65


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself: `revision` is its schema's, `made_at` the moment it shows, in ISO 8601 and UTC."""

    revision: str
    made_at: str
    steelyard: str
    postgres: str


def write(target: Path, manifest: Manifest, archive: Callable[[], Iterator[bytes]]) -> int:
    """Write the file, readable by its owner alone and under its name only once it is whole; returns its bytes.

    Raises InputError where the file is there already or its folder is not, StorageError where it cannot be written,
    and what `archive` raises; nothing is left then.
    """
    if target.exists():
        raise InputError(f"{target} is there already.", kept="It was not touched.", next_step="Name another file.")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InputError(
            f"{target} cannot be written: {(error.strerror or 'refused').lower()}.",
            next_step="Name a file in a folder that is there and yours.",
        ) from error
    digest = hashlib.sha256()
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for part in _parts(manifest, archive):
                digest.update(part)
                stream.write(part)
            stream.write(digest.hexdigest().encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
            size = stream.tell()
        os.replace(draft, target)
        sync_folder(target.parent)
    except OSError as error:
        raise StorageError(
            f"The backup could not be written: {(error.strerror or 'refused').lower()}.",
            kept="Nothing was left behind; the database was only read.",
            next_step="Make room on the disk of the file, or name one on another.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return size


def _parts(manifest: Manifest, archive: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    yield json.dumps({"format": FORMAT, **asdict(manifest)}).encode() + b"\n"
    yield from archive()


@contextmanager
def opened(source: Path) -> Generator[tuple[Manifest, Iterator[bytes]]]:
    """What a backup says of itself, and its archive in chunks, once its digest has been found right.

    The file is opened once, so that what is read is what was checked. Raises InputError for what is no backup, is
    incomplete, or was changed since it was made.
    """
    try:
        stream = source.open("rb")
    except OSError as error:
        raise InputError(f"{source} cannot be read: {(error.strerror or 'refused').lower()}.") from error
    with stream:
        manifest, head = _head(stream, source)
        end = stream.seek(0, os.SEEK_END) - _TAIL
        digest = hashlib.sha256()
        stream.seek(0)
        for part in _chunks(stream, end):
            digest.update(part)
        if end < head or stream.read(_TAIL) != digest.hexdigest().encode() + b"\n":
            raise InputError(
                f"{source} is not as it was written: it is cut off or was changed, and its checksum does not fit.",
                kept="Nothing was restored.",
                next_step="Take another copy of it, or an earlier backup.",
            )
        stream.seek(head)
        yield manifest, _chunks(stream, end - head)


def _head(stream: BinaryIO, source: Path) -> tuple[Manifest, int]:
    line = stream.readline(_MOST_HEAD)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    fields: dict[str, Any] = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    wanted = list(Manifest.__dataclass_fields__)
    if fields.get("format") != FORMAT or not all(isinstance(fields.get(name), str) for name in wanted):
        raise InputError(
            f"{source} is no backup that this version reads.", next_step="Name a file that `steelyard backup` wrote."
        )
    return Manifest(**{name: fields[name] for name in wanted}), len(line)


def _chunks(stream: BinaryIO, length: int) -> Iterator[bytes]:
    left = length
    while left > 0:
        part = stream.read(min(_CHUNK, left))
        if not part:
            return
        left -= len(part)
        yield part

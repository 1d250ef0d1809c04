"""A folder on disk as a mapping of relative path -> bytes that never leaves the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from steelyard.skills.digest import is_ignored

MAX_FILES = 5_000


class FolderFiles(Mapping[str, bytes]):
    """Regular files below `root`, read when asked for; keys are POSIX paths relative to it.

    Hidden files, symbolic links to outside, and anything that is no regular file are not in the mapping; looking
    such a path up raises KeyError, as does a path with `..` that leaves the folder. Iterating fills `refused`:
    path -> reason.
    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        self.root = root.resolve()
        self.max_bytes = max_bytes
        self.refused: dict[str, str] = {}
        self.truncated = False

    def path(self, key: str) -> Path | None:
        """Where a key is on disk; None when it is no regular file inside the folder."""
        if "\x00" in key:
            return None
        try:
            resolved = (self.root / key).resolve()
            inside = resolved.is_relative_to(self.root) and stat.S_ISREG(resolved.stat().st_mode)
        except (OSError, RuntimeError, ValueError):
            return None
        return resolved if inside else None

    def size(self, key: str) -> int:
        """Bytes of a file; KeyError when it is not in the folder."""
        path = self.path(key)
        if path is None:
            raise KeyError(key)
        return path.stat().st_size

    def __getitem__(self, key: str) -> bytes:
        path = self.path(key)
        if path is None:
            raise KeyError(key)
        try:
            with path.open("rb") as file:
                return file.read(self.max_bytes + 1)
        except OSError:
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[str]:
        count = 0
        for folder, folders, names in os.walk(self.root):
            here = Path(folder).relative_to(self.root).as_posix()
            prefix = "" if here == "." else here + "/"
            kept = [name for name in sorted(folders) if not is_ignored(name)]
            for name in [name for name in kept if os.path.islink(os.path.join(folder, name))]:
                self.refused[prefix + name] = "a symbolic link to a folder"
                kept.remove(name)
            folders[:] = kept
            for name in sorted(names):
                key = prefix + name
                if is_ignored(name):
                    continue
                if self.path(key) is None:
                    link = os.path.islink(os.path.join(folder, name))
                    self.refused[key] = "a symbolic link to nothing in the folder" if link else "no regular file"
                    continue
                count += 1
                if count > MAX_FILES:
                    self.truncated = True
                    return
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)

"""The difference of two versions as it is drawn: no more lines than a page bears, each safe markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from steelyard.services.versions import FileDiff, VersionDiff
from steelyard.web.text.odd import marked

MOST_LINES = 3_000
MOST_CHARACTERS = 300_000


@dataclass(frozen=True)
class ShownLine:
    """A line, or the header of a hunk (kind "hunk"). `sign` says by a character what the colour says."""

    kind: str
    sign: str
    old: str
    new: str
    html: Markup


@dataclass(frozen=True)
class ShownDiff:
    """One file's difference; `left` counts the lines that are not shown."""

    file: FileDiff
    lines: tuple[ShownLine, ...]
    left: int


@dataclass(frozen=True)
class ShownVersions:
    """All of it."""

    diff: VersionDiff
    files: tuple[ShownDiff, ...]


_SIGNS = {"same": "\u00a0", "removed": "\N{MINUS SIGN}", "added": "+"}


def shown_diff(diff: VersionDiff) -> ShownVersions:
    """The difference, drawn as `shown_files` does."""
    return ShownVersions(diff, shown_files(diff.files))


def shown_files(differences: Sequence[FileDiff]) -> tuple[ShownDiff, ...]:
    """Lines are drawn until the page is full, then only counted."""
    files: list[ShownDiff] = []
    lines_left, characters_left = MOST_LINES, MOST_CHARACTERS
    for file in differences:
        drawn: list[ShownLine] = []
        left = 0
        for hunk in file.hunks:
            if lines_left > 0 and characters_left > 0:
                drawn.append(ShownLine("hunk", "", "", "", Markup("{}").format(hunk.header)))
            for line in hunk.lines:
                if lines_left <= 0 or characters_left <= 0:
                    left += 1
                    continue
                lines_left -= 1
                characters_left -= len(line.text)
                drawn.append(
                    ShownLine(
                        line.kind,
                        _SIGNS[line.kind],
                        str(line.old_number or ""),
                        str(line.new_number or ""),
                        marked(line.text),
                    )
                )
        files.append(ShownDiff(file, tuple(drawn), left))
    return tuple(files)

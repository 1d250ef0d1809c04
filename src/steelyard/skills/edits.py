"""Edits somebody proposes for a skill, applied where their text stands exactly once; nothing is guessed. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steelyard.domain.reviews import ReviewEdit
from steelyard.skills.text import NotText, decode


@dataclass(frozen=True)
class Refused:
    """An edit that was not applied, by its place among those given, and why."""

    place: int
    why: str


@dataclass(frozen=True)
class Edited:
    """The files after the edits, those that could not be applied left out and named."""

    files: Mapping[str, bytes]
    applied: int
    refused: tuple[Refused, ...]


def apply_edits(files: Mapping[str, bytes], edits: Sequence[ReviewEdit]) -> Edited:
    """The edits one after the other, each on what those before it made.

    An edit says which text is to be another. It is applied where that text stands once in all the files together;
    where it stands nowhere, several times, or is empty, the edit is refused: where it says it belongs is prose.
    """
    texts = _texts(files)
    changed: set[str] = set()
    refused: list[Refused] = []
    for place, edit in enumerate(edits):
        found = {path: text.count(edit.now) for path, text in texts.items() if edit.now and edit.now in text}
        times = sum(found.values())
        if times == 1:
            (path,) = found
            texts[path] = texts[path].replace(edit.now, edit.proposed)
            changed.add(path)
        elif not edit.now.strip():
            refused.append(Refused(place, "It adds a text and does not say after which one: put it in by hand."))
        elif not times:
            refused.append(
                Refused(place, "The text it is to replace is not there any more, or not so, letter by letter.")
            )
        else:
            refused.append(Refused(place, f"The text it is to replace stands there {times} times."))
    made = {path: encode_like(texts[path], data) if path in changed else data for path, data in files.items()}
    return Edited(made, len(edits) - len(refused), tuple(refused))


def encode_like(text: str, data: bytes) -> bytes:
    """The text as bytes with the byte order mark of `data`, in UTF-8 but where that was UTF-16."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return text.encode("utf-16")
    return (codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b"") + text.encode()


def with_line_ends_of(text: str, before: str) -> str:
    """A text from a form, whose lines end with \\n, with the line ends it had before."""
    return text.replace("\n", "\r\n") if "\r\n" in before else text


def _texts(files: Mapping[str, bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, data in files.items():
        try:
            found[path] = decode(data)
        except NotText:
            continue
    return found

"""Characters a reader would not see, or that reorder what is read: found, and written so that they are seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex
from markupsafe import Markup, escape

# Joiners between letters that are not ASCII belong to scripts and emoji; anywhere else they hide something.
_JOINER = r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
# Arabic and Syriac number signs are format characters that are seen.
_FORMAT = r"[[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]--[\t\n\u200c\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2]]"
_BLANK = r"[\u115f\u1160\u3164\uffa0\ufdd0-\ufdef\ufffe\uffff\U000e0100-\U000e01ef]|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]"
_ODD = regex.compile(rf"{_FORMAT}|{_JOINER}|{_BLANK}", regex.VERSION1)
_ODD_RUN = regex.compile(rf"(?:{_ODD.pattern})+", regex.VERSION1)
# What of `_ODD` counts as printable; to look for these takes a fiftieth of the time.
_PRINTABLE_ODD = re.compile("[\u115f\u1160\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_FIRST_PICTURE = 0x2400
_DELETE_PICTURE = "\u2421"


def lines_of(text: str) -> str:
    """The text with line feeds for Windows' line ends; a lone carriage return stays, as it would hide its line."""
    return text.replace("\r\n", "\n")


def visible(text: str) -> str:
    """The text with every odd character spelled: an escape as `␛`, a right-to-left override as `⟨U+202E⟩`.

    Line feeds, tabs, letters of every script and emoji stay as they are.
    """
    # Most text is this, and a page asks hundreds of times.
    if text.replace("\n", "").replace("\t", "").isprintable() and not _PRINTABLE_ODD.search(text):
        return text
    return _ODD.sub(lambda found: spelled(found[0]), text)


def spelled(char: str) -> str:
    """How one odd character is written: the Unicode picture of an ASCII control, else its code point."""
    code = ord(char)
    if code < 0x20:
        return chr(_FIRST_PICTURE + code)
    return _DELETE_PICTURE if code == 0x7F else f"⟨U+{code:04X}⟩"


def pieces(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, bool]]:
    """The text from `start` to `end` as stretches (start, end, odd), in order and without gaps."""
    at = start
    end = len(text) if end is None else end
    for found in _ODD_RUN.finditer(text, start, end):
        if found.start() > at:
            yield at, found.start(), False
        yield found.start(), found.end(), True
        at = found.end()
    if at < end:
        yield at, end, False


def marked(text: str, start: int = 0, end: int | None = None) -> Markup:
    """The stretch as escaped markup whose text is `visible` of it, odd characters within `<span class="text-odd">`."""
    return Markup().join(
        Markup('<span class="text-odd">{}</span>').format("".join(map(spelled, text[first:last])))
        if odd
        else escape(text[first:last])
        for first, last, odd in pieces(text, start, end)
    )

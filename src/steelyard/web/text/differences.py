"""What an output has that was not expected, and lacks that was: by path in JSON, else by word, else by line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup

from steelyard.web.text.json_changes import JsonChange, json_changes, parsed_pair
from steelyard.web.text.odd import lines_of, marked
from steelyard.web.text.plain import SHOWN, block, more
from steelyard.web.text.shortest import Kept, Stretch, shortest_edits

_WORD = re.compile(r"\w+|[^\S\n]+|\n|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
# Each takes about a tenth of a second; past it, coarser pieces.
_MOST_STEPS = 300_000
_LEAST_SHARED = 0.2
_MOST_PIECES = 100_000
_MOST_CHANGES = 200


class Level(StrEnum):
    """What was compared with what."""

    SAME = "same"
    JSON = "json"
    WORDS = "words"
    LINES = "lines"
    NONE = "none"


@dataclass(frozen=True)
class Differences:
    """Markup of the differences, and a sentence that says how they were found or why they are not shown."""

    html: Markup
    level: Level
    sentence: str


def differences(expected: str, output: str, limit: int = SHOWN) -> Differences:
    """Expected output and output as one text: `<del>` holds what only the expected has, `<ins>` what only the output.

    Each says in hidden words which it is. Two JSON containers are compared by path instead. At most `limit` characters
    are shown. The work is bounded whatever the texts, and texts that share less than a fifth are not marked at all.
    """
    expected, output = lines_of(expected), lines_of(output)
    if expected == output:
        shown = min(limit, len(output))
        note = more(len(output) - shown)
        return Differences(
            block(marked(output, 0, shown)), Level.SAME, _joined("Output and expected output are the same.", note)
        )
    pair = parsed_pair(expected, output)
    if pair is not None:
        return _json(json_changes(*pair, most=_MOST_CHANGES + 1))
    for level, pieces in ((Level.WORDS, _words), (Level.LINES, _lines)):
        first, second = pieces(expected), pieces(output)
        if first is None or second is None:
            continue
        stretches = shortest_edits(first, second, _MOST_STEPS)
        if stretches is not None and _shared(second, stretches) >= _LEAST_SHARED * max(len(expected), len(output)):
            return _text(first, second, stretches, level, limit)
    return Differences(Markup(), Level.NONE, "The two texts share too little for differences to be marked.")


def _shared(second: Sequence[str], stretches: Sequence[Stretch]) -> int:
    """Characters other than white space that both have."""
    kept = [item for stretch in stretches if stretch.kept is Kept.BOTH for item in second[stretch.start : stretch.end]]
    return sum(len(item.strip()) for item in kept)


def _words(text: str) -> list[str] | None:
    """Words, blanks, line feeds and signs; None where there are too many."""
    return _pieces(_WORD, text)


def _lines(text: str) -> list[str] | None:
    return _pieces(_LINE, text)


def _pieces(pattern: re.Pattern[str], text: str) -> list[str] | None:
    found: list[str] = []
    for match in pattern.finditer(text):
        found.append(match[0])
        if len(found) > _MOST_PIECES:
            return None
    return found


def _text(
    first: Sequence[str], second: Sequence[str], stretches: Sequence[Stretch], level: Level, limit: int
) -> Differences:
    drawn: list[Markup] = []
    left = limit
    cut = 0
    counts = {Kept.FIRST: 0, Kept.SECOND: 0}
    for kept, text in _merged(first, second, stretches):
        if kept is not Kept.BOTH:
            counts[kept] += 1
        shown = text[: max(0, left)]
        left -= len(shown)
        cut += len(text) - len(shown)
        if shown:
            drawn.append(_MARKS[kept](shown))
    said = _changes(counts[Kept.FIRST], counts[Kept.SECOND])
    by_line = " Compared line by line, as the texts are long or very different." if level is Level.LINES else ""
    return Differences(block(Markup().join(drawn)), level, _joined(f"{said}{by_line}", more(cut)))


def _changes(missing: int, added: int) -> str:
    parts = [
        f"{number:,} {'passage' if number == 1 else 'passages'} {what}"
        for number, what in ((missing, "missing from the output"), (added, "only in the output"))
        if number
    ]
    return f"{' and '.join(parts)}."


def _merged(first: Sequence[str], second: Sequence[str], stretches: Sequence[Stretch]) -> list[tuple[Kept, str]]:
    """The stretches' texts; changes with nothing but white space kept between them are one change of each side."""
    result: list[tuple[Kept, str]] = []
    out, new = "", ""

    def settle() -> None:
        nonlocal out, new
        result.extend(part for part in ((Kept.FIRST, out), (Kept.SECOND, new)) if part[1])
        out, new = "", ""

    for index, stretch in enumerate(stretches):
        side = first if stretch.kept is Kept.FIRST else second
        text = "".join(side[stretch.start : stretch.end])
        if stretch.kept is Kept.FIRST:
            out += text
        elif stretch.kept is Kept.SECOND:
            new += text
        elif out and new and not text.strip() and "\n" not in text and index + 1 < len(stretches):
            out, new = out + text, new + text
        else:
            settle()
            result.append((Kept.BOTH, text))
    settle()
    return result


def _both(text: str) -> Markup:
    return marked(text)


def _missing(text: str) -> Markup:
    return Markup('<del class="text-missing"><span class="text-said">[missing: </span>{}{}</del>').format(
        marked(text), _CLOSED
    )


def _added(text: str) -> Markup:
    return Markup('<ins class="text-added"><span class="text-said">[added: </span>{}{}</ins>').format(
        marked(text), _CLOSED
    )


_CLOSED = Markup('<span class="text-said">]</span>')
_MARKS: dict[Kept, Callable[[str], Markup]] = {Kept.BOTH: _both, Kept.FIRST: _missing, Kept.SECOND: _added}


def _json(changes: Sequence[JsonChange]) -> Differences:
    if not changes:
        return Differences(Markup(), Level.JSON, "As JSON the two are the same; only their layout differs.")
    rows = Markup().join(
        Markup('<tr><th scope="row"><code>{}</code></th><td>{}</td><td>{}</td></tr>').format(
            marked(change.path), _cell(change.expected), _cell(change.output)
        )
        for change in changes[:_MOST_CHANGES]
    )
    table = Markup(
        '<table class="text-changes"><thead><tr><th scope="col">Path</th><th scope="col">Expected</th>'
        '<th scope="col">Output</th></tr></thead><tbody>{}</tbody></table>'
    ).format(rows)
    if len(changes) > _MOST_CHANGES:
        return Differences(
            table, Level.JSON, f"Over {_MOST_CHANGES} values differ, compared as JSON; the first are shown."
        )
    number = f"{len(changes):,} {'value differs' if len(changes) == 1 else 'values differ'}, compared as JSON."
    return Differences(table, Level.JSON, number)


def _cell(value: str | None) -> Markup:
    if value is None:
        return Markup('<span class="text-nothing">nothing</span>')
    return Markup("<code>{}</code>").format(marked(value))


def _joined(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)

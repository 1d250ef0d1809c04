"""What an output has that was not expected, and lacks that was: by path in JSON, else by word, else by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup

from steelyard.web.text.json_changes import JsonChange, json_changes, parsed_pair
from steelyard.web.text.odd import lines_of, marked
from steelyard.web.text.passages import Passage, passages
from steelyard.web.text.plain import SHOWN, block, more
from steelyard.web.text.shortest import Kept

_MOST_CHANGES = 200
_CONTEXT = 600


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

    Each says in hidden words which it is. Two JSON containers are compared by path instead. Long passages that both
    have are shortened, and at most `limit` characters are shown. The work is bounded whatever the texts, and texts that
    share less than a fifth are not marked at all.
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
    found = passages(expected, output)
    if found is None:
        return Differences(Markup(), Level.NONE, "The two texts share too little for differences to be marked.")
    return _text(*found, limit)


def _text(found: Sequence[Passage], by_line: bool, limit: int) -> Differences:
    drawn: list[Markup] = []
    left, cut = limit, 0
    for index, passage in enumerate(found):
        for text in _shortened(passage, first=index == 0, last=index + 1 == len(found)):
            if isinstance(text, int):
                drawn.append(Markup('<span class="text-nothing">[{:,} characters the same]</span>').format(text))
                continue
            shown = text[:left]
            left -= len(shown)
            cut += len(text) - len(shown)
            if shown:
                drawn.append(_MARKS[passage.kept](shown))
    counts = Counter(passage.kept for passage in found)
    said = _changes(counts[Kept.FIRST], counts[Kept.SECOND])
    how = "Compared line by line, as the texts are long or very different." if by_line else None
    level = Level.LINES if by_line else Level.WORDS
    return Differences(block(Markup().join(drawn)), level, _joined(said, how, more(cut)))


def _shortened(passage: Passage, *, first: bool, last: bool) -> list[str | int]:
    """What is shown of a passage: of a long one that both have its ends next to differences, else a count."""
    text = passage.text
    if passage.kept is not Kept.BOTH or len(text) <= 3 * _CONTEXT:
        return [text]
    before, after = "" if first else text[:_CONTEXT], "" if last else text[-_CONTEXT:]
    return [before, len(text) - len(before) - len(after), after]


def _changes(missing: int, added: int) -> str:
    parts = [
        f"{number:,} {'passage' if number == 1 else 'passages'} {what}"
        for number, what in ((missing, "missing from the output"), (added, "only in the output"))
        if number
    ]
    return f"{' and '.join(parts)}."


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

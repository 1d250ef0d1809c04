"""One fact of a text changed and nothing else: what a judge must notice. English where words matter. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import MAX_EMAX, Decimal, localcontext
from enum import StrEnum


class MutationKind(StrEnum):
    NUMBER = "number"
    NEGATION = "negation"
    NAME = "name"


@dataclass(frozen=True)
class Mutation:
    """The changed text, and what was changed into what."""

    kind: MutationKind
    text: str
    before: str
    after: str

    @property
    def sentence(self) -> str:
        return f"{self.kind} changed: “{self.before}” to “{self.after}”"


# Not a part of a word, a version, a date or an address, and no number of a list item or a heading.
_NUMBER = re.compile(
    r"""(?<![\w.,:/#-])
        (?:\d{1,3}(?:,\d{3})+ | \d+)(?:\.\d+)?
        (?![\w:/-]|[.,]\d)""",
    re.X,
)
_ENUMERATION = re.compile(r"(?m)^[ \t]*(?:[-*+][ \t]+)?\d+[.)](?=\s)")
_VERB = re.compile(r"\b(is|are|was|were|will|can|could|should|must|may|does|did|has|have)\b(?P<not> not\b)?")
_NAME = re.compile(r"(?<=[a-z,;:] )[A-Z][a-z]{2,}\b(?!['’]s? [A-Z])")
# Words that begin a sentence after a colon or a semicolon.
_NEVER_NAMES = frozenset(
    (
        "The",
        "This",
        "That",
        "These",
        "Those",
        "There",
        "Here",
        "When",
        "Where",
        "What",
        "Which",
        "Who",
        "Why",
        "How",
        "And",
        "But",
        "For",
        "Not",
    )
)
_OTHER_NAMES = ("Marlowe", "Quillfeather", "Ostrander")


def mutations(text: str) -> tuple[Mutation, ...]:
    """A changed number, a changed negation and a changed name of the text, in this order, where it has them."""
    found = (_make(kind, text, change) for kind, change in _CHANGES.items())
    return tuple(one for one in found if one is not None)


def _make(kind: MutationKind, text: str, change: Callable[[str], tuple[str, str, str] | None]) -> Mutation | None:
    made = change(text)
    return None if made is None else Mutation(kind, *made)


def _number(text: str) -> tuple[str, str, str] | None:
    """The first number of the text, in every place where it stands."""
    numbers = _outside(_NUMBER.finditer(text), _ENUMERATION.finditer(text))
    first = next(numbers, None)
    if first is None:
        return None
    before = first[0]
    after = _other_number(before)
    parts, end = [text[: first.start()], after], first.end()
    for found in numbers:
        if found[0] == before:
            parts += (text[end : found.start()], after)
            end = found.end()
    return "".join([*parts, text[end:]]), before, after


def _outside(found: Iterable[re.Match[str]], kept: Iterable[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Those that begin in none of `kept`. Both are in the order of the text, so each is looked at once."""
    left = iter(kept)
    span = next(left, None)
    for one in found:
        while span is not None and span.end() <= one.start():
            span = next(left, None)
        if span is None or one.start() < span.start():
            yield one


def _other_number(written: str) -> str:
    """Half as large again and seven more: far enough to be another fact, written with as many decimals."""
    value = Decimal(written.replace(",", ""))
    places = len(written.partition(".")[2])
    with localcontext(Emax=MAX_EMAX):
        other = value + value / 2 + 7
    return f"{other:{',' if ',' in written else ''}.{places}f}"


def _negation(text: str) -> tuple[str, str, str] | None:
    """The first verb that can be denied loses its `not` or gets one."""
    found = _VERB.search(text)
    if found is None:
        return None
    after = found[1] if found["not"] else f"{found[1]} not"
    return text[: found.start()] + after + text[found.end() :], found[0], after


def _name(text: str) -> tuple[str, str, str] | None:
    """The first name within a sentence, in every place where it stands."""
    for found in _NAME.finditer(text):
        before = found[0]
        if before not in _NEVER_NAMES:
            after = next(_unused(text), None)
            return None if after is None else (re.sub(rf"\b{before}\b", after, text), before, after)
    return None


def _unused(text: str) -> Iterator[str]:
    return (name for name in _OTHER_NAMES if name not in text)


_CHANGES: dict[MutationKind, Callable[[str], tuple[str, str, str] | None]] = {
    MutationKind.NUMBER: _number,
    MutationKind.NEGATION: _negation,
    MutationKind.NAME: _name,
}

"""Values that no text may show: struck out of what is logged, stored and shown, each in the texts of its own tenant.

A tenant chooses what its keys are. In another tenant's texts they would strike out whatever it likes, so that whose
text it is has to be known: the doors say it by `texts_of`, the queue by `texts_being`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain
from urllib.parse import quote
from uuid import UUID

MASK = "[key]"
_SHORTEST = 8
# Vendors show a refused key by its ends: "sk-a1****wxyz".
_SHORTEST_BY_ITS_ENDS = 12
_BEGINS, _ENDS = 3, 4
_MOST_BETWEEN = 200
_BETWEEN_ENDS = re.compile(r"[\s\"'<>]")
# Of one tenant; those that were met the longest ago are let go.
_MOST_KEPT = 64
_LONGEST = 64_000
# The longest secret, written as in an address: a text is cut where none of it can be left.
_LONGEST_FORM = 3 * 4_096
# Letters of nobody's, more than a text has once it was cut: one of them is not in it.
_PRIVATE = (range(0xE000, 0xF8FF), range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))


class Masker:
    """Knows secrets by their values. Those shorter than eight characters are parts of words, and not kept."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._forms: tuple[str, ...] | None = None
        # By how they begin, the ways they end.
        self._ends: Mapping[str, re.Pattern[str]] = {}

    @property
    def known(self) -> tuple[str, ...]:
        """The secrets, those met last at the end."""
        return tuple(self._known)

    def keep(self, secrets: Iterable[str]) -> None:
        """Strike these out from now on."""
        for secret in secrets:
            if len(secret) < _SHORTEST:
                continue
            if secret not in self._known:
                self._forms = None
            self._known.pop(secret, None)
            self._known[secret] = None
        while len(self._known) > _MOST_KEPT:
            self._known.pop(next(iter(self._known)))

    def masked(self, text: str) -> str:
        """The text without any of them: whole, as in an address, or by their ends. It takes time by its length alone,
        whatever the secrets are; of more than 64,000 characters the rest is left out."""
        if not self._known:
            return text
        if len(text) > _LONGEST + _LONGEST_FORM:
            said = self.masked(text[: _LONGEST + _LONGEST_FORM])
            return said[: max(0, len(said) - _LONGEST_FORM)] + "…"
        if self._forms is None:
            self._learn()
        # What stands for a secret meanwhile makes no other one with the letters beside it.
        sign = _letter_not_in(text)
        for form in self._forms or ():
            text = text.replace(form, sign)
        for begins, ends in self._ends.items():
            text = _without_cut(text, begins, ends, sign)
        return text.replace(sign, MASK)

    def _learn(self) -> None:
        forms = {form for secret in self._known for form in (secret, quote(secret, safe=""))}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        ends: dict[str, set[str]] = {}
        for secret in self._known:
            if len(secret) >= _SHORTEST_BY_ITS_ENDS:
                ends.setdefault(secret[:_BEGINS], set()).add(re.escape(secret[-_ENDS:]))
        self._ends = {begins: re.compile("|".join(sorted(found))) for begins, found in ends.items()}


def _letter_not_in(text: str) -> str:
    first = chr(_PRIVATE[0].start)
    if first not in text:
        return first
    there = {ord(letter) for letter in text}
    return chr(next(code for code in chain.from_iterable(_PRIVATE) if code not in there))


def _without_cut(text: str, begins: str, ends: re.Pattern[str], sign: str) -> str:
    """Without what begins and ends so and has at most 200 characters between, none of them a space, quote or bracket.

    Neither is looked for anew before it is passed: a pattern with a bounded gap would do so at every beginning.
    """
    pieces: list[str] = []
    done = 0
    end, stop = ends.search(text), -1
    at = text.find(begins)
    while at >= 0 and end is not None:
        start = at + len(begins)
        if end.start() < start:
            end = ends.search(text, start)
            continue
        if stop < start:
            found = _BETWEEN_ENDS.search(text, start)
            stop = len(text) if found is None else found.start()
        if end.start() <= min(stop, start + _MOST_BETWEEN):
            pieces += (text[done:at], sign)
            done = end.end()
        at = text.find(begins, max(done, at + 1))
    return "".join([*pieces, text[done:]])


texts_of: ContextVar[UUID | None] = ContextVar("texts_of", default=None)
_maskers: dict[UUID, Masker] = {}
# Whose texts are meant where nobody says it: in a process that serves one tenant.
_alone: UUID | None = None


@contextmanager
def texts_being(tenant_id: UUID) -> Generator[None]:
    """What is said within is this tenant's."""
    token = texts_of.set(tenant_id)
    try:
        yield
    finally:
        texts_of.reset(token)


def serve_alone(tenant_id: UUID | None) -> None:
    """Texts of nobody's are this tenant's from now on; None: they are nobody's."""
    global _alone
    _alone = tenant_id


def keep_secret(tenant_id: UUID, *secrets: str) -> None:
    """Let no log line, stored message or page of this tenant's show these."""
    _maskers.setdefault(tenant_id, Masker()).keep(secrets)


def secrets_kept(tenant_id: UUID) -> tuple[str, ...]:
    """What is struck out of the tenant's texts."""
    masker = _maskers.get(tenant_id)
    return () if masker is None else masker.known


def masked(text: str) -> str:
    """`text` without any secret this process has met of the tenant whose text it is."""
    owner = texts_of.get() or _alone
    masker = None if owner is None else _maskers.get(owner)
    return text if masker is None else masker.masked(text)

"""Values that no text may show, wherever they come from: struck out of what is logged, stored and shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "[key]"
_SHORTEST = 8
# Vendors show a refused key by its ends: "sk-a1****wxyz".
_SHORTEST_BY_ITS_ENDS = 12
_BEGINS = 3


class Masker:
    """Knows secrets by their values. Those shorter than eight characters are parts of words, and not kept."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        # By their first characters: a text without those of a group need not be searched for it.
        self._groups: dict[str, re.Pattern[str]] | None = None

    def keep(self, secrets: Iterable[str]) -> None:
        """Strike these out from now on."""
        new = {secret for secret in secrets if len(secret) >= _SHORTEST} - self._known
        if new:
            self._known |= new
            self._groups = None

    def masked(self, text: str) -> str:
        """The text without any of them: whole, as in an address, or by their ends."""
        if self._groups is None:
            self._groups = _grouped(self._known)
        for begins, pattern in self._groups.items():
            if begins in text:
                text = pattern.sub(MASK, text)
        return text


def _grouped(secrets: Iterable[str]) -> dict[str, re.Pattern[str]]:
    groups: dict[str, list[str]] = {}
    for secret in sorted(secrets, key=len, reverse=True):
        for form in dict.fromkeys((secret, quote(secret, safe=""))):
            groups.setdefault(form[:_BEGINS], []).append(re.escape(form))
        if len(secret) >= _SHORTEST_BY_ITS_ENDS:
            ends = rf"{re.escape(secret[:_BEGINS])}[^\s\"'<>]{{0,200}}?{re.escape(secret[-4:])}"
            groups.setdefault(secret[:_BEGINS], []).append(ends)
    return {begins: re.compile("|".join(forms)) for begins, forms in groups.items()}


# One for the process: a secret that is used anywhere in it is struck out everywhere.
_masker = Masker()


def keep_secret(*secrets: str) -> None:
    """Let no log line, stored message or page of this process show these."""
    _masker.keep(secrets)


def masked(text: str) -> str:
    """`text` without any secret this process has met."""
    return _masker.masked(text)

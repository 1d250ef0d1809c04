"""Who changes a golden case and why, checked alike for every door."""

from __future__ import annotations

from steelyard.domain.cases import By, whoever_acts
from steelyard.domain.errors import InputError
from steelyard.skills.text import unstorable

MAX_WHO = 200
MAX_WHY = 2_000


def by_of(who: str | None = None, why: str = "", *, needs_why: bool = False) -> By:
    """The name as it was given, that of whoever acts where none was. Raises InputError."""
    name, reason = " ".join((who or "").split()) or whoever_acts(), why.strip()
    if needs_why and not reason:
        raise InputError(
            "A rejection needs a reason.",
            field="why",
            kept="Nothing was changed.",
            next_step="Say in a few words why it is no golden case.",
        )
    if len(name) > MAX_WHO or len(reason) > MAX_WHY:
        raise InputError(
            f"A name has at most {MAX_WHO} characters, a reason {MAX_WHY:,}.", field="why", kept="Nothing was changed."
        )
    if said := unstorable([name, reason]):
        raise InputError(f"The reason cannot be kept: {said}.", field="why", kept="Nothing was changed.")
    return By(name, reason)

"""Reading what a person can mistype in an address: it is left aside, not refused."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

_Choice = TypeVar("_Choice", bound=StrEnum)


def natural(given: str) -> int:
    """The whole number of at most nine digits, 0 for anything else."""
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 9 else 0


def one_of(choices: type[_Choice], given: str) -> _Choice | None:
    """The choice of that value, None for anything else."""
    return next((choice for choice in choices if choice.value == given), None)

"""Reading what a person can mistype in an address: it is left aside, not refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

from steelyard.domain.errors import InputError

_Choice = TypeVar("_Choice", bound=StrEnum)
_Page = TypeVar("_Page")


def natural(given: str) -> int:
    """The whole number of at most nine digits, 0 for anything else."""
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 9 else 0


def one_of(choices: type[_Choice], given: str) -> _Choice | None:
    """The choice of that value, None for anything else."""
    return next((choice for choice in choices if choice.value == given), None)


async def page_after(read: Callable[[str | None], Awaitable[_Page]], after: str) -> tuple[_Page, bool]:
    """The page of a list from where `after` left off, and whether it is that; else the first one.

    `read` raises InputError where a mark is none of its list's, as it is not any more once the order has changed.
    """
    if after:
        try:
            return await read(after), True
        except InputError:
            pass
    return await read(None), False
